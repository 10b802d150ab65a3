"""Fetching: where it must not go, what it must not wait for, and how politely it asks. Real servers on loopback."""

from __future__ import annotations

import datetime
import gzip
import ipaddress
import socket
import ssl
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from rag.sources import fetch, robots
from rag.sources.fetch import Fetcher, Unfetchable, is_inside
from tests.web_server import Page, Site, local, serve


def refused(fetcher: Fetcher, url: str) -> str:
    with pytest.raises(Unfetchable) as caught:
        fetcher.get(url)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# ---- Where it must not go


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.9.9.9", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
        "100.100.100.200", "192.0.0.192", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "168.63.129.16",
        "::", "::1", "fe80::1", "fe80::1%lo", "fc00::1", "fd00:ec2::254", "ff02::1", "fec0::1", "::ffff:127.0.0.1",
        "::ffff:8.8.8.8", "64:ff9b::7f00:1", "64:ff9b::808:808", "64:ff9b:1::1", "2002:7f00:1::1", "2001::1", "::7f00:1",
        "2001:db8::1",
    ],
)  # fmt: skip
def test_addresses_that_lead_inside(address: str) -> None:
    assert is_inside(address)


@given(st.ip_addresses(v=4))
def test_an_address_in_disguise_is_as_the_address_or_refused(ip: ipaddress.IPv4Address) -> None:
    if is_inside(str(ip)):
        for disguise in (f"::ffff:{ip}", f"64:ff9b::{ip}", f"::{ip}"):
            assert is_inside(disguise)


def test_public_addresses_are_not_inside() -> None:
    assert not any(map(is_inside, ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "93.184.216.34"]))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "[::1]"])
def test_every_spelling_of_loopback_is_refused(site: Site, host: str) -> None:
    site.page("/", "<p>secret")
    port = site.url.rpartition(":")[2]
    message = refused(Fetcher(pause=0), f"http://{host}:{port}/")
    assert "inside this network" in message or "no host is known" in message
    assert not site.asked


@pytest.mark.parametrize(
    ("url", "cure"),
    [
        ("file:///etc/passwd", "only http and https"), ("ftp://a.example/", "only http and https"),
        ("gopher://a.example/", "only http"), ("http:///x", "no address"), ("http://a.example:x/", "no address"),
        ("http://user:word@127.0.0.1/", "user name"), ("http://127.0.0.1/a b\r\nX: y", "no address"), ("//a/b", "only http"),
    ],
)  # fmt: skip
def test_what_is_no_web_address(url: str, cure: str) -> None:
    assert cure in refused(local(), url)


@pytest.mark.parametrize(
    "target", ["http://169.254.169.254/latest/meta-data/", "http://[::ffff:a9fe:a9fe]/", "file:///etc/passwd", "http://localhost:1/"]
)  # fmt: skip
def test_a_redirect_is_checked_like_an_address(site: Site, target: str) -> None:
    url = site.page("/", status=302, headers={"Location": target})
    message = refused(local(), url)
    assert "inside this network" in message or "only http" in message


def test_a_name_that_changes_its_address_is_looked_up_once(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name server that answers with a public address first and with loopback next gets no connection to loopback."""
    answers = iter(["8.8.8.8", "127.0.0.1", "127.0.0.1"])
    connected: list[Any] = []
    port = int(site.url.rpartition(":")[2])

    def lookup(*_: Any, **__: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    def connect(address: Any, *_: Any) -> socket.socket:
        connected.append(address)
        raise OSError("not in a test")

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    monkeypatch.setattr(socket, "create_connection", connect)
    assert "could not be reached" in refused(Fetcher(pause=0), f"http://rebinding.example:{port}/")
    assert connected == [("8.8.8.8", port)]
    assert "inside this network" in refused(Fetcher(pause=0), f"http://rebinding.example:{port}/")


def test_one_address_inside_among_others_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    both = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 80)) for ip in ("8.8.8.8", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: both)
    assert "10.0.0.1" in refused(Fetcher(pause=0), "http://two.example/")


# ---- Redirects, sizes, times


def test_redirects_are_followed_and_a_circle_is_not(site: Site) -> None:
    site.page("/end", "<p>here")
    site.page("/b", status=301, headers={"Location": "/end"})
    start = site.page("/a", status=307, headers={"Location": site.url + "/b"})
    found = local().get(start)
    assert (found.url, found.body) == (f"{site.url}/end", b"<p>here")
    site.page("/b", status=302, headers={"Location": "/a"})
    assert "circle" in refused(local(), start)
    for n in range(20):
        site.page(f"/{n}", status=302, headers={"Location": f"/{n + 1}"})
    assert "redirects" in refused(local(), f"{site.url}/0")
    assert len(site.asked) < 20


def test_a_body_larger_than_the_limit(site: Site) -> None:
    url = site.page("/", b"x" * 5000)
    assert local().get(url, limit=5000).body == b"x" * 5000
    with pytest.raises(Unfetchable, match="larger than"):
        local().get(url, limit=4999)


def test_gzip_is_unpacked_within_the_limit(site: Site) -> None:
    packed = gzip.compress(b"y" * 100_000) + gzip.compress(b"z")
    url = site.page("/", packed, headers={"Content-Encoding": "gzip"})
    assert local().get(url).body == b"y" * 100_000 + b"z"
    with pytest.raises(Unfetchable, match="larger than"):
        local().get(url, limit=10_000)
    assert "cut off" in refused(local(), site.page("/cut", packed[:-30], headers={"Content-Encoding": "gzip"}))
    assert "damaged" in refused(local(), site.page("/bad", b"no gzip", headers={"Content-Encoding": "gzip"}))
    assert "packed as" in refused(local(), site.page("/br", b"?", headers={"Content-Encoding": "br"}))


def drip_body(handler: BaseHTTPRequestHandler) -> None:
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    for _ in range(200):
        handler.wfile.write(b"x")
        time.sleep(0.05)


def drip_headers(handler: BaseHTTPRequestHandler) -> None:
    handler.flush_headers()
    for n in range(200):
        handler.wfile.write(f"X-{n}: y\r\n".encode())
        time.sleep(0.05)


@pytest.mark.parametrize("drip", [drip_body, drip_headers])
def test_a_slow_drip_is_cut_off(site: Site, drip: Any) -> None:
    site.pages["/"] = Page(drip=drip)
    begun = time.monotonic()
    assert "took longer than 0.5 s" in refused(local(seconds=0.5), f"{site.url}/")
    assert time.monotonic() - begun < 3


def test_a_connection_that_breaks_off(site: Site) -> None:
    def broken(handler: BaseHTTPRequestHandler) -> None:
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(b"x" * 10)

    site.pages["/"] = Page(drip=broken)
    assert "broke off" in refused(local(), f"{site.url}/")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    assert "could not be reached" in refused(local(), f"http://127.0.0.1:{port}/")


@pytest.mark.parametrize(
    ("status", "cure"), [(404, "check the address"), (401, "login"), (403, "refuses"), (500, "later")]
)
def test_a_status_that_is_no_success(site: Site, status: int, cure: str) -> None:
    message = refused(local(), site.page("/", "x", status=status))
    assert str(status) in message and cure in message


def test_what_did_not_change_is_not_sent_again(site: Site) -> None:
    url = site.page("/", "<p>x", headers={"ETag": '"v1"', "Last-Modified": "Thu, 05 Jan 2023 00:00:00 GMT"})
    first = local().get(url)
    again = local().get(url, etag=first.etag, modified=first.modified)
    assert again.unchanged and again.body == b""
    assert site.headers[-1]["If-Modified-Since"] == first.modified
    assert not local().get(url, etag='"v0"').unchanged
    local().get(url, etag='"v"\r\nX-Injected: 1')
    assert "X-Injected" not in site.headers[-1]


# ---- TLS


def certificate(folder: Path, host: str) -> ssl.SSLContext:
    """A server's context with a certificate that it signed itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    now = datetime.datetime.now(datetime.UTC)
    alternative = x509.IPAddress(ipaddress.ip_address(host)) if host[0].isdigit() else x509.DNSName(host)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    form = serialization.Encoding.PEM
    (folder / "cert.pem").write_bytes(made.public_bytes(form))
    (folder / "key.pem").write_bytes(
        key.private_bytes(form, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context


def test_a_certificate_must_hold(tmp_path: Path) -> None:
    with serve(certificate(tmp_path, "127.0.0.1")) as site:
        url = site.page("/", "<p>x")
        assert "certificate of 127.0.0.1 does not hold" in refused(local(), url)
        assert not site.asked
        trusting = ssl.create_default_context(cafile=tmp_path / "cert.pem")
        assert local(tls=trusting).get(url).body == b"<p>x"
    with serve(certificate(tmp_path, "other.example")) as site:
        trusting = ssl.create_default_context(cafile=tmp_path / "cert.pem")
        assert "does not hold" in refused(local(tls=trusting), site.page("/", "<p>x"))


def test_a_server_that_speaks_no_tls(site: Site) -> None:
    assert "could not be reached" in refused(local(), site.page("/").replace("http:", "https:"))


# ---- Manners


def test_requests_to_one_host_are_spaced_and_robots_may_ask_for_more(site: Site) -> None:
    slept: list[float] = []
    now = [0.0]

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    url = site.page("/", "<p>x")
    fetcher = local(pause=1.0, clock=lambda: now[0], sleep=sleep)
    fetcher.get(url)
    fetcher.get(url)
    assert slept == [1.0, 1.0]  # robots.txt, then twice the page
    assert site.asked == ["/robots.txt", "/", "/"]
    site.page("/robots.txt", "User-agent: *\nCrawl-delay: 7\n", "text/plain")
    slept.clear()
    fetcher = local(pause=1.0, clock=lambda: now[0], sleep=sleep)
    fetcher.get(url)
    fetcher.get(url)
    assert slept[-1] == 7.0


def test_robots_are_respected_also_behind_a_redirect(site: Site) -> None:
    site.page("/robots.txt", "User-agent: *\nDisallow: /private/\n", "text/plain")
    site.page("/private/a", "<p>secret")
    start = site.page("/a", status=302, headers={"Location": "/private/a"})
    for url in (start, f"{site.url}/private/a"):
        assert "robots.txt" in refused(local(), url)
    assert "/private/a" not in site.asked
    site.page("/robots.txt", status=503)
    assert "robots.txt" in refused(local(), f"{site.url}/a")


def test_a_busy_server_is_asked_once_more_when_it_says_when(site: Site) -> None:
    slept: list[float] = []
    url = site.page("/", "x", status=429, headers={"Retry-After": "2"})
    assert "busy" in refused(local(sleep=slept.append, seconds=60), url)
    assert site.asked.count("/") == 2 and any(1.5 < s <= 2 for s in slept)
    site.asked.clear()
    url = site.page("/", "x", status=503, headers={"Retry-After": "9000"})
    assert "busy" in refused(local(sleep=slept.append), url) and site.asked.count("/") == 1


ROBOTS = b"""\xef\xbb\xbf# Everybody
User-agent: *
Disallow: /
Sitemap: https://a.example/map.xml

User-agent: dateline
User-agent: other
Disallow: /private
Allow: /private/open$
Disallow: /*.pdf$
Disallow: /*/print*page
Disallow:
Crawl-delay: 5
User-Agent: bad
Disallow: /
"""


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/", True), ("/news", True), ("/private", False), ("/private/x", False), ("/privately", False),
        ("/private/open", True), ("/private/open/x", False), ("/a.pdf", False), ("/a.pdf?x=1", True),
        ("/a/print-this-page", False), ("/a/print", True), ("/caf%C3%A9", True),
    ],
)  # fmt: skip
def test_robots_rules(path: str, allowed: bool) -> None:
    rules = robots.parse(ROBOTS, fetch.AGENT)
    assert rules.allows(path) is allowed
    assert rules.delay == 5
    assert not robots.parse(ROBOTS, "Somebody").allows("/")


def test_a_pattern_of_many_stars_takes_no_time() -> None:
    rules = robots.parse(b"User-agent: *\nDisallow: /" + b"*a" * 5000 + b"$", "x")
    begun = time.monotonic()
    assert rules.allows("/" + "a" * 4000 + "b")
    assert time.monotonic() - begun < 1


@given(st.binary(max_size=300))
def test_any_bytes_are_some_robots(raw: bytes) -> None:
    robots.parse(raw, "x").allows("/a")

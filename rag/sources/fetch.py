"""The only place that opens a socket: pages, feeds and sitemaps over http and https, within bounds.

A request goes nowhere but where it says: every hop of a redirect is checked anew, its host is looked up once, and the
connection is made to the very address that was checked. No hop may lead into the machine or its own network unless the
user allowed that host by name. A proxy set in the environment is not used, since it would look up names by itself.
"""

from __future__ import annotations

import http.client
import ipaddress
import re
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from rag.sources import robots

AGENT = "Dateline"
MAX_BYTES = 32 * 2**20
"""Bytes of one response, after decompression."""
MAX_HOPS = 6
CONNECT_SECONDS = 10.0
TOTAL_SECONDS = 60.0
"""Seconds for one request and all its redirects, from the first to the last byte."""
PAUSE_SECONDS = 1.0
"""Seconds between two requests to one host, unless its robots.txt wants more."""
_WAIT_SECONDS = 30.0  # a server that asks to come back within this is asked once more

# Addresses that `ipaddress` calls global but that lead inside, or may.
_INSIDE = [
    ipaddress.ip_network(n)
    for n in (
        "64:ff9b::/96", "64:ff9b:1::/48",  # NAT64: an IPv4 address in disguise
        "2002::/16", "192.88.99.0/24",  # 6to4
        "2001::/32",  # Teredo
        "::/96",  # IPv4-compatible
        "::ffff:0:0/96", "::ffff:0:0:0/96",  # IPv4-mapped and -translated
        "fec0::/10",  # site-local
        "192.0.0.0/24",  # protocol assignments; a cloud's metadata among them
        "100.64.0.0/10",  # carrier-grade NAT
        "168.63.129.16/32",  # a cloud's host agent on a public address
    )
]  # fmt: skip


class Unfetchable(ValueError):
    """An address that could not be fetched, or must not be; the message says why and what to do, in one line."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A response. ``url`` is where the last redirect led, ``body`` decompressed, ``charset`` what the header claims.

    ``unchanged``: the server says that nothing changed since ``etag`` or ``modified`` were given out; no body then.
    """

    url: str
    body: bytes = b""
    kind: str = ""
    charset: str = ""
    etag: str = ""
    modified: str = ""
    unchanged: bool = False


def is_inside(address: str) -> bool:
    """Whether an IP address leads (or may lead) anywhere but to the public internet."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    return not ip.is_global or ip.is_multicast or any(ip in net for net in _INSIDE if net.version == ip.version)


@dataclass(slots=True)
class _Host:
    """What is known of one host while this process runs."""

    rules: robots.Robots | None = None
    next_at: float = 0.0


@dataclass(slots=True)
class Fetcher:
    """Fetches politely. ``allowed`` are hosts ("intranet.example", "127.0.0.1", "localhost:8000") that may lie inside.

    ``tls`` replaces the system's trust (None: certificates are verified against the system's authorities). Not for
    threads at once: one fetcher keeps the pauses of one run.
    """

    allowed: Collection[str] = ()
    pause: float = PAUSE_SECONDS
    seconds: float = TOTAL_SECONDS
    tls: ssl.SSLContext | None = None
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _hosts: dict[str, _Host] = field(default_factory=dict[str, _Host])

    def get(self, url: str, *, etag: str = "", modified: str = "", limit: int = MAX_BYTES) -> Fetched:
        """Fetch an address. With ``etag`` and ``modified`` of an earlier answer, only if it changed since.

        Raises `Unfetchable`: a forbidden scheme or address, robots.txt, a status other than success, too many
        redirects, too large (``limit`` bytes), too slow, a certificate that does not hold.
        """
        conditions = {
            name: value
            for name, value in (("If-None-Match", etag), ("If-Modified-Since", modified))
            if value and value.isprintable() and value.isascii()
        }
        return self._follow(url, conditions, limit, robots_too=True)

    def _follow(self, url: str, conditions: dict[str, str], limit: int, *, robots_too: bool) -> Fetched:
        seen: list[str] = []
        retried = False
        end = time.monotonic() + self.seconds
        while True:
            parts = _parsed(url)
            if url in seen:
                raise Unfetchable(f"its redirects go round in a circle, by {_shown(url)}; use the page's own address")
            if len(seen) == MAX_HOPS:
                raise Unfetchable(f"more than {MAX_HOPS} redirects, last to {_shown(url)}; use the page's own address")
            seen.append(url)
            host = self._hosts.setdefault(_origin(parts), _Host())
            if robots_too:
                if host.rules is None:
                    host.rules = self._rules(parts)
                if not host.rules.allows(_target(parts)):
                    raise Unfetchable(
                        f"the robots.txt of {parts.hostname} does not allow it; ask the site, or save the page"
                    )
            wait = host.next_at - self.clock()
            if wait > 0:
                self.sleep(wait)
                end += wait
            try:
                answer = self._request(parts, conditions, limit, end)
            finally:
                delay = host.rules.delay if host.rules else 0.0
                host.next_at = self.clock() + max(self.pause, delay)
            if answer.location:
                url = urljoin(url, quote(answer.location, safe="/%?=&*$:;,@!~'()+[]-._#"))
                continue
            if answer.again is not None and not retried:
                retried = True
                seen.pop()
                host.next_at = max(host.next_at, self.clock() + answer.again)
                continue
            if answer.problem:
                raise answer.problem
            return answer.fetched

    def _rules(self, parts: SplitResult) -> robots.Robots:
        """A site's robots.txt: what it lacks allows all; while the site cannot give it, nothing is allowed."""
        try:
            found = self._follow(f"{parts.scheme}://{parts.netloc}/robots.txt", {}, 2**19, robots_too=False)
        except _Status as error:
            return robots.EVERYTHING if 400 <= error.status < 500 and error.status != 429 else robots.NOTHING
        return robots.parse(found.body, AGENT)

    def _request(self, parts: SplitResult, conditions: dict[str, str], limit: int, end: float) -> _Answer:
        """One hop: connect to a checked address, send, read within the limits."""
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        address = self._address(host, port)
        left = end - time.monotonic()
        if left <= 0:
            raise Unfetchable(_slow(self.seconds))
        late = threading.Event()
        connection = _Pinned(host, port, address, self._context() if parts.scheme == "https" else None)

        def stop() -> None:
            # Whatever the server drips, and in whichever phase: at the end of the time its connection is cut.
            late.set()
            connection.cut()

        timer = threading.Timer(left, stop)
        timer.daemon = True
        timer.start()
        try:
            connection.request(
                "GET",
                _target(parts),
                headers={
                    "User-Agent": f"{AGENT}/0.1 (news archive)",
                    "Accept": "text/html, application/xhtml+xml, application/rss+xml, application/atom+xml, application/xml;q=0.9, */*;q=0.5",
                    "Accept-Encoding": "gzip",
                    "Connection": "close",
                    **conditions,
                },
            )
            answer = _answer(connection.getresponse(), parts.geturl(), limit)
            if late.is_set():
                raise Unfetchable(_slow(self.seconds))
            return answer
        except ssl.SSLCertVerificationError as error:
            raise Unfetchable(
                f"the certificate of {host} does not hold ({error.verify_message}); fetch nothing from it until it is mended"
            ) from error
        except (OSError, http.client.HTTPException, EOFError, ValueError) as error:
            if late.is_set():
                raise Unfetchable(_slow(self.seconds)) from error
            if isinstance(error, Unfetchable):
                raise
            raise Unfetchable(f"{host} could not be reached or broke off ({_why(error)}); try again later") from error
        finally:
            timer.cancel()
            connection.close()

    def _context(self) -> ssl.SSLContext:
        if self.tls is None:
            self.tls = ssl.create_default_context()
        return self.tls

    def _address(self, host: str, port: int) -> str:
        """The address that a host's name leads to now, checked. Raises `Unfetchable` where it leads inside."""
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise Unfetchable(f"no host is known by the name {host!r}; check the address") from error
        addresses = [str(entry[4][0]) for entry in found]
        allowed = {name.casefold() for name in self.allowed}
        if not allowed & {host, f"{host}:{port}", f"[{host}]:{port}"}:
            for address in addresses:
                if is_inside(address):
                    raise Unfetchable(
                        f"{host} leads to {address}, inside this network; if that is meant, fetch it with "
                        f"python ingest.py … --allow-host {host}"
                    )
        return addresses[0]


class _Status(Unfetchable):
    """The server answered, but with no page."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class _Answer:
    """One hop's outcome: a page, or where to go, or when to ask ``again`` (seconds), or what is wrong."""

    fetched: Fetched
    location: str = ""
    again: float | None = None
    problem: _Status | None = None


class _Pinned(http.client.HTTPConnection):
    """A connection to one address that was checked, whatever the host's name leads to meanwhile."""

    def __init__(self, host: str, port: int, address: str, tls: ssl.SSLContext | None) -> None:
        super().__init__(host, port, timeout=CONNECT_SECONDS)
        self._pinned = address
        self._tls = tls
        self._raw: socket.socket | None = None

    def connect(self) -> None:
        self._raw = socket.create_connection((self._pinned, self.port), CONNECT_SECONDS)
        if self._tls is not None:
            self.sock = self._tls.wrap_socket(self._raw, server_hostname=self.host, do_handshake_on_connect=False)
            self._raw = self.sock
            self.sock.do_handshake()
        else:
            self.sock = self._raw

    def cut(self) -> None:
        if self._raw is not None:
            try:
                socket.socket.shutdown(self._raw, socket.SHUT_RDWR)
            except OSError:
                return  # it is closed already


def _answer(response: http.client.HTTPResponse, url: str, limit: int) -> _Answer:
    nothing = Fetched(url)
    status = response.status
    if status == 304:
        return _Answer(Fetched(url, unchanged=True))
    location = response.headers.get("Location", "")
    if status in (301, 302, 303, 307, 308) and location:
        return _Answer(nothing, location=location)
    if status in (429, 503):
        asked = response.headers.get("Retry-After", "")
        again = float(asked) if re.fullmatch(r"\d{1,4}", asked) and float(asked) <= _WAIT_SECONDS else None
        problem = _Status(status, f"the server is busy (status {status}); try again later")
        return _Answer(nothing, again=again, problem=problem)
    if status != 200:
        cure = {401: "it wants a login", 402: "it wants payment", 403: "it refuses programs", 404: "check the address",
                410: "it was taken down"}.get(status, "try again later" if status >= 500 else "check the address")  # fmt: skip
        return _Answer(nothing, problem=_Status(status, f"the server answers with status {status}; {cure}"))
    kind = response.headers.get_content_type()
    charset = response.headers.get_content_charset("") or ""
    etag, modified = response.headers.get("ETag", ""), response.headers.get("Last-Modified", "")
    body = _body(response, response.headers.get("Content-Encoding", "").strip().lower(), limit)
    return _Answer(Fetched(url, body, kind, charset, etag, modified))


def _body(response: http.client.HTTPResponse, packed: str, limit: int) -> bytes:
    """The whole body, decompressed piece by piece so that a bomb is noticed before it goes off."""
    too_large = Unfetchable(f"larger than {limit / 2**20:,.0f} MiB, the limit; save it to a file and split it")
    if packed not in ("", "identity", "gzip", "x-gzip", "deflate"):
        raise Unfetchable(f"packed as {packed[:20]!r}, which was not asked for; save it to a file")
    unpacker = zlib.decompressobj(47) if packed in ("gzip", "x-gzip", "deflate") else None
    parts: list[bytes] = []
    read = size = 0
    while chunk := response.read1(2**16):
        read += len(chunk)
        if read > limit:
            raise too_large
        try:
            while chunk:
                part = unpacker.decompress(chunk, limit - size + 1) if unpacker else chunk
                size += len(part)
                if size > limit:
                    raise too_large
                parts.append(part)
                if unpacker is None:
                    break
                chunk = unpacker.unconsumed_tail
                if unpacker.eof and unpacker.unused_data:
                    chunk, unpacker = unpacker.unused_data, zlib.decompressobj(47)
        except zlib.error as error:
            raise Unfetchable("its gzip data is damaged; try again later") from error
    if response.length:
        raise Unfetchable("the connection broke off before the end; try again later")
    if unpacker is not None and not unpacker.eof:
        raise Unfetchable("its gzip data is cut off; try again later")
    return b"".join(parts)


def _parsed(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise Unfetchable(f"{_shown(url)} is no address; check it") from error
    if parts.scheme not in ("http", "https"):
        raise Unfetchable(f"{_shown(url)}: only http and https addresses are fetched")
    if not parts.hostname or re.search(r"[\s\x00-\x1f\x7f]", url):
        raise Unfetchable(f"{_shown(url)} is no address; check it")
    if parts.username is not None or parts.password is not None:
        raise Unfetchable(f"an address with a user name in it ({parts.hostname}) is not fetched; leave that out")
    return parts._replace(fragment="")


def _target(parts: SplitResult) -> str:
    path = quote(parts.path or "/", safe="/%:;,@!~'()*+$&=[]-._")
    query = quote(parts.query, safe="/%?=&:;,@!~'()*+$[]-._")
    return f"{path}?{query}" if query else path


def _origin(parts: SplitResult) -> str:
    return f"{parts.scheme}://{(parts.hostname or '')}:{parts.port or ''}"


def _shown(url: str) -> str:
    shown = "".join(c if c.isprintable() else "?" for c in url)
    return shown if len(shown) <= 100 else shown[:99] + "…"


def _slow(seconds: float) -> str:
    return f"took longer than {seconds:g} s; try again later"


def _why(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return (str(error) or type(error).__name__).splitlines()[0][:80]

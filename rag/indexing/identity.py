"""What makes an article the same article: its canonical URL, or the file it stands in."""

from __future__ import annotations

import hashlib
import re
from urllib.parse import SplitResult, urlsplit

_TRACKING = re.compile(
    r"(?:utm_\w*|fbclid|gclid|gclsrc|dclid|gbraid|wbraid|msclkid|yclid|twclid|igshid|mc_cid|mc_eid|_ga|_gl|ito"
    r"|cmpid|smid|ocid|ncid|CMP|at_(?:medium|campaign|custom\d)|ref_src|ref_url|spm|__twitter_impression)(?:=.*)?",
    re.IGNORECASE | re.DOTALL,
)


def article_id(key: str) -> str:
    """The first 16 hexadecimal digits of the SHA-256 of ``key``."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def canonical_url(url: str) -> str:
    """The one spelling under which a page is known, "" when this is no http or https URL.

    Scheme and host in lower case and http as https, no user, default port, fragment, tracking parameter or trailing
    slash. Applying it twice changes nothing.
    """
    parts = _split(url)
    if parts is None:
        return ""
    path = parts.path.rstrip("/")
    query = "&".join(pair for pair in parts.query.split("&") if pair and not _TRACKING.fullmatch(pair))
    return f"https://{_host(parts)}{path}" + (f"?{query}" if query else "")


def outlet_of(url_or_host: str) -> str:
    """The host without "www.", "" where there is none: what an article's outlet is called when nothing names it."""
    parts = _split(url_or_host if "://" in url_or_host else f"https://{url_or_host}")
    return (parts.hostname or "").rstrip(".").removeprefix("www.") if parts else ""


def is_web_address(url: str) -> bool:
    """Whether this is an http or https URL with a host."""
    return _split(url) is not None


def same_site(a: str, b: str) -> bool:
    """Whether two addresses are of one publisher by their hosts: "amp.paper.example" and "www.paper.example"."""
    return _site(outlet_of(a)) == _site(outlet_of(b)) != ""


def _site(host: str) -> str:
    """The part of a host that is registered, near enough: the last two labels, three under "co.uk" and its like."""
    labels = host.split(".")
    if host.replace(".", "").isdecimal() or ":" in host:
        return host
    under = len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _SECOND
    return ".".join(labels[-3 if under else -2 :])


_SECOND = {"ac", "co", "com", "edu", "gob", "gov", "govt", "net", "ne", "or", "org"}


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit("".join(url.split()))
        _ = parts.port  # the one part that is checked only when read
    except ValueError:
        return None
    return parts if parts.scheme in ("http", "https") and (parts.hostname or "").strip(".") else None


def _host(parts: SplitResult) -> str:
    host = (parts.hostname or "").rstrip(".")
    host = f"[{host}]" if ":" in host else host
    default = {"http": 80, "https": 443}[parts.scheme]
    return host if parts.port in (None, default, 443) else f"{host}:{parts.port}"

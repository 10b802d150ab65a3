"""Small pieces of HTML. Every text from an article, a model or a user passes through ``escape`` on its way to a page."""

from __future__ import annotations

import html
from datetime import date, datetime
from urllib.parse import urlsplit


def escape(text: str) -> str:
    """Text as HTML; what is no Unicode text (in the name of a folder) is shown as "?"."""
    return html.escape(text.encode("utf-8", "replace").decode())


def safe_url(url: str) -> str:
    """The address when it is one of the web's, else ""."""
    try:
        parts = urlsplit(url.strip())
    except ValueError:  # such as an unclosed IPv6 bracket
        return ""
    return url.strip() if parts.scheme in ("http", "https") and parts.netloc else ""


def link(url: str, text: str) -> str:
    """``text`` (HTML already), linked where the address is safe."""
    if safe := safe_url(url):
        return f'<a href="{escape(safe)}" target="_blank" rel="noopener noreferrer">{text}</a>'
    return text


def day(iso: str) -> str:
    """``11 June 2024``; "" for ""."""
    if not iso:
        return ""
    found = date.fromisoformat(iso[:10])
    return f"{found.day} {found:%B %Y}"


def time_of(iso: str) -> str:
    """The day as a ``<time>``, which the page's script writes in the reader's own way; "" for ""."""
    return f'<time datetime="{escape(iso[:10])}">{day(iso)}</time>' if iso else ""


def moment(iso: str) -> str:
    """The day, and the hour and zone where they are known; "" for ""."""
    if len(iso) <= 10:
        return time_of(iso)
    at = datetime.fromisoformat(iso)
    return f"{time_of(iso)}, {at:%H:%M}" + (f" {escape(at.tzname() or '')}" if at.tzinfo else "")


def span(since: str, until: str) -> str:
    return since if since == until else f"{since} to {until}"


def counted(n: int, what: str) -> str:
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def clip(text: str, chars: int) -> str:
    return text if len(text) <= chars else text[: chars - 1].rstrip() + "…"

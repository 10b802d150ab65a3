"""A real HTTP server on loopback for the tests of fetching: a dictionary of paths, and what was asked of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ssl import SSLContext

from rag.sources.fetch import Fetcher


@dataclass
class Page:
    """What is answered at a path. ``drip`` writes the body itself, for servers that misbehave."""

    body: bytes = b""
    kind: str = "text/html; charset=utf-8"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    drip: Callable[[BaseHTTPRequestHandler], None] | None = None


@dataclass
class Site:
    url: str
    pages: dict[str, Page]
    asked: list[str] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)

    def page(self, path: str, body: str | bytes = b"", kind: str = "text/html; charset=utf-8", **more: object) -> str:
        raw = body.encode() if isinstance(body, str) else body
        self.pages[path] = Page(raw, kind, **more)  # pyright: ignore[reportArgumentType]
        return self.url + path


@contextmanager
def serve(tls: SSLContext | None = None) -> Iterator[Site]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.asked.append(self.path)
            site.headers.append(dict(self.headers.items()))
            page = site.pages.get(self.path, Page(b"no such page", status=404))
            etag = page.headers.get("ETag")
            if etag and self.headers.get("If-None-Match") == etag:
                self.send_response(304)
                self.end_headers()
                return
            self.send_response(page.status)
            if page.drip:
                page.drip(self)
                return
            self.send_header("Content-Type", page.kind)
            self.send_header("Content-Length", str(len(page.body)))
            for name, value in page.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(page.body)

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            pass  # clients that break off are what is tested

    server = Server(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    site = Site(f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}", {})
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()


def local(**more: object) -> Fetcher:
    """A fetcher that may reach the site and does not wait between requests."""
    return Fetcher(**{"allowed": ["127.0.0.1"], "pause": 0.0, "seconds": 5.0, **more})  # pyright: ignore[reportArgumentType]

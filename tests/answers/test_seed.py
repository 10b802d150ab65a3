"""The project's own example: two ministers in one article, asked about in every way, without a model and with a bad one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.archive import Archive
from rag.settings import Settings
from tests import model_server
from tests.model_server import ModelServer

LAVROV, WANG = "Sergei Lavrov", "Wang Yi"
ASKED = [
    ("What did Lavrov say about BRICS expansion?", {LAVROV}),
    ("What does Sergei Lavrov think of BRICS expansion?", {LAVROV}),
    ("According to Lavrov, what does BRICS expansion reflect?", {LAVROV}),
    ("Did Lavrov say that BRICS expansion reflects a positive trend?", {LAVROV}),
    ("What did Wang Yi say about BRICS?", {WANG}),
    ("What is Wang's position on the BRICS mechanism?", {WANG}),
    ("Did Wang promise to support Russia as the BRICS chair?", {WANG}),
    ("What does China's foreign minister think of BRICS?", {WANG}),
    ("What did Wang and Lavrov say about BRICS?", {WANG, LAVROV}),
    ("How do Wang's and Lavrov's positions on BRICS differ?", {WANG, LAVROV}),
    ("What did Macron say about BRICS?", set[str]()),
]  # fmt: skip
# What a bad model says to anything: each the other's words, or nobody's.
SWAPPED = (
    "Lavrov said the expanded BRICS mechanism will play a crucial role in global governance [1]. Wang noted that the number of "
    "like-minded countries is increasing while BRICS expansion reflects this positive trend [1]. They both said “BRICS will "
    "replace the dollar” [1]."
)


@pytest.fixture(scope="module")
def server() -> Iterator[ModelServer]:
    with model_server.serve() as running:
        yield running


@pytest.fixture(scope="module")
def archive(server: ModelServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    folder = tmp_path_factory.mktemp("seed") / "archive"
    with Archive.create(folder, settings=Settings()) as made:
        assert made.ingest([str(Path(__file__).parents[2] / "seeds")]).ok
    with Archive.open(folder, settings=Settings(model_url=server.url, model_timeout=5)) as opened:
        yield opened


@pytest.mark.parametrize("model", ["", "openai:test"])
@pytest.mark.parametrize(("question", "speakers"), ASKED)
def test_each_minister_has_his_own_words(
    archive: Archive, server: ModelServer, question: str, speakers: set[str], model: str
) -> None:
    server.reset()
    server.say(SWAPPED)
    answer = archive.ask(question, model=model)
    assert {s.speaker for s in answer.sentences} == speakers
    held = {s.speaker: s for s in archive.statements(answer.citations[0].article)} if answer.citations else {}
    assert speakers <= set(held)
    for sentence in answer.sentences:
        (n,) = sentence.citations
        cited = next(c for c in answer.citations if c.n == n)
        assert cited.quote == sentence.text and cited.speaker == sentence.speaker
    if model and speakers:
        assert "3 sentences of the model's answer were left out" in " ".join(answer.notes)


def test_two_positions_stand_apart(archive: Archive) -> None:
    answer = archive.ask("How do Wang's and Lavrov's positions on BRICS differ?", model="")
    voices = [s.speaker for s in answer.sentences]
    assert voices == sorted(voices, key=voices.index) and len(set(voices)) == 2

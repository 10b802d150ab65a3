"""PolNeAR's layout, the measures of who said what, and the questions that are made of it."""

from __future__ import annotations

import re
import tarfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from evals import datasets
from evals.__main__ import main
from evals.attribution import Score
from evals.datasets import Choice, polnear
from evals.training import rerank
from evals.training.attribution import Round, Window, fit, fit_links, marked_runs
from rag.errors import SourceError
from rag.indexing.attribution import FEATURES, ROLES, Attribution, Head, Words, head
from rag.indexing.links import link
from rag.indexing.rerank import Chooser, Doubtful, Floats, Tags
from rag.records import Span

TEXT = (
    "Harbour news\n\nMayor Ida Brandt said the old fish market hall will open again in the month of May. "
    "“Never,” Tom Rask told reporters, “will anybody demolish the wooden lighthouse beyond Ferryville.”\n"
)
PARTS = [
    ("Mayor Ida Brandt", "said", ["the old fish market hall will open again in the month of May"]),
    ("Tom Rask", "told reporters", ["“Never,”", "“will anybody demolish the wooden lighthouse beyond Ferryville.”"]),
]


def annotated() -> str:
    lines: list[str] = []
    for n, (source, cue, content) in enumerate(PARTS):
        places = {"Source": [source], "Cue": [cue], "Content": content}
        keys: list[str] = []
        for role, words in places.items():
            at = ";".join(f"{TEXT.index(w)} {TEXT.index(w) + len(w)}" for w in words)
            keys.append(f"{role}:T{n}{role}")
            lines.append(f"T{n}{role}\t{role} {at}\t{' '.join(words)}")
        lines.append(f"E{n}\tAttribution:T9 {' '.join(keys)}")
    return "\n".join(lines)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "dev" / "text").mkdir(parents=True)
    (tmp_path / "dev" / "attributions").mkdir()
    (tmp_path / "dev" / "text" / "nyt_2016-09-12_harbour-news.txt").write_text(TEXT)
    (tmp_path / "dev" / "attributions" / "nyt_2016-09-12_harbour-news_ab12.ann").write_text(annotated())
    return tmp_path


def test_a_folder_and_its_archive_read_the_same(folder: Path) -> None:
    (loose,) = polnear.load(folder, "dev")
    with tarfile.open(folder / "dev.tar.gz", "w:gz") as packed:
        for part in ("text", "attributions"):
            packed.add(folder / "dev" / part, part)
    (tight,) = polnear.load(folder, "dev")
    assert loose == tight and loose.article.published == "2016-09-12" and loose.article.outlet == "The New York Times"
    assert [[s.of(TEXT) for s in a.content] for a in loose.attributions] == [p[2] for p in PARTS]
    with pytest.raises(SourceError, match=r"test\.tar\.gz"):
        polnear.load(folder, "test")


def test_measures_of_a_perfect_and_of_a_shifted_tagging(folder: Path) -> None:
    (marked,) = polnear.load(folder, "dev")
    score = Score()
    score.add(marked.attributions, marked.attributions)
    assert {v["f1"] for kind in score.to_json().values() for v in kind.values()} == {1.0}
    score = Score()
    off = [
        Attribution(a.source, a.cue, tuple(Span(s.start, s.end - 1) for s in a.content)) for a in marked.attributions
    ]
    score.add(marked.attributions, off)
    told = score.to_json()
    assert told["exact"]["content"]["f1"] == told["exact"]["triple"]["f1"] == 0.0
    assert told["overlap"]["triple"]["f1"] == told["exact"]["cue"]["f1"] == 1.0
    score = Score()
    score.add(marked.attributions, [])
    assert score.to_json()["exact"]["source"] == {"precision": 0.0, "recall": 0.0, "f1": 0.0}


def test_links_learn_what_belongs_together(folder: Path) -> None:
    (marked,) = polnear.load(folder, "dev")
    weighed = fit_links([marked] * 20)
    tagged, _ = marked_runs(marked)
    assert [(a.source, a.cue, a.content) for a in link(TEXT, tagged, [0], weighed)] == [
        (a.source, a.cue, a.content) for a in marked.attributions
    ]


def test_training_learns_over_its_rounds_and_the_same_for_a_seed() -> None:
    pytest.importorskip("torch")
    draw = np.random.default_rng(0)
    seen: list[Window] = []
    for n in range(24):
        tags = draw.choice([0, 1, 3, 5], size=6)
        features = draw.normal(size=(6, FEATURES)) * 0.1
        features[np.arange(6), tags] += 5
        spans = [Span(2 * i, 2 * i + 1) for i in range(6)]
        seen.append(Window(n, spans, features.astype(np.float16), tags, ["word"] * 6, [0]))
    rounds = (Round(2, 8, 1e-2, 0.2), Round(3, 6, 5e-3, 0.0))
    told: list[int] = []
    first = fit(seen, rounds, 0, lambda epoch, _: told.append(epoch))
    again = fit(seen, rounds, 0, lambda *_: None)
    assert told == [1, 2, 3, 4, 5] and all(np.array_equal(first[name], again[name]) for name in first)
    assert all(array.dtype == np.float16 for array in first.values())
    tagged = Head(dict(first)).tag([window.words() for window in seen])
    assert [[t.role[:2] for t in found] for found in tagged] == [
        [("so", "cu", "co")[tag // 2] for tag in window.tags if tag] for window in seen
    ]


def test_readings_are_told_apart_by_what_is_learned_to_be_worth_more() -> None:
    pytest.importorskip("torch")
    # Neither look is good by itself: a cue wants a content, and nothing wants nothing.
    whole, bare, none = ["cue", "content"], ["cue"], ["none"]
    learned = [
        rerank.Case([0.0, -1.0], [bare, whole], [-1.0, 2.0]),
        rerank.Case([0.0, -1.0], [none, bare], [0.0, -1.0]),
    ] * 200
    names, weights = rerank.fit(learned, 0)
    assert sorted(names) == ["content", "cue", "none"]
    assert all(array.dtype == np.float16 for array in weights.values())
    chooser = Chooser(names, weights)
    assert [chooser.best(case.scores, case.looks) for case in learned[:2]] == [1, 0]
    assert rerank.gain(chooser, learned) == pytest.approx(1.5)
    again = rerank.fit(learned, 0)[1]
    assert all(np.array_equal(weights[name], again[name]) for name in weights)


def test_a_reading_is_worth_the_spans_and_wholes_that_are_right(folder: Path) -> None:
    (marked,) = polnear.load(folder, "dev")
    spans = [Span(*found.span()) for found in re.finditer(r"\w+|[^\w\s]", TEXT)]
    tags = np.zeros(len(spans), np.int64)
    for role, name in enumerate(ROLES):
        for start, end in marked.spans(name):
            inside = [i for i, span in enumerate(spans) if start <= span.start < end]
            tags[inside], tags[inside[0]] = 2 + 2 * role, 1 + 2 * role
    first = next(i for i, span in enumerate(spans) if span.start == TEXT.index("“Never"))
    less = tags[first:].copy()
    less[0] = 0  # a content that begins a word too late
    none = np.zeros_like(less)

    class Known(Head):
        def read(self, texts: Sequence[Words]) -> tuple[list[Tags], list[Floats], list[Doubtful]]:
            one = Doubtful(0, first, len(tags), [less, tags[first:], none], [0.0, -1.0, -2.0])
            return [tags], [], [one]

    features = np.zeros((len(spans), FEATURES), np.float16)
    window = Window(0, spans, features, tags, [span.of(TEXT) for span in spans], [0, 2, first])
    (case,) = rerank.cases(Known(head().w), [window], [marked])
    late, right, nothing = case.worth
    assert right > max(late, nothing) and "P tsct" in case.looks[1]


def test_the_command_prints_the_documented_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import json

    assert main(["attribution", "--data", str(folder), "--split", "dev", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    for kind in ("exact", "overlap"):
        assert set(told[kind]) == {"source", "cue", "content", "triple"}
        assert all(0 <= value <= 1 for part in told[kind].values() for value in part.values())
    assert told["overlap"]["source"]["recall"] == 1.0 and told["words"] == len(TEXT.split())
    assert main(["attribution", "--data", str(folder), "--split", "test"]) == 2


def test_questions_ask_each_named_person_for_their_own_words(folder: Path) -> None:
    dataset = datasets.load("whosaid", folder, Choice(split="dev"))
    assert [q.speaker for q in dataset.questions] == ["Ida Brandt", "Tom Rask"]
    brandt, rask = dataset.questions
    assert brandt.text.startswith("What did Ida Brandt say about ") and brandt.text.endswith("?")
    assert [e.span.of(TEXT) for e in brandt.evidence] == PARTS[0][2]
    assert brandt.foreign == rask.evidence and rask.foreign == brandt.evidence

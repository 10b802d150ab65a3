"""Learning all the weights anew: of the ranker, and with its help of what can be answered, the short answers and the
choices.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from evals import datasets
from evals.datasets import Choice
from evals.records import Dataset
from evals.systems import archive_folder, ingest
from evals.training import answerable, choice, ranker, short
from evals.training.thin import thin_archive
from rag import Archive
from rag.answers import answerable as answerability
from rag.answers import choose
from rag.answers import short as short_answers
from rag.retrieval import features
from rag.retrieval import ranker as rankers
from rag.settings import Settings

YEARS = (2022, 2024)
"""RealTime QA's years that are learned from; its test year is never read here."""
OURS = (("newsroom", "dev", False), ("worlds", "train", False), ("asked", "train", True))
"""The data sets whose questions say what they are answered by, the split of each that is learned from, and whether its
articles are RealTime QA's."""


def train(
    data: Path, folder: Path, out: Path | None, settings: Settings, seed: int, telling: Callable[[str], None]
) -> dict[str, Any]:
    """Make the archives of the tuning years in ``folder``, learn, and write the weights into ``out`` (None: where they
    are read from); gives what was measured.

    ``data`` is RealTime QA's folder. Takes about an hour and a half on two cores, most of it for the archives, which a
    second run finds there. The short answers and the choices are learned from what rankers say of weeks that those did
    not see: what is answered later is news to the ranker, too.
    """
    with ExitStack() as opened:
        of_years: list[tuple[Dataset, Archive]] = []
        for year in YEARS:
            dataset = datasets.load("realtimeqa", data, Choice(year=year))
            kept = folder / f"thin-{archive_folder(dataset, settings).name}"
            telling(f"{year}: {len(dataset.articles):,} articles to {kept}")
            thin_archive(dataset, kept, settings)
            of_years.append((dataset, opened.enter_context(Archive.open(kept, settings=settings))))
        ours: list[tuple[Dataset, Archive]] = []
        for name, split, path in OURS:
            dataset = datasets.load(name, data if path else None, Choice(split=split))  # all articles, some questions
            kept = archive_folder(dataset, settings)
            ingest(dataset, kept, settings)
            ours.append((dataset, opened.enter_context(Archive.open(kept, settings=settings))))
        found = [e for of in (*of_years, *ours) for e in ranker.examples(*of)]
        telling(f"{len(found):,} questions, {sum(e.right.any() for e in found):,} with a sentence that answers")
        made, held_out = ranker.fit(found, seed), ranker.held_out(found, seed)
        seen = answerable.rows(found, held_out)
        likely = answerable.fit(*seen[:2], seed)
        proposed: list[short.Example] = []
        chosen: list[choice.Asked] = []
        for dataset, archive in of_years:
            telling(f"{len(dataset.questions):,} short answers and choices")
            for question in dataset.questions:
                unseen = held_out.get(ranker.group_of(dataset, question), made).scores
                evidence = archive.evidence(archive.query(question.text, now=question.now), unseen)
                proposed.append(short.example(question, evidence))
                if quiz := choice.asked(archive, question, unseen):
                    chosen.append(quiz)
    learned_from = {f"realtimeqa {year}": d.data_hash for year, (d, _) in zip(YEARS, of_years, strict=True)}
    about: dict[str, Any] = {
        "made_by": f"python -m evals train --data PATH --seed {seed}",
        "learned_from": learned_from,
    }
    of_ours = {f"{d.name} {split}": d.data_hash for (d, _), (_, split, _) in zip(ours, OURS, strict=True)}
    measured = {"ranker": ranker.cross_validate(found, held_out), "answerable": answerable.cross_validate(*seen, seed)}
    learned = {"short": about | short.learned(proposed), "choice": about | choice.learned(chosen)}
    for what, network, path, names, trained_on, questions in (
        ("ranker", made, rankers.FILE, features.NAMES, learned_from | of_ours, len(found)),
        ("answerable", likely, answerability.FILE, answerability.NAMES, of_ours, len(seen[1])),
    ):
        told = {**about, "learned_from": trained_on, "questions": questions, "cross_validated": measured[what]}
        ranker.write(network, told, (out / path.name) if out else path, names)
    for path, record in ((short_answers.FILE, learned["short"]), (choose.FILE, learned["choice"])):
        _write(record, (out / path.name) if out else path)
    return measured | {name: record["cross_validated"] for name, record in learned.items()}


def _write(record: Mapping[str, Any], path: Path) -> None:
    path.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def table(measured: Mapping[str, Any]) -> str:
    """The cross-validated shares, a line each."""
    exact, nearly = (100 * measured["short"][name] for name in ("EM", "F1"))
    return "\n".join(
        [
            ranker.table(measured["ranker"]),
            answerable.table(measured["answerable"]),
            f"Short answers of questions held out: EM {exact:.1f}, F1 {nearly:.1f}",
            f"Choices of questions held out: {100 * measured['choice']:.1f} right",
        ]
    )

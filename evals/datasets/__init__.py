"""The data sets, one file each.

How to add one: write ``evals/datasets/NAME.py`` with a function ``load(path, choice) -> Dataset`` that reads the
articles with ``rag.indexing.extract.from_record``, leaves nothing out without a ``Skipped`` that says why, and raises
SourceError with a one-line cure when the folder is not what it takes; then add it to ``NAMES`` and ``load``.
"""

from __future__ import annotations

import gzip
import json
import random
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from evals.records import Dataset, Question
from rag.errors import SourceError
from rag.records import Skipped

NAMES = ("newsroom", "worlds", "asked", "realtimeqa", "whosaid", "bring-your-own")


@dataclass(frozen=True, slots=True)
class Choice:
    """The part of a data set that is wanted. ``weeks`` are the first and last date, YYYYMMDD, both included.

    ``limit`` draws that many questions at random with ``seed``; the articles stay all there.
    """

    weeks: tuple[str, str] | None = None
    year: int | None = None
    split: str = "all"
    limit: int | None = None
    seed: int = 0


def load(name: str, path: Path | None, choice: Choice, archive: Path | None = None) -> Dataset:
    """The data set ``name`` from the folder ``path`` (None: the one that is shipped). Raises SourceError.

    ``archive`` is the user's archive that bring-your-own asks, whose ``path`` is a file.
    """
    from evals.datasets import asked, newsroom, own, realtimeqa, whosaid

    if name == own.NAME:
        if path is None or not path.is_file():
            raise SourceError(f"name the file of your questions with --data FILE; {own.TEMPLATE} is one to copy")
        return _chosen(own.load(path, choice, archive), path, choice)
    loaders: dict[str, tuple[Callable[[Path, Choice], Dataset], Path | None]] = {
        "newsroom": (newsroom.load, newsroom.SHIPPED),
        "worlds": (newsroom.load, newsroom.WORLDS),
        "asked": (asked.load, None),
        "realtimeqa": (realtimeqa.load, None),
        "whosaid": (
            lambda folder, choice: whosaid.load(folder, "dev" if choice.split == "all" else choice.split),
            None,
        ),
    }
    loader, shipped = loaders[name]
    folder = path or shipped
    if folder is None:
        raise SourceError(f"{name} is not shipped; name its folder with --data PATH")
    if not folder.is_dir():
        raise SourceError(f"there is no folder {folder}; name the one that holds {name} with --data PATH")
    return _chosen(loader(folder, choice), folder, choice)


def _chosen(dataset: Dataset, path: Path, choice: Choice) -> Dataset:
    questions = [q for q in dataset.questions if choice.split in ("all", q.split)]
    if not questions:
        raise SourceError(f"no question of {path} is in the split {choice.split!r}; use --split all")
    return replace(dataset, questions=sample(questions, choice.limit, choice.seed))


def sample(questions: list[Question], limit: int | None, seed: int) -> tuple[Question, ...]:
    """``limit`` of the questions, drawn with ``seed``, in their old order; all of them when there are no more."""
    if limit is None or limit >= len(questions):
        return tuple(questions)
    chosen = sorted(random.Random(seed).sample(range(len(questions)), limit))
    return tuple(questions[index] for index in chosen)


def json_lines(path: Path) -> Iterator[dict[str, Any] | Skipped]:
    """The objects of a JSON Lines file, plain or gzipped; a broken line is a Skipped. Raises SourceError."""
    return (line for _, line in numbered_lines(path))


def numbered_lines(path: Path) -> Iterator[tuple[int, dict[str, Any] | Skipped]]:
    """``json_lines`` with the number of each line, from 1; empty lines are passed over but counted."""
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                try:
                    record: object = json.loads(line.decode())
                except ValueError as error:
                    yield number, Skipped(f"{path.name}:{number}", f"broken line: {error}")
                    continue
                if isinstance(record, dict):
                    yield number, cast(dict[str, Any], record)
                else:
                    yield number, Skipped(f"{path.name}:{number}", "broken line: no JSON object")
    except (OSError, EOFError, zlib.error) as error:
        raise SourceError(f"cannot read {path}: {error}; fetch the file again or mend its permissions") from error

"""Any sequence of additions, updates, removals, kills, rebuilds and questions, against a plain dictionary."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from rag import Archive
from rag.stores.ledger import Ledger
from rag.stores.lexical import LexicalIndex
from rag.stores.vectors import VectorIndex
from tests.faults.world import SETTINGS, Hashed, Step, allowed, article, examine, id_of

NUMBERS = st.lists(st.integers(0, 11), min_size=1, max_size=6)
# Where the process ends: before or after what.
MOMENTS = [
    (owner, name, after)
    for owner, name in ((Ledger, "record"), (Ledger, "remove"), (VectorIndex, "put"), (VectorIndex, "remove"),
                        (LexicalIndex, "put"), (Ledger, "acknowledge"))
    for after in (False, True)
]  # fmt: skip


class Killed(BaseException):
    """Stands for the end of the process; kills.py ends real ones."""


def killing(method: Callable[..., Any], *, after: bool) -> Callable[..., Any]:
    def killed(*given: Any, **named: Any) -> Any:
        if after:
            method(*given, **named)
        raise Killed

    return killed


class Machine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="machine-"))
        self.path = self.folder / "archive"
        self.held: dict[int, int] = {}
        self.version = 0
        self.open: Archive | None = None
        self.reader: Archive | None = None

    @initialize()
    def make(self) -> None:
        Archive.create(self.path, settings=SETTINGS, embeddings=Hashed()).close()
        self.reader = Archive.open(self.path, settings=SETTINGS, embeddings=Hashed())

    def writer(self) -> Archive:
        if self.open is None:
            self.open = Archive.create(self.path, settings=SETTINGS, embeddings=Hashed())
        return self.open

    def added(self, numbers: list[int]) -> Step:
        self.version += 1
        return Step(add=tuple((n, self.version) for n in numbers))

    @rule(numbers=NUMBERS)
    def add_or_update(self, numbers: list[int]) -> None:
        step = self.added(numbers)
        step.do(self.writer())
        self.held = step.after(self.held)

    @rule(numbers=NUMBERS)
    def remove(self, numbers: list[int]) -> None:
        gone = self.writer().remove([id_of(n) for n in numbers])
        assert gone == len(self.held.keys() & set(numbers))
        self.held = Step(remove=tuple(numbers)).after(self.held)

    @rule(numbers=NUMBERS)
    def again(self, numbers: list[int]) -> None:
        known = [n for n in numbers if n in self.held]
        assert self.writer().add(article(n, self.held[n]) for n in known).unchanged == len(known)

    @rule(numbers=NUMBERS, gone=st.booleans(), moment=st.sampled_from(MOMENTS))
    def killed(self, numbers: list[int], gone: bool, moment: tuple[Any, str, bool]) -> None:
        step = Step(remove=tuple(numbers)) if gone else self.added(numbers)
        owner, name, after = moment
        archive = self.writer()
        with mock.patch.object(owner, name, killing(getattr(owner, name), after=after)):
            try:
                step.do(archive)
                survived = True
            except Killed:
                survived = False
            archive.close()
        self.open = None
        before, self.held = self.held, step.after(self.held)
        if not survived:
            # The next run does again what was not acknowledged.
            embedder = Hashed(willing=(owner, name, after) == (Ledger, "record", False))
            with Archive.create(self.path, settings=SETTINGS, embeddings=embedder) as repaired:
                found = {n: self.version_of(repaired, n) for n in {*before, *self.held}}
                assert found in ({n: world.get(n) for n in found} for world in (before, self.held))
                step.do(repaired)

    @staticmethod
    def version_of(archive: Archive, number: int) -> int | None:
        text = archive.article(id_of(number)).text if archive.known([id_of(number)]) else ""
        return int(text.split("x", 2)[1]) if text else None

    @precondition(lambda self: self.open is not None)
    @rule()
    def close(self) -> None:
        assert self.open is not None
        self.open.close()
        self.open = None

    @rule()
    def rebuild(self) -> None:
        if self.open is not None:
            self.close()
        Archive.rebuild(self.path, settings=SETTINGS, embeddings=Hashed(willing=False))

    @rule(number=st.integers(0, 11))
    def ask(self, number: int) -> None:
        assert self.reader is not None
        hits = self.reader.search(f"mark{number}x{self.held.get(number, 0)}x0", 5)
        assert (id_of(number) in [h.article.id for h in hits[:3]]) or number not in self.held
        assert {h.article.id: h.article.text for h in hits}.items() <= {
            id_of(n): article(n, v).text for n, v in self.held.items()
        }.items()

    @invariant()
    def covered(self) -> None:
        if self.reader is not None:
            assert self.reader.status().articles == len(self.held)

    def teardown(self) -> None:
        for archive in (self.open, self.reader):
            if archive is not None:
                archive.close()
        if self.reader is not None:
            found = examine(self.path, allowed(self.held))
            assert found.ok, found
        shutil.rmtree(self.folder)


def run(examples: int, steps: int) -> None:
    machine = Machine.TestCase
    machine.settings = settings(
        max_examples=examples, stateful_step_count=steps, deadline=None, suppress_health_check=list(HealthCheck)
    )
    machine().runTest()


def test_any_sequence_leaves_what_a_dictionary_holds() -> None:
    run(5, 8)


@pytest.mark.faults
def test_any_of_many_long_sequences() -> None:
    run(40, 25)

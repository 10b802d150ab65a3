"""Putting passages into Chroma: what it holds is not written over."""

from __future__ import annotations

import sqlite3
import tempfile
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.stores.ledger import Filters
from rag.stores.vectors import VectorIndex

IDS = ["a", "b", "c", "d"]
VECTORS = np.eye(4, dtype=np.float32)


def written(folder: Path) -> int:
    """The number of the last thing that Chroma has logged."""
    with sqlite3.connect(folder / "chroma.sqlite3") as db:
        return db.execute("select coalesce(max(seq_id), 0) from embeddings_queue").fetchone()[0]


def test_what_is_put_again_is_not_written_again(tmp_path: Path) -> None:
    index = VectorIndex(tmp_path / "chroma", make=True)
    index.put(IDS, VECTORS, [1] * 4, ["x"] * 4)
    before = written(index.folder)
    index.put(IDS, VECTORS, [1] * 4, ["x"] * 4)
    assert written(index.folder) == before
    index.put(IDS, VECTORS, [1, 2, 1, 1], ["x", "x", "x", "y"])
    assert written(index.folder) == before + 2
    assert [index.held(IDS)[i][1:] for i in IDS] == [(1, "x"), (2, "x"), (1, "x"), (1, "y")]
    index.close()


@settings(max_examples=5, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(IDS), st.integers(0, 3)), min_size=1, max_size=8))
def test_the_last_vector_put_is_the_one_that_is_found(puts: list[tuple[str, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        index = VectorIndex(Path(folder) / "chroma", make=True)
        for name, n in puts:
            index.put([name], VECTORS[n : n + 1], [1], ["x"])
        for name, n in dict(puts).items():
            found = dict(index.search(VECTORS[n], 4, Filters()))
            assert found[name] > 0.999
        assert index.ids() == {name for name, _ in puts}
        index.close()

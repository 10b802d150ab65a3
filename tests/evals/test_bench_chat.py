"""The bench of the page, at a size that a test can bear: real servers, real clients."""

from __future__ import annotations

from pathlib import Path

from evals import bench_chat
from rag.settings import Settings


def test_a_few_readers_are_answered_and_what_is_left_behind_is_counted(seed_archive: Path) -> None:
    found = bench_chat.chat(seed_archive, Settings(), users=4, questions=1, reading=(0.0, 0.2), leaving=6)
    for name in ("dateline", "echo"):
        assert found[name]["asked"] == 4 and found[name]["errors"] == 0
        assert 0 < found[name]["p50_s"] <= found[name]["p95_s"] <= found[name]["max_s"]
    assert found["disconnected"]["clients"] == 6 and found["disconnected"]["queue_empty_after_s"] < 30
    shown = bench_chat.table(found)
    assert "4 readers" in shown and "echo" in shown

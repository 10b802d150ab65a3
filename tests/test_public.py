"""The public names, pinned: adding or losing one is a decision."""

from __future__ import annotations

import rag


def test_the_public_names() -> None:
    assert sorted(rag.__all__) == [
        "Answer", "Archive", "ArchiveStatus", "Article", "Check", "Choice", "Citation", "Hit", "Passage", "RagError",
        "Sentence", "Settings", "Statement", "Turn", "Verification",
    ]  # fmt: skip
    assert all(getattr(rag, name).__module__.startswith("rag.") for name in rag.__all__)


def test_records_import_nothing_of_ours() -> None:
    import ast
    from pathlib import Path

    tree = ast.parse(Path(rag.__path__[0], "records.py").read_text())
    names = {n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    assert not any(name.startswith("rag") for name in names)


def test_only_settings_reads_the_environment() -> None:
    import re
    from pathlib import Path

    reads = r"\benviron\b(?!\.update)|getenv"  # what Ray takes from there is set by us
    readers = {p.name for p in Path(rag.__path__[0]).rglob("*.py") if re.search(reads, p.read_text())}
    assert readers == {"settings.py"}

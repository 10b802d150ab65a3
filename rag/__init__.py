"""Dateline: ask a news archive, get answers with sources.

The names below are the public interface. They are loaded on first use, so that ``python -m rag --help`` stays quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rag.archive import Archive, ArchiveStatus, Verification
    from rag.errors import RagError
    from rag.records import Answer, Article, Check, Choice, Citation, Hit, Passage, Sentence, Statement, Turn
    from rag.settings import Settings

_HOME = {
    "Answer": "records", "Archive": "archive", "ArchiveStatus": "archive", "Article": "records",
    "Check": "records", "Choice": "records", "Citation": "records", "Hit": "records", "Passage": "records", "RagError": "errors", "Sentence": "records",
    "Settings": "settings", "Statement": "records", "Turn": "records", "Verification": "archive",
}  # fmt: skip

__all__ = [
    "Answer", "Archive", "ArchiveStatus", "Article", "Check", "Choice", "Citation", "Hit", "Passage", "RagError",
    "Sentence", "Settings", "Statement", "Turn", "Verification",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'rag' has no attribute {name!r}")
    return getattr(import_module(f"rag.{_HOME[name]}"), name)

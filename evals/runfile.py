"""Run files: JSON with a checksum, so that a figure edited by hand is noticed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from rag.errors import RagError, SettingsError, SourceError

FORMAT = 1
RESULTS = Path(__file__).parent / "results"
_NEEDED = ("dataset", "system", "data_hash", "asked", "measures", "settings", "code", "machine", "checksum")


def checksum(run: Mapping[str, Any]) -> str:
    """SHA-256 over everything in the run but the checksum itself."""
    rest = {key: value for key, value in run.items() if key != "checksum"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def sealed(run: Mapping[str, Any]) -> dict[str, Any]:
    return {**run, "checksum": checksum(run)}


def kept(run: Mapping[str, Any]) -> dict[str, Any]:
    """The run without its questions, as it is committed; ``whole`` is the checksum of the run it came from."""
    rest = {key: value for key, value in run.items() if key not in ("questions", "excluded_names", "checksum")}
    return sealed({**rest, "whole": run["checksum"]})


def write(path: Path, run: Mapping[str, Any]) -> None:
    write_text(path, json.dumps(run, ensure_ascii=False, indent=1) + "\n")


def write_text(path: Path, text: str) -> None:
    """Raises RagError where the path cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise RagError(f"cannot write {path}: {error.strerror}; name another file with --out") from error


def read(path: Path, *, questions: bool = False) -> dict[str, Any]:
    """The run in a file. Raises SourceError where there is none, it was edited, or its questions are needed but gone."""
    again = "make it again with: python -m evals run … --out FILE"
    try:
        raw: object = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SourceError(f"cannot read {path}: {error.strerror}; {again}") from error
    except ValueError as error:
        raise SourceError(f"{path} is no JSON ({error}); {again}") from error
    run = cast(dict[str, Any], raw) if isinstance(raw, dict) else {}
    if missing := [key for key in _NEEDED if key not in run]:
        raise SourceError(f"{path} is no run (it has no {missing[0]!r}); {again}")
    if run.get("format") != FORMAT:
        raise SettingsError(f"{path} has the format {run.get('format')!r}, not {FORMAT}; {again}")
    if run["checksum"] != checksum(run):
        raise SourceError(f"{path} was changed after it was made (its checksum does not fit); {again}")
    if questions and "questions" not in run:
        raise SourceError(f"{path} holds figures only, no questions; give the run it was kept from, or {again}")
    return run

"""What readers said on the page, as questions of the bring-your-own format: to be looked over, and asked again.

A good answer becomes a question whose answers are its short answer, or else its sentences; a good "not in the archive" an
unanswerable one; a bad answer a question only where its reader said what would have been right. What was asked of whom,
and when, goes along; what was narrowed by filters is asked without them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evals import runfile
from rag.errors import SourceError
from rag.stores.feedback import FILE, Feedback, Verdict


@dataclass(frozen=True, slots=True)
class Exported:
    """How many verdicts there were, how many became questions, and of the bad answers how many for each reason."""

    verdicts: int
    good: int
    questions: int
    reasons: dict[str, int]


def export(archive: Path, out: Path) -> Exported:
    """Write the questions to ``out``, one JSON object a line. Raises SourceError where nobody has said anything."""
    verdicts = list(Feedback(archive).verdicts())
    if not verdicts:
        raise SourceError(f"{archive / FILE} holds no verdicts; press Good or Bad below an answer on the page first")
    lines = [json.dumps(line, ensure_ascii=False) + "\n" for line in questions(verdicts)]
    runfile.write_text(out, "".join(lines))
    reasons: dict[str, int] = {}
    for verdict in verdicts:
        if not verdict.good:
            reasons[verdict.reason or "no reason"] = reasons.get(verdict.reason or "no reason", 0) + 1
    return Exported(len(verdicts), sum(v.good for v in verdicts), len(lines), reasons)


def questions(verdicts: Iterable[Verdict]) -> list[dict[str, Any]]:
    """The verdicts that say what is right, as lines of the bring-your-own format."""
    return [line for verdict in verdicts if (line := _question(verdict))]


def _question(verdict: Verdict) -> dict[str, Any] | None:
    answer = verdict.answer
    line: dict[str, Any] = {"id": verdict.id, "question": answer["searched"] or answer["question"], "now": verdict.at}
    if verdict.expected:
        return {**line, "answers": [verdict.expected]}
    if not verdict.good:
        return None
    if not answer["sentences"]:
        return {**line, "answerable": False}
    urls = list(dict.fromkeys(c["url"] for c in answer["citations"] if c["url"]))
    answers = [answer["short"]] if answer["short"] else [s["text"] for s in answer["sentences"]]
    return {**line, "answers": answers, **({"evidence_urls": urls} if urls else {})}


def table(found: Exported) -> str:
    """The counts, for people."""
    lines = [f"{found.verdicts:,} verdicts, {found.good:,} good; {found.questions:,} questions written"]
    lines += [f"  bad, {reason}: {count:,}" for reason, count in sorted(found.reasons.items(), key=lambda r: -r[1])]
    return "\n".join(lines)

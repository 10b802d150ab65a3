"""Where answers are lost: every question of a run in one class, from "no article holds it" to "right"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

CLASSES = (
    ("right", "the answer is right; of an unanswerable question: it was refused"),
    ("failed", "the system raised an error"),
    ("answered though unanswerable", "no article answers, and something was quoted all the same"),
    ("not in the archive", "no article holds the answer string, so that nothing could be quoted"),
    ("not found", "an article holds it, none of the passages that were fetched does"),
    ("found, refused", "a passage that was fetched holds it, and the archive was said not to answer"),
    ("found, not quoted", "a passage that was fetched holds it, other sentences were quoted"),
    ("quoted, and more", "the answer was quoted beside a wrong string or somebody else's words"),
)
"""Name and meaning, in the order of the way from an archive to an answer."""


def class_of(question: Mapping[str, Any]) -> str:
    """The class of one question of a run file."""
    scores = question["scores"]
    # Without traps the data set tells no more than a gold string, and an answer that holds it is right, although no
    # article was found to (one that is cut off may have it in its title).
    if scores.get("Right") or (scores.get("Contains") and not question["trap"]):
        return "right"
    if question["error"]:
        return "failed"
    if not question["answerable"]:
        return "answered though unanswerable" if question["trap"] else "not in the archive"
    if not question["gold_ranks"]:
        return "not found"
    if question["status"] == "not_in_archive":
        return "found, refused"
    return "quoted, and more" if scores.get("Contains") else "found, not quoted"


def shares(run: Mapping[str, Any]) -> list[tuple[str, int, Sequence[str]]]:
    """Class, number of questions and their ids, in the order of ``CLASSES``."""
    found: dict[str, list[str]] = {name: [] for name, _ in CLASSES}
    for question in run["questions"]:
        found[class_of(question)].append(question["id"])
    return [(name, len(ids), ids) for name, ids in found.items()]


def table(run: Mapping[str, Any]) -> str:
    """The classes of a run as a Markdown table."""
    lines = [
        f"{run['dataset']}, {run['system']}: {run['asked']:,} questions over {run['articles']:,} articles",
        "",
        "| class | questions | share | which |",
        "|---|--:|--:|---|",
    ]
    meanings = dict(CLASSES)
    lines += [
        f"| {name} | {count} | {100 * count / max(run['asked'], 1):.1f} | {meanings[name]} |"
        for name, count, _ in shares(run)
        if count
    ]
    return "\n".join(lines) + "\n"

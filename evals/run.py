"""One run: every question of a data set put to a system, and what it is worth."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from evals.calibration import calibration
from evals.measures import Value, gold_ranks, other_mouths, parse_measure
from evals.records import Dataset, Outcome, Question, System
from evals.runfile import FORMAT
from evals.systems import source_hash
from rag.records import Hit, Turn

DEPTH = 24
"""Passages fetched for each question: as many as the deepest R@k that is reported."""
SHOWN = 3
"""The best passages of each question that the run keeps with their text, beside the first one that answers."""


def ask_all(system: System, dataset: Dataset, on_question: Callable[[], None] = lambda: None) -> list[Outcome]:
    """Put every question to the system, in order; one is asked twice first, so that loading is not timed."""
    texts = {article.id: article.text for article in dataset.articles}
    if dataset.questions:
        _ask(system, dataset.questions[0], texts)
    outcomes: list[Outcome] = []
    for question in dataset.questions:
        outcomes.append(_ask(system, question, texts))
        on_question()
    return outcomes


def _ask(system: System, question: Question, texts: Mapping[str, str]) -> Outcome:
    history: list[Turn] = []
    hits: Sequence[Hit] = ()
    answer, chosen, error = None, None, ""
    begun = time.perf_counter()
    try:
        for earlier in question.history:
            history.append(Turn(earlier, system.ask(earlier, history, question.now).text))
        begun = time.perf_counter()
        answer = system.ask(question.text, history, question.now)
        milliseconds = (time.perf_counter() - begun) * 1000
        # A follow-up is searched for as the system completed it.
        hits = system.search((answer.searched if history else "") or question.text, question.now, DEPTH)
        if question.choices:
            chosen = system.choose(question.text, question.choices, question.now)
    # Whatever a system raises is that question's result: kept with its text in the run, counted, scored as a failure.
    except Exception as raised:  # noqa: BLE001
        answer, chosen, error = None, None, f"{type(raised).__name__}: {raised}"
        milliseconds = (time.perf_counter() - begun) * 1000
    return Outcome(question, answer, gold_ranks(question, hits), texts, milliseconds, error, tuple(hits), chosen=chosen)


# The record of a run


def record(
    dataset: Dataset, outcomes: Sequence[Outcome], *, system: str, settings: Mapping[str, Any], seed: int = 0
) -> dict[str, Any]:
    """The run as plain JSON types; README "Evals" documents the keys."""
    within = [outcome for outcome in outcomes if outcome.question.answerable]
    wrong = [sentence for outcome in outcomes for sentence in other_mouths(outcome)]
    traps = sorted({outcome.question.trap for outcome in outcomes} - {""})
    return {
        "format": FORMAT,
        "dataset": dataset.name,
        "system": system,
        "settings": dict(settings),
        "code": code(),
        "data_hash": dataset.data_hash,
        "machine": machine(),
        "articles": len(dataset.articles),
        "asked": len(outcomes),
        "errors": sum(bool(outcome.error) for outcome in outcomes),
        "excluded": dict(sorted(Counter(skipped.reason for skipped in dataset.excluded).items())),
        "excluded_names": [f"{skipped.source}: {skipped.reason}" for skipped in dataset.excluded],
        "notes": list(dataset.notes),
        "measures": summarise(dataset.measures, outcomes, seed),
        "measures_in_archive": summarise(dataset.measures, within, seed),
        "traps": summarise([f"Right@{trap}" for trap in traps], outcomes, seed),
        "recall": [summarise([f"R@{k}"], outcomes, seed)[f"R@{k}"]["value"] for k in range(1, DEPTH + 1)],
        "calibration": calibration(outcomes, seed),
        "counts": {
            "answer_sentences": sum(len(o.answer.sentences) for o in outcomes if o.answer),
            "wrong_mouth_sentences": len(wrong),
            "wrong_mouth_words": sum(len(sentence.text.split()) for sentence in wrong),
            "model_failures": sum(
                any("language model failed" in n for n in o.answer.notes) for o in outcomes if o.answer
            ),
            **_guarded(outcomes),
            **_judged(outcomes),
        },
        "questions": [_question(outcome, dataset.measures) for outcome in outcomes],
    }


def _guarded(outcomes: Sequence[Outcome]) -> dict[str, int]:
    """What the check did to the sentences of a language model, over all answers; nothing where no model wrote."""
    guards = [asdict(o.answer.guard) for o in outcomes if o.answer and o.answer.guard]
    return {f"model_sentences_{key}": sum(guard[key] for guard in guards) for key in (guards[0] if guards else ())}


def _judged(outcomes: Sequence[Outcome]) -> dict[str, int]:
    """How many sentences a judge judged and how many it did not; nothing without a judge."""
    verdicts = [judgement.faithful for outcome in outcomes for judgement in outcome.judgements]
    missing = verdicts.count(None)
    return {"judged_sentences": len(verdicts) - missing, "not_judged_sentences": missing} if verdicts else {}


def summarise(measures: Iterable[str], outcomes: Sequence[Outcome], seed: int) -> dict[str, dict[str, Any]]:
    """Measure → its Value over the outcomes, as JSON."""
    found: dict[str, dict[str, Any]] = {}
    for name in measures:
        measure = parse_measure(name)
        found[name] = asdict(measure.summarise([measure.score(outcome) for outcome in outcomes], seed))
    return found


def _question(outcome: Outcome, measures: Iterable[str]) -> dict[str, Any]:
    question, answer = outcome.question, outcome.answer
    scores = {name: parse_measure(name).score(outcome) for name in (*measures, "Right")}
    return {
        "id": question.id,
        "question": question.text,
        "history": list(question.history),
        "now": question.now.isoformat() if question.now else None,
        "gold": list(question.gold),
        "answerable": question.answerable,
        "trap": question.trap,
        "error": outcome.error,
        "status": answer.status if answer else None,
        "choices": list(question.choices),
        "chosen": outcome.chosen,
        "short": answer.short if answer else None,
        "confidence": answer.confidence if answer else None,
        "guard": asdict(answer.guard) if answer and answer.guard else None,
        "sentences": _sentences(outcome),
        "citations": [asdict(citation) for citation in answer.citations] if answer else [],
        "gold_ranks": list(outcome.gold_ranks),
        "passages": _passages(outcome),
        "milliseconds": round(outcome.milliseconds, 1),
        "scores": scores,
    }


def _sentences(outcome: Outcome) -> list[dict[str, Any]]:
    found = [asdict(sentence) for sentence in outcome.answer.sentences] if outcome.answer else []
    if outcome.judgements:
        for sentence, judgement in zip(found, outcome.judgements, strict=True):
            sentence["judged"] = asdict(judgement)
    return found


def _passages(outcome: Outcome) -> list[dict[str, Any]]:
    shown = {*range(1, SHOWN + 1), *outcome.gold_ranks[:1]}
    return [
        {
            "rank": rank,
            "gold": rank in outcome.gold_ranks,
            "article": hit.article.id,
            "title": hit.article.title,
            "outlet": hit.article.outlet,
            "published": hit.article.published,
            "text": hit.passage.text,
        }
        for rank, hit in enumerate(outcome.hits, 1)
        if rank in shown
    ]


def code() -> dict[str, str]:
    """Version, commit ("" outside a checkout) and a hash of the sources, which also tells uncommitted changes."""
    try:
        installed = version("dateline")
    except PackageNotFoundError:
        installed = ""
    try:
        here = Path(__file__).parent
        head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=here, capture_output=True, text=True, check=False)
        commit = head.stdout.strip() if head.returncode == 0 else ""
    except OSError:  # no git on this machine
        commit = ""
    return {"version": installed, "commit": commit, "sources": source_hash("rag", "evals")}


def machine() -> dict[str, Any]:
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": platform.processor() or platform.machine(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
    }


# For people


def table(run: Mapping[str, Any]) -> str:
    """The run in lines: what was asked, each measure with its interval, what was left out."""
    lines = [f"{run['system']} on {run['dataset']}: {run['asked']:,} questions, {run['articles']:,} articles", ""]
    lines += _rows(run["measures"])
    if run["measures_in_archive"] != run["measures"]:
        lines += ["", "over the questions that the archive can answer:", *_rows(run["measures_in_archive"])]
    if run["traps"]:
        lines += ["", "answered right, by trap:", *_rows(run["traps"])]
    if (area := run["calibration"])["AURC"] is not None:
        lines += [
            "",
            f"area under risk–coverage: {area['AURC']:.3f} ({area['low']:.3f} to {area['high']:.3f}; best order ",
        ]
        lines[-1] += f"{area['best']:.3f}, any {area['random']:.3f}), {area['covered']:.0%} of the questions answered"
    lines += ["", *(f"{name.replace('_', ' ')}: {count:,}" for name, count in run["counts"].items())]
    lines.append(f"errors: {run['errors']:,}")
    lines += [f"  {q['id']}: {q['error']}" for q in run["questions"] if q["error"]][:5]
    lines += [f"left out: {count:,} × {reason}" for reason, count in run["excluded"].items()]
    lines += [f"note: {note}" for note in run["notes"]]
    return "\n".join(lines)


def _rows(values: Mapping[str, Mapping[str, Any]]) -> list[str]:
    rows = [f"{'measure':<24}{'value':>9}  {'95 % interval':<19}{'n':>6}"]
    for name, raw in values.items():
        value = Value(**raw)
        if value.value is None or value.low is None or value.high is None:
            rows.append(f"{name:<24}{'–':>9}  {'–':<19}{value.n:>6,}")
            continue
        # Shares to three places, words and milliseconds to one.
        digits = 1 if name in ("AnswerWords", "WrongMouthWords", "p50", "p95") else 3
        interval = f"{value.low:.{digits}f} to {value.high:.{digits}f}"
        rows.append(f"{name:<24}{value.value:>9.{digits}f}  {interval:<19}{value.n:>6,}")
    return rows

"""How far those that judge a sentence agree with labels given by hand: a language model, and the program's own checks."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from evals import runfile
from evals.datasets.judged import FAITHFUL, UNFAITHFUL, Labelled
from evals.measures import RESAMPLES, Value, rests
from evals.records import Judgement
from evals.run import code
from rag.answers import citations
from rag.answers.generative import Checker
from rag.answers.prompts import Shown
from rag.answers.speakers import claims
from rag.errors import RagError, SourceError
from rag.indexing.attributor import Attributor
from rag.indexing.embed import open_embedder
from rag.indexing.sentences import sentences
from rag.indexing.speakers import sentence_speakers, statements
from rag.records import Article, Coverage, Passage, Query, Span
from rag.retrieval.evidence import Candidate, Evidence
from rag.settings import Settings

KEPT = runfile.RESULTS / "agreement.json"
BUILT_IN = ("CitationSupport", "built-in check")
"""The judges that need no model: the measure's rule, and the check of every sentence that a model writes."""

MEANS = {
    "Accuracy": "sentences judged as labelled",
    "Kappa": "Cohen's kappa (1960): agreement beyond chance, 1 at most",
    "Precision": "of those called unfaithful, the share that is",
    "Recall": "of the unfaithful, the share called so",
    "Kept": "of the faithful, the share called so",
}

_Codes = NDArray[np.int64]
_YES, _NO, _NONE = 1, 0, 2
"""Faithful, unfaithful, not judged."""

Judging = Callable[[Labelled], Judgement]


# The program's own checks


def words(labelled: Labelled) -> Judgement:
    """The rule of the measure CitationSupport; it does not look at who speaks."""
    return Judgement(rests(labelled.sentence, [citation.quote for citation in labelled.citations]), True)


def built_in(articles: Mapping[str, Article]) -> Judging:
    """What decides whether a sentence that a model wrote stands or is replaced by a quotation (rag/answers/generative),
    given the quoted sentences and nothing else to rest it on.
    """

    settings = Settings.from_env()
    head = Attributor(open_embedder(settings), settings.passage_tokens)

    @cache
    def read(name: str) -> tuple[Candidate, ...]:
        article = articles[name]
        spans = sentences(article.text)
        passage = Passage(name, name, 0, len(article.text), article.text, sentences=tuple(spans))
        speakers = sentence_speakers(article, spans, statements(article, spans))
        nothing = np.zeros(0, dtype=np.float32)  # no question was asked
        return tuple(
            Candidate(article, passage, span, speaker, 1.0, 1.0, 1.0, False, False, 1.0, 1.0, nothing)
            for span, speaker in zip(spans, speakers, strict=True)
        )

    def judge(labelled: Labelled) -> Judgement:
        shown: list[Shown] = []
        for cited in labelled.citations:
            place = Span(cited.start, cited.end)
            quoted = tuple(each for each in read(cited.article) if each.span.overlaps(place))
            shown.append(Shown(cited.n, articles[cited.article], quoted[0].passage, quoted))
        around = [each for cited in labelled.citations for each in read(cited.article)]
        checker = Checker(Evidence(Query(""), (), around, {}, Coverage(0, 0, {}), {}, True, str.split), shown)
        text = citations.marked(labelled.sentence)
        heard = head.attributions(Article("", "", text.text))
        claimed = claims(text.text, text.sentences, checker.known, heard=heard)
        numbers = [each.n for each in shown]
        faults = {
            checker.judge(text.text, span, numbers, whose).fault
            for span, whose in zip(text.sentences, claimed, strict=True)
        }
        return Judgement(not faults - {"", "misattributed"}, "misattributed" not in faults)

    return judge


# Agreement


@dataclass(frozen=True, slots=True)
class Agreement:
    """Of one judge with the labels: ``measures`` over all sentences (see MEANS), ``by_why`` the share judged as labelled
    of each kind. A sentence that was not judged agrees with no label. ``failures`` says why how many were not.
    """

    measures: dict[str, Value]
    by_why: dict[str, Value]
    not_judged: int
    failures: dict[str, int]


def agreement(labelled: Sequence[Labelled], judgements: Sequence[Judgement], seed: int = 0) -> Agreement:
    """The agreement, with 95 % percentile bootstrap intervals over sentences."""
    truth = np.asarray([_YES if each.faithful else _NO for each in labelled])
    said = np.asarray([_NONE if j.faithful is None else int(j.faithful) for j in judgements])
    draws = np.random.default_rng(seed).integers(0, len(truth), (RESAMPLES, len(truth)))
    value, drawn = _measures(truth[None], said[None]), _measures(truth[draws], said[draws])
    by_why: dict[str, Value] = {}
    for why in (*FAITHFUL, *UNFAITHFUL):
        of = np.asarray([each.why == why for each in labelled])
        if of.any():
            agreed = (truth == said)[of].astype(np.float64)
            some = np.random.default_rng(seed).integers(0, len(agreed), (RESAMPLES, len(agreed)))
            by_why[why] = _value(float(agreed.mean()), agreed[some].mean(axis=1), len(agreed))
    failures = Counter(judgement.failure for judgement in judgements if judgement.failure)
    return Agreement(
        {name: _value(float(value[name][0]), drawn[name], len(truth)) for name in MEANS},
        by_why,
        int((said == _NONE).sum()),
        dict(failures.most_common()),
    )


def _measures(truth: _Codes, said: _Codes) -> dict[str, NDArray[np.float64]]:
    """Each measure of each row; NaN where there is nothing to divide by."""
    with np.errstate(invalid="ignore", divide="ignore"):
        agreed = (truth == said).mean(axis=1)
        chance = sum((truth == c).mean(axis=1) * (said == c).mean(axis=1) for c in (_YES, _NO, _NONE))
        caught = ((truth == _NO) & (said == _NO)).sum(axis=1)
        kept = ((truth == _YES) & (said == _YES)).sum(axis=1)
        return {
            "Accuracy": agreed,
            "Kappa": (agreed - chance) / (1 - chance),
            "Precision": caught / (said == _NO).sum(axis=1),
            "Recall": caught / (truth == _NO).sum(axis=1),
            "Kept": kept / (truth == _YES).sum(axis=1),
        }


def _value(value: float, drawn: NDArray[np.float64], n: int) -> Value:
    known = drawn[~np.isnan(drawn)]
    if np.isnan(value) or not len(known):
        return Value(None, None, None, n)
    low, high = np.percentile(known, [2.5, 97.5])
    # Shares summed in another order differ in the last digit.
    return Value(value, min(float(low), value), max(float(high), value), n)


# The record


def record(labelled: Sequence[Labelled], data_hash: str, found: Mapping[str, Agreement]) -> dict[str, Any]:
    """Agreements by judge as plain JSON types, sealed as runs are."""
    made = code()
    judges = {name: {**asdict(each), "code": made} for name, each in found.items()}
    return runfile.sealed(
        {
            "format": runfile.FORMAT,
            "dataset": "judged",
            "data_hash": data_hash,
            "sentences": len(labelled),
            "faithful": sum(each.faithful for each in labelled),
            "judges": judges,
        }
    )


def read(path: Path = KEPT) -> dict[str, Any]:
    """The kept record. Raises SourceError where there is none or it was changed by hand."""
    again = "make it again with: python -m evals agreement --keep"
    try:
        raw: object = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SourceError(f"cannot read {path} ({error}); {again}") from error
    kept = cast(dict[str, Any], raw) if isinstance(raw, dict) else {}
    if kept.get("checksum") != runfile.checksum(kept):
        raise SourceError(f"{path} was changed after it was made (its checksum does not fit); {again}")
    return kept


def keep(made: Mapping[str, Any], path: Path = KEPT) -> list[str]:
    """Write the record, with the other judges of an older one over the same labels; the names of those whose labels were
    others and who are left out.
    """
    before = read(path) if path.is_file() else {}
    others = {name: each for name, each in before.get("judges", {}).items() if name not in made["judges"]}
    same = before.get("data_hash") == made["data_hash"]
    runfile.write(path, runfile.sealed({**made, "judges": {**made["judges"], **(others if same else {})}}))
    return [] if same else sorted(others)


def table(made: Mapping[str, Any]) -> str:
    """Agreement by judge as a Markdown table."""
    judges = {name: made["judges"][name] for name in sorted(made["judges"], key=_order)}
    lines = ["| | " + " | ".join(judges) + " |", "|---|" + "--:|" * len(judges)]
    for name, means in MEANS.items():
        cells = [_cell(name, Value(**each["measures"][name])) for each in judges.values()]
        lines.append(f"| {name}: {means} | " + " | ".join(cells) + " |")
    for kind, label in ((FAITHFUL, "faithful"), (UNFAITHFUL, "unfaithful")):
        for why in kind:
            values = [Value(**each["by_why"][why]) for each in judges.values() if why in each["by_why"]]
            cells = [f"{round((v.value or 0) * v.n)} of {v.n}" for v in values]
            if cells:
                lines.append(f"| {label}, {why} | " + " | ".join(cells) + " |")
    if any(each["not_judged"] for each in judges.values()):
        lines.append("| not judged | " + " | ".join(str(each["not_judged"]) for each in judges.values()) + " |")
    lines += [
        "",
        f"{made['sentences']} sentences labelled by hand, {made['faithful']} of them faithful; shares in per cent, "
        "with 95 % intervals.",
    ]
    return "\n".join(lines) + "\n"


def _order(name: str) -> tuple[int, str]:
    return (BUILT_IN.index(name) if name in BUILT_IN else len(BUILT_IN)), name


def _cell(name: str, value: Value) -> str:
    if value.value is None or value.low is None or value.high is None:
        return "–"
    if name == "Kappa":
        return f"{value.value:.2f} ({value.low:.2f} to {value.high:.2f})"
    return f"{value.value * 100:.1f} ({value.low * 100:.1f} to {value.high * 100:.1f})"


def of(
    labelled: Sequence[Labelled], articles: Mapping[str, Article], judges: Mapping[str, Judging], seed: int = 0
) -> dict[str, Agreement]:
    """The agreements of the program's own checks and of ``judges``. Raises RagError where one of these judged nothing."""
    every: dict[str, Judging] = {**dict(zip(BUILT_IN, (words, built_in(articles)), strict=True)), **judges}
    found = {name: agreement(labelled, [judge(each) for each in labelled], seed) for name, judge in every.items()}
    for name, each in found.items():
        if each.not_judged == len(labelled):
            raise RagError(f"{name} judged none of the {len(labelled)} sentences: {next(iter(each.failures))}")
    return found

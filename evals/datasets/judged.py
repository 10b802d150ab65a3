"""judged: sentences over newsroom's articles, labelled by hand as faithful to the quotes they cite or not, to measure
those that judge faithfulness. Shipped in the folder ``judged/``, whose README says how the labels were given.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from evals.datasets import Choice, json_lines, newsroom
from rag.errors import SourceError
from rag.indexing.identity import canonical_url
from rag.records import Article, Citation, Skipped

SHIPPED = Path(__file__).parent / "judged" / "sentences.jsonl"
FAITHFUL = (
    *("verbatim", "trimmed", "reported speech", "same denial", "paraphrase", "two quotes", "same doubt"),
    "same figure",
)
UNFAITHFUL = (
    *("other mouth", "modality", "negation", "number", "date", "merged facts", "wrong role", "added detail"),
    *("added cause", "wrong entity", "overstated", "claim as fact"),
)
"""What a label may give as ``why``: how the sentence was made, or what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """A sentence as a language model might write it, what it cites, and whether it follows from that."""

    sentence: str
    citations: tuple[Citation, ...]
    faithful: bool
    why: str


def load(path: Path = SHIPPED) -> tuple[tuple[Labelled, ...], dict[str, Article]]:
    """The labelled sentences in order, and the articles they cite by id. Raises SourceError, naming the line."""
    corpus = newsroom.load(newsroom.SHIPPED, Choice()).articles
    by_url = {article.url: article for article in corpus}
    found: list[Labelled] = []
    for number, line in enumerate(json_lines(path), 1):
        if isinstance(line, Skipped):
            raise SourceError(f"{line.source}: {line.reason}; mend the line")
        found.append(_labelled(f"{path.name}:{number}", line, by_url))
    cited = {citation.article for each in found for citation in each.citations}
    return tuple(found), {article.id: article for article in corpus if article.id in cited}


def _labelled(where: str, line: Mapping[str, Any], by_url: Mapping[str, Article]) -> Labelled:
    why, faithful = line.get("why"), line.get("faithful")
    if not isinstance(faithful, bool) or why not in (FAITHFUL if faithful else UNFAITHFUL):
        raise SourceError(f"{where}: a label needs true or false and a why that goes with it, not {why!r}; mend it")
    if not line.get("sentence") or not line.get("quotes"):
        raise SourceError(f"{where}: a label needs a sentence and its quotes; add them")
    citations: list[Citation] = []
    for n, given in enumerate(line["quotes"], 1):
        url, quote = str(given.get("url") or ""), str(given.get("quote") or "")
        article = by_url.get(canonical_url(url)) or by_url.get(url)
        start = article.text.find(quote) if article and quote else -1
        if article is None or start < 0:
            raise SourceError(f"{where}: the quote {quote[:40]!r} does not stand in {url!r}; mend it")
        citations.append(
            Citation(
                n=n,
                article=article.id,
                title=article.title,
                outlet=article.outlet,
                published=article.published,
                url=article.url,
                start=start,
                end=start + len(quote),
                quote=quote,
                speaker=str(given.get("speaker") or ""),
            )
        )
    return Labelled(str(line["sentence"]), tuple(citations), faithful, str(why))


def data_hash(labelled: tuple[Labelled, ...]) -> str:
    """SHA-256 over the labels and what they cite: agreements can be compared when it is equal."""
    rows = [asdict(each) for each in labelled]
    for row in rows:
        for citation in row["citations"]:
            del citation["corrections"]  # of an archive, which the labels are not asked of
    return hashlib.sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest()

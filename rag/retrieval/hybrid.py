"""Hybrid search: dense and lexical rankings fused, weighed by recency, near-identical passages shown once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from rag.indexing.attribution import Attribution
from rag.indexing.duplicates import SAME_TEXT, same_text, shingles
from rag.indexing.embed import Embedder, Vectors
from rag.records import Article, Coverage, Hit, Passage, Query, Statement
from rag.retrieval import rank
from rag.retrieval.question import ASKING
from rag.stores.ledger import Filters, Ledger, rebuild_command
from rag.stores.lexical import LexicalIndex
from rag.stores.vectors import VectorIndex, day_number

# How deep each ranking is read before fusion.
DEPTH = 60
_CHECKED_BY_QUERY = 200
# What a weak word of a question (its date, "company" in "which company") counts, beside 1 for the others.
WEAK = 0.5
# A passage of which this share of word triples is shown already, by copies of its article, is not shown again.
_COVERED = 0.8
# The head reads a text in passages of so many tokens, as it reads articles.
HEARD_TOKENS = 200
# Copies of one story that are looked through for the outlets that carry a passage.
_COPIES = 30


def filters_of(query: Query) -> Filters:
    return Filters(query.since, query.until, query.outlets, query.languages, query.said_by)


class Searcher:
    """Both indexes, open for reading at one generation of the archive."""

    def __init__(self, ledger: Ledger, vectors: VectorIndex, lexical: LexicalIndex, embedder: Embedder) -> None:
        self.ledger = ledger
        self._vectors = vectors
        self._lexical = lexical
        self._embedder = embedder

    def close(self) -> None:
        self._vectors.close()
        self._lexical.close()

    # Terms

    def terms(self, text: str) -> list[str]:
        """Index terms of a text."""
        return self._lexical.terms(text)

    def weights(self, text: str, weak: Iterable[str] = (), without: Iterable[str] = ()) -> dict[str, float]:
        """The idf of each index term of a text that is no asking word; words of ``weak`` count less, those of
        ``without`` not at all.
        """
        left_out = {t for w in without for t in self._lexical.terms(w)}
        weaker = {t for w in weak for t in self._lexical.terms(w)}
        passages = self._lexical.count
        found: dict[str, float] = {}
        for term in dict.fromkeys(self._lexical.terms(asked_about(text))):
            if term not in left_out and term not in ASKING:
                idf = rank.idf(self._lexical.document_frequency(term), passages)
                found[term] = idf * (WEAK if term in weaker else 1.0)
        return found

    def rarity(self, term: str) -> float:
        """The idf of an index term."""
        return rank.idf(self._lexical.document_frequency(term), self._lexical.count)

    # Search

    def heard(self, text: str) -> list[Attribution]:
        """Who says what in a text of nobody's article, as the attribution head reads it; [] where the embedder yields no
        token vectors. Embeds the text.
        """
        from rag.indexing.attributor import Attributor  # only where a language model wrote

        return Attributor(self._embedder, HEARD_TOKENS).attributions(Article(id="", title="", text=text))

    def embed(self, text: str) -> Vectors:
        """The vector of a question, shape (dimensions,)."""
        return self._embedder.embed_question(text)

    def hits(self, query: Query, k: int, vector: Vectors | None = None, *, copies: bool = False) -> list[Hit]:
        """The ``k`` best passages for the query, best first; a text that several outlets carry is one hit, unless
        ``copies`` are wanted.
        """
        filters = filters_of(query)
        if vector is None:
            vector = self.embed(query.text)
        among = self.ledger.passages_within(filters) if filters.by_ledger else None
        terms = self._lexical.terms(asked_about(query.text))
        dense = _settled(self._vectors.search(vector, DEPTH, filters, among))
        lexical = _settled(self._lexical.search(terms, DEPTH, filters, among))
        fused = rank.fuse([[i for i, _ in dense], [i for i, _ in lexical]])
        cosines, scores = dict(dense), dict(lexical)
        dense_rank = {i: n for n, (i, _) in enumerate(dense, 1)}
        lexical_rank = {i: n for n, (i, _) in enumerate(lexical, 1)}
        found = self.ledger.passages(list(fused))
        hits = [
            Hit(
                passage,
                article,
                fused[i] * rank.recency(article.published_at, query.now, query.period, article.published_day),
                cosines.get(i),
                scores.get(i),
                dense_rank.get(i),
                lexical_rank.get(i),
            )
            for i, (passage, article) in found.items()
        ]
        hits.sort(key=lambda h: (-h.score, h.passage.id))
        if copies:
            return hits[:k]
        stories = self.ledger.stories([h.article.id for h in hits])
        return self._told(once(hits, k, stories), stories)

    def _told(self, hits: Sequence[Hit], stories: Mapping[str, str]) -> list[Hit]:
        """The hits with every outlet whose article of the same story holds the passage, found by the search or not."""
        members = self.ledger.copies(sorted({stories[h.article.id] for h in hits if h.article.id in stories}))
        texts = self.ledger.articles([i for ids in members.values() for i in ids[:_COPIES]])
        shapes = {i: shingles(article.text) for i, article in texts.items()}
        told: list[Hit] = []
        for hit in hits:
            others = [i for i in members.get(stories.get(hit.article.id, ""), []) if i in texts]
            shape = shingles(hit.passage.text) if others else frozenset[tuple[str, ...]]()
            outlets = [texts[i].outlet for i in others if len(shape & shapes[i]) >= SAME_TEXT * len(shape)]
            more = dict.fromkeys(o for o in (*hit.also_in, *outlets) if o and o != hit.article.outlet)
            told.append(replace(hit, also_in=tuple(more)) if len(more) > len(hit.also_in) else hit)
        return told

    def statements(self, articles: Sequence[str]) -> dict[str, list[Statement]]:
        return self.ledger.statements(articles)

    def passages_of(self, article_ids: Sequence[str]) -> list[tuple[Passage, Article]]:
        """Every passage of the articles, in order."""
        ids = [i for article_id in article_ids for i in self.ledger.passage_ids(article_id)]
        found = self.ledger.passages(ids)
        return [found[i] for i in ids if i in found]

    def coverage(self, query: Query) -> Coverage:
        return self.ledger.coverage(filters_of(query))

    # Checking

    def compare(self) -> list[str]:
        """Disagreements between the ledger and the two indexes, a line each."""
        problems: list[str] = []
        cure = rebuild_command(self.ledger.path.parent)
        expected = set(self.ledger.passage_ids())
        for name, held in (("Chroma", list(self._vectors.ids())), ("tantivy", self._lexical.ids())):
            missing, foreign = len(expected - set(held)), len(set(held) - expected)
            doubled = len(held) - len(set(held))
            if missing or foreign or doubled:
                problems.append(
                    f"{name} lacks {missing} passages, holds {foreign} unknown and {doubled} double; {cure}"
                )
        if problems:
            return problems
        ids = sorted(expected)
        for at in range(0, len(ids), 500):
            part = ids[at : at + 500]
            ledgers, chromas, known = self.ledger.vectors(part), self._vectors.held(part), self.ledger.passages(part)
            wrong = moved = 0
            for i in part:
                vector, day, outlet = chromas[i]
                wrong += float(np.abs(ledgers[i] - vector).max()) > 1e-3
                moved += i in known and (day, outlet) != (day_number(known[i][1]), known[i][1].outlet)
            if wrong:
                problems.append(f"Chroma holds {wrong} vectors other than the ledger's; {cure}")
            if moved:
                problems.append(f"Chroma files {moved} passages under another day or outlet than the ledger; {cure}")
        articles = self.ledger.article_ids()
        wrong = sum(self.ledger.damaged(articles[at : at + 200]) for at in range(0, len(articles), 200))
        if wrong:
            problems.append(f"{wrong} articles are not as they were recorded; ingest them again")
        step = max(1, len(ids) // _CHECKED_BY_QUERY)
        sample = ids[::step]
        stored = self.ledger.vectors(sample)
        unreachable = 0
        for i in sample:
            near = self._vectors.search(stored[i], 10, Filters())
            # Copies of one text share a vector: any passage as near as itself proves that the place is reachable.
            unreachable += not any(j == i or cosine > 0.9995 for j, cosine in near)
        if unreachable:
            problems.append(f"{unreachable} of {len(sample)} passages cannot be found by their own vector; {cure}")
        return problems


def _settled(found: Sequence[tuple[str, float]]) -> list[tuple[str, float]]:
    """Equal scores in the order of ids, so that ranks do not depend on the order in which articles came."""
    return sorted(found, key=lambda pair: (-round(pair[1], 5), pair[0]))


def asked_about(text: str) -> str:
    """The text without its asking words."""
    return " ".join(w for w in text.replace("’", "'").split() if w.casefold().strip("?.,:;!\"'“”") not in ASKING)


def once(hits: Sequence[Hit], k: int, stories: Mapping[str, str] | None = None) -> list[Hit]:
    """The first ``k`` hits of different text; the outlets of the copies left out go into ``also_in``.

    ``stories`` names the story of each article that has copies: of one story, a passage is left out as well when nearly
    all of it stands in those that are kept, cut at other places.
    """
    stories = stories or {}
    kept: list[Hit] = []
    seen: list[frozenset[tuple[str, ...]]] = []
    shown: dict[str, frozenset[tuple[str, ...]]] = {}
    for hit in hits:
        shape = shingles(hit.passage.text)
        story = stories.get(hit.article.id, "")
        again = bool(story) and len(shape & shown.get(story, frozenset())) >= _COVERED * len(shape)
        mine = [n for n, hit in enumerate(kept) if stories.get(hit.article.id) == story] if again else []
        nearest = max(mine, key=lambda n: len(shape & seen[n]), default=-1)
        for n, other in enumerate(seen):
            if n == nearest or same_text(shape, other):
                first = kept[n]
                outlet = hit.article.outlet
                if outlet and outlet != first.article.outlet and outlet not in first.also_in:
                    kept[n] = replace(first, also_in=(*first.also_in, outlet))
                break
        else:
            if len(kept) == k:
                # Copies of what is shown may still follow; nothing else is needed.
                continue
            kept.append(hit)
            seen.append(shape)
            if story:
                shown[story] = shown.get(story, frozenset()) | shape
    return kept

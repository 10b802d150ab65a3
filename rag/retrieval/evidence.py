"""From hits to evidence: the sentences that may answer, whose words each is, and how well each fits the question."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import regex

from rag.indexing.attribution import Attribution
from rag.indexing.corrections import is_right, wrong_in
from rag.indexing.embed import Vectors
from rag.indexing.names import CAPITALISED, name_tokens, without_owner
from rag.indexing.sentences import sentences
from rag.indexing.speakers import introduced, sentence_speakers
from rag.indexing.speech_words import BODIES
from rag.indexing.wire import dateline_end
from rag.records import Article, Correction, Coverage, Hit, Passage, Query, Span, instant
from rag.retrieval import features, ranker, types
from rag.retrieval.features import Read
from rag.retrieval.hybrid import Searcher, filters_of
from rag.retrieval.question import SPEECH_VERBS, is_role, quoted_as

# Passages whose sentences are read.
READ = 24
# The newest articles quoting a person in which is read, beside the hits, what they say and what names them.
QUOTING = 24
_SHOWN = [features.NAMES.index(name) for name in ("fit", "passage_and_title", "cosine", "typed", "counted")]


@dataclass(frozen=True, slots=True)
class Candidate:
    """One sentence that may answer.

    ``speaker`` is whose words it reports: a name, "" when that is unsure, None when it reports nobody's.
    ``fit`` is the share of the question's term weights that the sentence holds itself, or nearly (0 to 1);
    ``reach`` the same with its whole passage and title, ``cosine`` the similarity of question and sentence vectors;
    ``typed`` whether it holds the kind of thing asked for, ``counted`` whether it gives the number of what is counted.
    ``features`` are what the ranker was told of it, ``score`` what it made of that: candidates are ranked by it.
    ``strength`` is how sure it is that the archive answers at all (0 to 1). ``apart`` tells that the sentence before it
    reports the words of those whom a filter leaves out, so that the two are not read together.
    """

    article: Article
    passage: Passage
    span: Span
    speaker: str | None
    fit: float
    reach: float
    cosine: float
    typed: bool
    counted: bool
    strength: float
    score: float
    features: Vectors
    hit: Hit | None = None
    apart: bool = False

    @property
    def text(self) -> str:
        return self.span.of(self.article.text)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the archive holds for a query: hits, ranked candidates, and the people asked for as the archive names them.

    ``speakers`` maps each name of the question to the archive's names for it; to () when the archive quotes no such
    person. ``weights`` are the question's index terms with their idf, ``terms`` gives the index terms of a text;
    ``stories`` the story of each article that has copies, the same for all of them; ``names_a_topic`` is false for "What
    happened last week?". ``alike`` maps the names that the archive does not know to those of its speakers that are
    spelled nearly so. ``heard`` finds who says what in a text that stands in no article. ``corrected`` tells by article what a
    reader of it must know: that it corrects another, whose wrong sentences are no candidates, or is corrected by one that
    the query shuts out.
    """

    query: Query
    hits: Sequence[Hit]
    candidates: Sequence[Candidate]
    speakers: dict[str, tuple[str, ...]]
    coverage: Coverage
    weights: dict[str, float]
    names_a_topic: bool
    terms: Callable[[str], Sequence[str]]
    stories: Mapping[str, str] = field(default_factory=dict[str, str])
    alike: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    heard: Callable[[str], Sequence[Attribution]] = lambda _: ()
    corrected: Mapping[str, str] = field(default_factory=dict[str, str])


Scores = Callable[[Vectors], Vectors]
"""Rows of features to a score each."""


def gather(searcher: Searcher, query: Query, scores: Scores | None = None) -> Evidence:
    """The evidence for a query, its candidates ranked by ``scores`` (None: the learned ranker). The question is the only
    thing embedded here.
    """
    vector = searcher.embed(query.text)
    hits = searcher.hits(query, 24, vector)
    speakers = {asked: resolve(asked, searcher, hits) for asked in query.speakers}
    # Nobody in the archive is found to hold the office that the question asks the words of: what others say is no
    # answer, but what is reported of the office may be one.
    unknown = [asked for asked, names in speakers.items() if is_role(asked) and not names]
    speakers = {asked: names for asked, names in speakers.items() if asked not in unknown}
    names = [n for group in speakers.values() for n in group]
    dated = [w for w in regex.findall(r"\w+", query.text) if w not in query.topic]
    weights = searcher.weights(
        query.topic if speakers else query.text,
        weak=[*dated, *types.KIND_WORDS],
        without=[*(t for asked in speakers for t in regex.findall(r"\w+", asked)), *(SPEECH_VERBS if speakers else ())],
    )
    names_a_topic = bool(searcher.weights(query.topic, without=types.KIND_WORDS))
    pool: dict[str, tuple[Passage, Article, Hit | None]] = {
        h.passage.id: (h.passage, h.article, h) for h in hits[:READ]
    }
    if names:
        for passage, article in _of(names, searcher, query, vector):
            pool.setdefault(passage.id, (passage, article, None))
    corrections = _corrections(searcher, query, {article.id for _, article, _ in pool.values()})
    for passage, article in _correcting(searcher, query, corrections):
        pool.setdefault(passage.id, (passage, article, None))
    names = {m.group(): searcher.terms(m.group()) for m in features.PROPER.finditer(query.text)}
    reads = read(searcher, list(pool.values()), vector)
    candidates = _candidates(query, reads, weights, names, scores)
    candidates, corrected = _put_right(candidates, corrections, [(p, a) for p, a, _ in pool.values()])
    if query.said_by:
        candidates = [c for c in candidates if c.speaker in query.said_by]
    if unknown and not speakers:
        candidates = [c for c in candidates if not c.speaker]
    stories = {r.article.id: r.story for r in reads if r.story}
    alike = {asked: searcher.ledger.speakers_like(asked) for asked, known in speakers.items() if not known}
    covered, terms = searcher.coverage(query), searcher.terms
    return Evidence(
        query, hits, candidates, speakers, covered, weights, names_a_topic, terms, stories, alike, searcher.heard,
        corrected,
    )  # fmt: skip


def _corrections(searcher: Searcher, query: Query, articles: Iterable[str]) -> dict[str, list[Correction]]:
    """What corrects each of the articles, as far as it is out when the question is asked."""
    found = searcher.ledger.corrections(sorted(articles))
    return {i: [c for c in told if is_out(c, query)] for i, told in found.items()}


def is_out(correction: Correction, query: Query) -> bool:
    """Whether a correction was published when the question is asked, where the asker says when that is."""
    at = instant(correction.published)
    return query.now is None or at is None or at <= query.now


def _correcting(
    searcher: Searcher, query: Query, corrections: Mapping[str, Sequence[Correction]]
) -> list[tuple[Passage, Article]]:
    """The passages in which corrections stand, those aside that the user's filters shut out."""
    places: dict[str, list[Span]] = {}
    for correction in (c for told in corrections.values() for c in told):
        if query.until is None or correction.published[:10] <= query.until.isoformat():
            places.setdefault(correction.article, []).append(Span(correction.start, correction.end))
    return [
        (passage, article)
        for passage, article in searcher.passages_of(sorted(places))
        if any(Span(passage.start, passage.end).overlaps(span) for span in places[article.id])
        and (not query.outlets or article.outlet in query.outlets)
        and (not query.languages or article.language in query.languages)
    ]


def _put_right(
    candidates: Sequence[Candidate],
    corrections: Mapping[str, Sequence[Correction]],
    pool: Sequence[tuple[Passage, Article]],
) -> tuple[list[Candidate], dict[str, str]]:
    """The candidates with what is right in the place of what was corrected, ranked, and what to tell readers, by article.
    Where a correction does not stand in the pool, what it corrects stays.
    """
    if not corrections:
        return list(candidates), {}
    kept = {(c.article.id, c.span): c for c in candidates}
    notes: dict[str, str] = {}
    for candidate in candidates:
        article = candidate.article
        for c in corrections.get(article.id, ()):
            if not wrong_in(candidate.text, c, article.published):
                continue
            note = f"{c.outlet or c.title} corrected its report of {article.published[:10]} on {c.published[:10]}"
            places = [(p, by) for p, by in pool if by.id == c.article and p.start < c.end and c.start < p.end]
            if not places:
                notes.setdefault(article.id, note + (f": {c.right}" if c.right else "."))
                continue
            notes.setdefault(c.article, f"{note}; it had said: {candidate.text}")
            kept.pop((article.id, candidate.span), None)
            for passage, by in places:
                for span in passage.sentences:
                    own = kept.get((by.id, span))
                    if is_right(span.of(by.text), c, article.published) and (not own or own.score < candidate.score):
                        kept[by.id, span] = replace(
                            candidate, article=by, passage=passage, span=span, hit=own.hit if own else None,
                            speaker=own.speaker if own else None,
                        )  # fmt: skip
    return _ranked(kept.values()), notes


def _ranked(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Best first; equal ones in the order of articles, so that ranks do not depend on the order in which they came."""
    return sorted(candidates, key=lambda c: (-c.score, c.article.id, c.span.start))


def _of(names: Sequence[str], searcher: Searcher, query: Query, vector: Vectors) -> Iterator[tuple[Passage, Article]]:
    """Passages that hold words of certain people: those that suit the question best, and of the newest articles that
    quote them all that do, or that name them.
    """
    own = searcher.hits(replace(query, said_by=query.said_by or tuple(names)), READ, vector)
    yield from ((hit.passage, hit.article) for hit in own)
    newest = searcher.ledger.articles_quoting(names, filters_of(query), QUOTING)
    holding = {*searcher.ledger.passages_within(filters_of(replace(query, said_by=tuple(names))))}
    lasts = {tokens[-1] for name in names if (tokens := name_tokens(name))}
    for passage, article in searcher.passages_of(newest):
        if passage.id in holding or not lasts.isdisjoint(
            token for run in CAPITALISED.findall(passage.text) for token in name_tokens(run)
        ):
            yield passage, article


def read(searcher: Searcher, pool: Sequence[tuple[Passage, Article, Hit | None]], vector: Vectors) -> list[Read]:
    """The passages of the pool with what is known of their sentences; ``vector`` is the question's."""
    vectors = searcher.ledger.sentence_vectors([p.id for p, _, _ in pool])
    statements = searcher.statements(list({a.id for _, a, _ in pool}))
    stories = searcher.ledger.stories(list({a.id for _, a, _ in pool}))
    titles = {a.id: frozenset(searcher.terms(a.title)) for _, a, _ in pool}
    return [
        Read(
            passage,
            article,
            hit,
            [searcher.terms(span.of(article.text)) for span in passage.sentences],
            titles[article.id],
            vectors[passage.id],
            vectors[passage.id] @ vector,
            sentence_speakers(article, passage.sentences, statements[article.id]),
            stories.get(article.id, ""),
        )
        for passage, article, hit in pool
    ]


def _candidates(
    query: Query,
    pool: Sequence[Read],
    weights: dict[str, float],
    names: dict[str, list[str]],
    scores: Scores | None,
) -> list[Candidate]:
    rows = features.rows(query, weights, names, pool)
    scored = (scores or ranker.load().scores)(rows)
    found: list[Candidate] = []
    at = 0
    for each in pool:
        opening = dateline_end(each.article.text)
        for n, span in enumerate(each.passage.sentences):
            row, score = rows[at], float(scored[at])
            at += 1
            if len(each.terms[n]) < 4 or span.end <= opening:
                continue  # a dateline, a caption's stub, "Read more"
            fit, reach, cosine, typed, counted = (float(row[i]) for i in _SHOWN)
            before = each.speakers[n - 1] if n else None
            apart = bool(query.said_by) and before is not None and before not in query.said_by
            strength = (fit + max(cosine, 0.0) + reach) / 3 * (1.0 if typed else 0.5)
            found.append(
                Candidate(
                    each.article, each.passage, span, each.speakers[n],
                    fit, reach, cosine, bool(typed), bool(counted), strength, score, row, each.hit, apart,
                )
            )  # fmt: skip
    return _ranked(found)


def resolve(asked: str, searcher: Searcher, hits: Sequence[Hit]) -> tuple[str, ...]:
    """The archive's names for a person or body that the question names; () when it quotes no such one."""
    wanted = [asked]
    if is_role(asked):
        wanted = _holders(asked, hits)
    found: dict[str, None] = {}
    for name in wanted:
        known = quoted_as(name, searcher.ledger)
        if name == asked and is_role(asked):
            # "The Clinton campaign" may be quoted as that; Clinton is not her campaign.
            spelled = {*asked.casefold().split()}
            known = [k for k in known if {*k.casefold().split()} <= spelled and k.casefold().split()[-1] in BODIES]
        found.update(dict.fromkeys(known))
    return tuple(found)


def _holders(role: str, hits: Sequence[Hit]) -> list[str]:
    """Who holds an office, as the hits' articles introduce them: "Foreign Minister Ana Silva", "Ana Silva, the …"."""
    words = regex.sub(r"(?i)^(?:the|his|her|its) ", "", role)
    # "China's foreign minister" and "the foreign minister of China" are introduced as "Chinese Foreign Minister X".
    of = regex.match(
        r"(?P<land>\p{Lu}[\p{L} ]+?)(?:'s|’s) (?P<office>.+)|(?P<office>.+?) (?:of|for) (?P<land>.+)", words
    )
    wordings = [words]
    if of:
        land, bare = of["land"].removeprefix("the "), of["office"]
        wordings += [f"{land[:4]}\x00 {bare}", f"{land}'s {bare}", f"{land} {bare}", f"{bare} of {land}"]
        wordings += [f"{whose} {bare}" for whose in ("his", "her", "its")]
    office = (
        "(?i:"
        + "|".join(regex.escape(w).replace("\\\x00", r"\p{L}*").replace("\x00", r"\p{L}*") for w in wordings)
        + ")"
    )
    name = r"(?P<name>\p{Lu}[\p{L}\p{M}'’-]+(?: (?:de |da |van |von |al-)?\p{Lu}[\p{L}\p{M}'’-]+){0,3})"
    pattern = regex.compile(
        rf"{office},? {name}|{name},? (?:\d+, )?(?:(?:the|who is|who was|is|was|as) )*(?:[\p{{L}}'’-]+ ){{0,3}}{office}\b"
    )
    found: dict[str, None] = {}
    for hit in hits[:READ]:
        if of and of["land"][:4] not in hit.article.text:
            continue
        for match in pattern.finditer(hit.article.text):
            found[match["name"]] = None
    return [*(found or _holder(words, hits)), role]


# Words for one office; whoever is asked for by one may be introduced by another.
_ALIKE = (
    frozenset(("boss", "chief", "head", "ceo", "executive", "president", "director", "leader", "founder", "owner")),
    frozenset(("spokesman", "spokeswoman", "spokesperson")),
    frozenset(("lawyer", "attorney", "counsel", "barrister", "solicitor")),
    frozenset(("coach", "manager", "boss")),
    frozenset(("minister", "secretary")),
    frozenset(("chairman", "chairwoman", "chair", "chairperson", "leader")),
    frozenset(("scientist", "researcher", "professor")),
)
_NOT_IN_OFFICE = ("vice", "deputy")
_ARTICLES = 8  # that are read for who holds an office


def _holder(office: str, hits: Sequence[Hit]) -> list[str]:
    """Who is introduced as what an office is called by other words: "the finance director" who "directs the finances" is
    not found, "Quorrel's boss" is, as "Ingram Dessaules, its chief executive". The one that suits best, or nobody.
    """
    head = regex.split(r" (?:of|for|at|in|from) ", office)[0].split()
    word = head[-1].casefold() if head else ""
    wanted = {word}.union(*(group for group in _ALIKE if word in group))
    bodies = [without_owner(w) for w in office.split() if w[:1].isupper()]
    kinds = [w.casefold()[:5] for w in head[:-1] if w.islower()]
    best: list[tuple[tuple[bool, int], str]] = []
    articles = {hit.article.id: hit.article for hit in hits[:READ]}
    for n, article in enumerate(list(articles.values())[:_ARTICLES]):
        if not all(body in article.text or body in article.title for body in bodies):
            continue
        for person in introduced(article, sentences(article.text)):
            told = person.told.casefold()
            beside = all(body in person.told for body in bodies)
            if not beside and not all(body in article.title for body in bodies):
                continue  # somebody else's chief
            if any(title in _NOT_IN_OFFICE and title not in kinds for title in person.titles):
                continue
            if person.titles & wanted and all(regex.search(rf"\b{regex.escape(kind)}", told) for kind in kinds):
                best.append(((beside, -n), person.name))
    top = max((fit for fit, _ in best), default=None)
    names = {name for fit, name in best if fit == top}
    return sorted(names) if len(names) == 1 else []

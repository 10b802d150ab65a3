"""Whose words an article reports.

``cues`` finds what is reported; here it is decided who said it. Surnames, roles and pronouns are resolved within the
article, and quotations are carried over sentence and paragraph breaks. Words in the wrong mouth are worse than words
without a speaker, so whatever stays open between two people is left open (speaker "").
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import regex

from rag.indexing.cues import Found, Tokens, find_in, transcript
from rag.indexing.names import core, in_order, name_tokens
from rag.indexing.speech_words import (
    AFFILIATIONS,
    ATTRIBUTIVE,
    BE,
    COURTESY,
    DETERMINERS,
    FEMALE,
    GROUPS,
    HE,
    INSTITUTIONS,
    MALE,
    MEN,
    PARTICLES,
    PREPOSITIONS,
    PRONOUNS,
    ROLES,
    SHE,
    SPECIFIC,
    SURNAMES,
    THINGS,
    WOMEN,
)
from rag.records import Article, Span, Statement

_OUTLETS = regex.compile(
    r"(?i)\b(?:reuters|xinhua|ap|afp|tass|ria|bloomberg|cnn|bbc|nbc|abc|cbs|npr|msnbc|politico|axios|fox news|media|news agency"
    r"|newspapers?|times|post|journal|guardian|telegraph|tribune|herald|news|daily|magazine|reports?|interfax|associated press)\b"
)


@dataclass(slots=True)
class _Person:
    """Somebody the article names. ``titles`` are the lower-case role words that were seen with the name."""

    name: str
    words: Sequence[str]
    first: int  # the token of the first mention
    sure: bool  # a title, a known given name or reported speech makes it a person; a capitalised phrase alone does not
    gender: Literal["he", "she", ""] = ""
    titles: set[str] = field(default_factory=set[str])
    courtesy: set[str] = field(default_factory=set[str])


@dataclass(frozen=True, slots=True)
class _Run:
    """A capitalised phrase: tokens ``start`` to ``end``, of which those from ``name`` on are the name."""

    start: int
    name: int
    end: int
    kind: Literal["person", "thing", "unknown", "role"]


class _People:
    """The people and organisations of one article, in the order in which they are introduced."""

    def __init__(self, tokens: Tokens) -> None:
        self.t = tokens
        self.people: list[_Person] = []
        self.by_word: dict[str, list[_Person]] = {}
        self.things: list[tuple[int, str]] = []
        self.mentions: list[tuple[int, int, _Person | None]] = []  # start, end, who (None: one of several), by position
        self.runs = [run for first, last in tokens.bounds for run in _runs(tokens, first, last)]
        for run in self.runs:
            self.introduce(run)
        self.late = {run.start: run for run in self.runs}
        for run in self.runs:
            if run.kind != "role" and (who := self.candidates(run)):
                self.mentions.append((run.start, run.end, who[0] if len(who) == 1 else None))
        self.mention_starts = [start for start, _, _ in self.mentions]
        self.learn_gender()

    def introduce(self, run: _Run) -> None:
        t = self.t
        if run.kind == "thing":
            self.things.append((run.start, " ".join(t.words[run.name : run.end])))
            return
        if run.kind == "role":
            return
        words = core(name_tokens(" ".join(t.words[run.name : run.end])))
        if not words:
            return
        titles = {t.lower[i] for i in range(run.start, run.name)}
        k = run.start - 1
        while k >= 0 and run.start - k <= 4 and (t.lower[k] in ROLES or t.lower[k] in ("campaign", "former", "ex")):
            titles.add(t.lower[k])
            k -= 1
        if "former" in titles or "ex" in titles or (run.start and t.lower[run.start - 1].startswith(("former", "ex-"))):
            held = titles - COURTESY - {"former", "ex"}
            titles = {f"former {title}" for title in held} | (titles & COURTESY)
        titles |= self.appositive(run.end)
        sure = run.kind == "person" or bool(titles & ROLES)
        gender = "she" if titles & FEMALE else "he" if titles & MALE else ""
        if not gender and len(words) > 1:
            gender = "he" if words[0] in MEN else "she" if words[0] in WOMEN else ""
        person = self.known(words, gender)
        if person is None:
            if len(words) == 1 and not sure:
                return
            if len(words) == 1 and self.by_word.get(words[0]):
                return  # a bare surname of somebody named before, or of several: no new person
            person = self.meet(" ".join(t.words[run.name : run.end]), words, run.start, sure)
        elif len(words) > len(person.words):
            for word in {words[0], words[-1]} - {person.words[0], person.words[-1]}:
                self.by_word.setdefault(word, []).append(person)
            person.name, person.words = " ".join(t.words[run.name : run.end]), words
        person.sure = person.sure or sure
        person.gender = person.gender or gender
        person.titles |= titles & SPECIFIC | {x for x in titles if x.startswith("former ")}
        person.courtesy |= titles & COURTESY

    def meet(self, name: str, words: Sequence[str], first: int, sure: bool = False) -> _Person:
        person = _Person(name, words, first, sure)
        self.people.append(person)
        for word in {words[0], words[-1]}:
            self.by_word.setdefault(word, []).append(person)
        return person

    def known(self, words: Sequence[str], gender: str) -> _Person | None:
        """The person introduced before under the same name, longer or shorter."""
        same: list[_Person] = []
        for person in self.by_word.get(words[-1], ()):
            if len(words) == 1 or len(person.words) == 1:
                fits = len(person.words) == len(words) or (
                    person.words[-1] == words[-1] and len(person.words) < len(words)
                )
            else:
                short, long = sorted((words, person.words), key=len)
                fits = short[0] == long[0] and short[-1] == long[-1] and in_order(short, long)
            if fits and not (gender and person.gender and gender != person.gender):
                same.append(person)
        return same[0] if len(same) == 1 else None

    def appositive(self, end: int) -> set[str]:
        """The role words of "…, the Russian foreign minister," right behind a name."""
        t = self.t
        if end + 2 >= len(t.words) or t.words[end] != ",":
            return set()
        titles: set[str] = set()
        former = ""
        for i in range(end + 1, min(end + 10, len(t.words))):
            word = t.lower[i]
            if t.words[i] in ",.;:" or word in ("who", "said") or word in BE:
                break
            if word in ("of", "for", "at", "in", "and", "to"):
                break
            if word.startswith(("former", "ex-")):
                former = "former "
            if t.name(i) and word not in ROLES and word not in AFFILIATIONS and i == end + 1:
                return set()
            if word in ROLES:
                titles.add(former + word)
        return titles

    def candidates(self, run: _Run) -> list[_Person]:
        """Everybody a capitalised phrase can stand for."""
        t = self.t
        words = core(name_tokens(" ".join(t.words[run.name : run.end])))
        if not words or run.kind == "thing":
            return []
        titles = {t.lower[i] for i in range(run.start, run.name)}
        if len(words) > 1:
            return [p for p in self.by_word.get(words[-1], ()) if len(p.words) > 1 and _same(words, p.words)]
        # Only people the reader has met by now, unless there are none yet.
        named = self.by_word.get(words[0], [])
        by_surname = [p for p in named if p.words[-1] == words[0]] or [p for p in named if p.words[0] == words[0]]
        if any(
            p.words[0] == words[0] and p.words[-1] != words[0] and len(p.words) == 2 and p.gender == "" for p in named
        ):
            by_surname = named  # a surname-first name ("Wang Yi") beside a surname-last one
        met = [p for p in by_surname if p.first <= run.start] or by_surname
        if len(met) > 1:
            gender = "she" if titles & FEMALE else "he" if titles & MALE else ""
            if gender:
                met = [p for p in met if p.gender == gender] or [p for p in met if not p.gender]
            elif special := titles & SPECIFIC:
                met = [p for p in met if p.titles & special]
        return met

    def learn_gender(self) -> None:
        """A pronoun in a sentence that names one person only tells that person's gender; contradictions cancel."""
        t = self.t
        votes: dict[int, list[int]] = {}
        place = 0
        for _, last in t.bounds:
            names: list[tuple[int, _Person | None]] = []
            while place < len(self.mentions) and self.mentions[place][0] < last:
                names.append((self.mentions[place][1], self.mentions[place][2]))
                place += 1
            person = names[0][1] if names else None
            if person is None or person.gender or any(other is not person for _, other in names):
                continue
            for i in range(names[0][0], last):
                if not t.quote[i] and (t.lower[i] in HE or t.lower[i] in SHE):
                    votes.setdefault(id(person), [0, 0])[t.lower[i] in SHE] += 1
        for person in self.people:
            he, she = votes.get(id(person), (0, 0))
            if not person.gender and (he == 0) != (she == 0):
                person.gender = "he" if he else "she"

    def named_in(self, first: int, last: int) -> list[tuple[int, int, _Person | None]]:
        """The people mentioned between two tokens, outside quotations, in order."""
        found: list[tuple[int, int, _Person | None]] = []
        for k in range(bisect_left(self.mention_starts, first), len(self.mentions)):
            if self.mentions[k][0] >= last:
                break
            if not self.t.quote[self.mentions[k][0]]:
                found.append(self.mentions[k])
        return found


def _same(a: Sequence[str], b: Sequence[str]) -> bool:
    short, long = sorted((a, b), key=len)
    return short[-1] == long[-1] and short[0] == long[0] and in_order(short, long)


def _runs(t: Tokens, first: int, last: int) -> Iterable[_Run]:
    """The capitalised phrases of a sentence, each cut into role words and name."""
    i = first
    while i < last:
        if not t.name(i):
            i += 1
            continue
        start = i
        i += 1
        while i < last and t.quote[i] == t.quote[start]:
            if t.name(i):
                i += 1
            elif i + 1 < last and t.lower[i] in PARTICLES and t.name(i + 1):
                i += 2
            else:
                break
        # Names joined by "of" are things: "Bank of England".
        if (
            i + 1 < last
            and t.lower[i] in ("of", "for")
            and (t.name(i + 1) or (t.lower[i + 1] == "the" and i + 2 < last and t.name(i + 2)))
        ):
            words = {t.lower[k] for k in range(start, i)}
            if words & THINGS or (i - start == 1 and not words & ROLES):
                end = i + 1 + (t.lower[i + 1] == "the")
                while end < last and t.name(end):
                    end += 1
                yield _Run(start, start, end, "thing")
                i = end
                continue
        yield _run(t, start, i)


def _run(t: Tokens, start: int, end: int) -> _Run:
    words = t.lower[start:end]
    name = start
    for k in range(start, end):
        surname = k == end - 1 and t.lower[k] in SURNAMES and (k == start or t.lower[k - 1] not in ROLES)
        if t.lower[k] in ROLES and not surname:
            name = k + 1
    if name >= end:
        return _Run(start, end, end, "role")
    if words[-1] in GROUPS:
        return _Run(start, end, end, "role")  # "Senate Republicans": nobody by name
    roles = name > start
    while name < end - 1 and t.lower[name] in AFFILIATIONS:
        name += 1
    rest = t.lower[name:end]
    if roles and len(rest) <= 4 and not set(rest) & THINGS:
        return _Run(start, name, end, "person")
    given = rest[0] in MEN or rest[0] in WOMEN
    if set(words[given:] if name == start else words) & THINGS or len(rest) > 5:
        return _Run(start, start, end, "thing")
    if len(rest) == 1:
        word = t.words[name]
        if (word.isupper() and len(word) > 1) or rest[0] in AFFILIATIONS:
            return _Run(start, start, end, "thing")
        return _Run(start, name, end, "unknown")
    if (
        any(t.words[k].isupper() and len(t.words[k]) > 2 and "." not in t.words[k] for k in range(name, end))
        and not given
    ):
        return _Run(start, start, end, "thing")
    return _Run(start, name, end, "person" if given else "unknown")


@dataclass(frozen=True, slots=True)
class _Voice:
    """A resolved speaker: a person, an organisation by name, or (both empty) somebody who cannot be named."""

    name: str = ""
    person: _Person | None = None


_UNKNOWN = _Voice()


class _Resolver:
    """Names the sources of an article, sentence by sentence in reading order."""

    def __init__(self, tokens: Tokens) -> None:
        self.t = tokens
        self.people = _People(tokens)
        self.spoke: dict[int, _Voice] = {}  # the last voice of each sentence that reports speech

    def voice(self, found: Found) -> _Voice:
        if found.source is None:
            return _UNKNOWN
        places = self.t.within(found.source)
        if not places:
            return _UNKNOWN
        start, end = places.start, places.stop
        end -= end - start > 1 and self.t.lower[end - 1] in ("’s", "'s", "’", "'")
        word = self.t.lower[start]
        if end - start == 1 and word in PRONOUNS:
            if word in ("he", "she"):
                person = self.pronoun(start, word, found)
                return _Voice(person.name, person) if person else _UNKNOWN
            if word == "who" and start:
                return self.antecedent(start)
            if word == "it":
                return self.institution_before(found.sentence)
            return _UNKNOWN
        return self.phrase(start, end)

    def phrase(self, start: int, end: int) -> _Voice:
        """The voice of a noun phrase: its head decides, "a spokesman for Trump" is not Trump."""
        t = self.t
        runs = self.runs(start, end)
        stop = next((i for i in range(start, end) if t.words[i] in ",;(—" or t.words[i] == "--"), end)
        link = next(
            (
                i
                for i in range(start + 1, stop)
                if t.lower[i] in PREPOSITIONS and not any(r.start < i < r.end for r in runs)
            ),
            stop,
        )
        if any(t.lower[i] == "and" and not any(r.start < i < r.end for r in runs) for i in range(start, link)):
            return _UNKNOWN
        head = [run for run in runs if run.end <= link]
        if head and head[-1].end == link:
            return self.run(head[-1])
        if stop < end and (named := [run for run in runs if run.start == stop + 1]) and named[0].kind == "person":
            return self.run(named[0])  # "the minister, Sergei Lavrov"
        return self.common(start, link, head)

    def runs(self, start: int, end: int) -> list[_Run]:
        found = [self.people.late[i] for i in range(start, end) if i in self.people.late]
        if not found and any(self.t.name(i) for i in range(start, end)):
            found = list(_runs(self.t, start, end))
        return found

    def run(self, run: _Run) -> _Voice:
        t = self.t
        if run.kind == "role":
            return self.role({t.lower[i] for i in range(run.start, run.end)}, run.start)
        name = " ".join(t.words[run.name : run.end])
        if run.kind == "thing":
            return _Voice(self.joined(run.name, run.end))
        found = self.people.candidates(run)
        if len(found) == 1:
            return _Voice(found[0].name, found[0])
        if found:
            return _UNKNOWN
        words = name_tokens(name)
        if not words or (len(words) == 1 and self.people.by_word.get(words[0])):
            return _UNKNOWN
        if run.kind == "unknown" or run.kind == "person":
            person = self.people.meet(self.joined(run.name, run.end), words, run.start)
            return _Voice(person.name, person)
        return _Voice(self.joined(run.name, run.end))

    def joined(self, start: int, end: int) -> str:
        return " ".join(self.t.text[self.t.starts[start] : self.t.ends[end - 1]].split())

    def common(self, start: int, end: int, head: list[_Run]) -> _Voice:
        """The voice of "the minister", "the foreign ministry", "the Clinton campaign"."""
        t = self.t
        if end <= start:
            return _UNKNOWN
        noun = t.lower[end - 1]
        definite = t.lower[start] in ("the", "that", "this")
        if noun in INSTITUTIONS:
            if head and head[-1].end == end - 1 and (definite or head[-1].start == start):
                return _Voice(self.joined(head[-1].start, end))  # "the Clinton campaign"
            if not definite:
                return _UNKNOWN
            wanted = [t.words[i] for i in range(start + 1, end)]
            return self.institution(wanted, start)
        if definite and noun in SPECIFIC and not head:
            former = any(t.lower[i].startswith(("former", "ex-")) for i in range(start, end))
            return self.role({("former " if former else "") + noun}, start)
        return _UNKNOWN

    def role(self, words: set[str], place: int) -> _Voice:
        """The one person introduced so far under the role."""
        wanted = {w for w in words if w in SPECIFIC or w.startswith("former ")}
        if not wanted:
            return _UNKNOWN
        found = [p for p in self.people.people if p.first < place and wanted <= p.titles]
        return _Voice(found[0].name, found[0]) if len(found) == 1 else _UNKNOWN

    def institution(self, words: list[str], place: int) -> _Voice:
        wanted = [word.lower() for word in words]
        names = {name for at, name in self.people.things if at < place and _contains(name.lower().split(), wanted)}
        if len(names) > 20:
            return _UNKNOWN
        names = {name for name in names if not any(name != other and name in other for other in names)}
        if len(names) == 1:
            return _Voice(names.pop())
        return _Voice(" ".join(words)) if not names and len(words) > 1 else _UNKNOWN

    def institution_before(self, sentence: int) -> _Voice:
        """The "it" of "…, it added": the organisation that spoke in the sentence before."""
        voice = self.spoke.get(sentence) or self.spoke.get(sentence - 1)
        return voice if voice and voice.name and voice.person is None else _UNKNOWN

    def antecedent(self, who: int) -> _Voice:
        """Who "who" is: the name right before it."""
        t = self.t
        end = who - 1 if t.words[who - 1] == "," else who
        for run in reversed(self.runs(max(0, end - 8), end)):
            between = range(run.end, end)
            if run.end == end or all(t.words[i] in ",.()" or t.name(i) or t.words[i][0].isdigit() for i in between):
                before = t.lower[run.start - 1] if run.start else ""
                if before in DETERMINERS and run.start > 1 and t.lower[run.start - 2] in PREPOSITIONS:
                    break
                if before in PREPOSITIONS:
                    end = (
                        run.start - 1
                    )  # "Senator Bernie Sanders of Vermont, who": the name before, if it is right there
                    continue
                return self.run(run)
            break
        return _UNKNOWN

    def pronoun(self, place: int, word: str, found: Found) -> _Person | None:
        """Who a "he" or "she" is, or None where two people suit equally well."""
        t, people = self.t, self.people
        first, _ = t.bounds[found.sentence]

        if (before := self.spoke.get(found.sentence)) and before.person and _suits(before.person, word):
            return before.person  # "…, Wang said, adding that he …": the voice of the sentence so far
        content = t.within(found.content)
        if not content or content.start > place:
            # A cue before its content: people named earlier in the sentence come first.
            person, settled = self.choose(people.named_in(first, place), word)
            if settled:
                return person
        for sentence in range(found.sentence - 1, max(-1, found.sentence - 8), -1):
            start, end = t.bounds[sentence]
            named = people.named_in(start, end)
            spoke = self.spoke.get(sentence)
            if spoke is not None:
                if spoke.person is not None and _suits(spoke.person, word):
                    return spoke.person
                if spoke.person is None and not spoke.name and not named and self.all_quoted(sentence):
                    return None
            if t.paragraph[found.sentence] - t.paragraph[sentence] > 3:
                return None
            person, settled = self.choose(named, word)
            if settled:
                return person
        return None

    def all_quoted(self, sentence: int) -> bool:
        first, last = self.t.bounds[sentence]
        return first < last and bool(self.t.quote[first]) and bool(self.t.quote[last - 1])

    def choose(self, named: list[tuple[int, int, _Person | None]], word: str) -> tuple[_Person | None, bool]:
        """The one suitable person of a sentence; and whether the sentence settles it (also by being ambiguous)."""
        fitting: list[_Person] = []
        for _, end, person in named:
            following = self.t.lower[end] if end < len(self.t.words) else ""
            if following in ATTRIBUTIVE or following in ("’s", "'s", "’", "'"):
                continue
            if person is None:
                return None, True
            if _suits(person, word) and not any(person is other for other in fitting):
                fitting.append(person)
        if len(fitting) > 1:
            # The first one named, if the pronoun is known to be that one's alone, else it is a guess.
            known = [p for p in fitting if p.gender == word]
            return (known[0] if known == fitting[:1] else None), True
        return (fitting[0], True) if fitting else (None, False)


def _suits(person: _Person, pronoun: str) -> bool:
    return person.sure and person.gender in ("", pronoun)


def _contains(words: Sequence[str], wanted: Sequence[str]) -> bool:
    rest = iter(words)
    return all(any(w == x for w in rest) for x in wanted)


def statements(article: Article, spans: Sequence[Span]) -> list[Statement]:
    """Everything that ``article`` reports somebody as saying, in reading order; ``spans`` are its sentences."""
    tokens = Tokens(article.text, spans)
    return _link(article, tokens, find_in(tokens))


def _link(article: Article, tokens: Tokens, found: Sequence[Found]) -> list[Statement]:
    resolver = _Resolver(tokens)
    by_sentence: dict[int, list[Found]] = {}
    for item in found:
        by_sentence.setdefault(item.sentence, []).append(item)
    voiced: list[list[tuple[Found, _Voice]]] = []
    for sentence in range(len(tokens.spans)):
        pairs: list[tuple[Found, _Voice]] = []
        for item in by_sentence.get(sentence, ()):
            voice = resolver.voice(item)
            if voice.person is not None:
                voice.person.sure = True
            pairs.append((item, voice))
            resolver.spoke[sentence] = voice
        voiced.append(_untangle(article.text, pairs))
        if voiced[-1]:
            resolver.spoke[sentence] = voiced[-1][-1][1]
    carried = _Carrier(tokens, voiced).voices()
    made: list[Statement] = []
    for sentence, span in enumerate(tokens.spans):
        for item, voice in sorted(voiced[sentence], key=lambda pair: pair[0].content.start):
            kind = _kind(tokens, item.content)
            made.append(Statement(article.id, voice.name, item.content, item.cue, item.source, kind))
        if (voice := carried[sentence]) is not None:
            made.append(Statement(article.id, voice.name, span, kind=_kind(tokens, span)))
    return made


def _untangle(text: str, pairs: list[tuple[Found, _Voice]]) -> list[tuple[Found, _Voice]]:
    """Settles cues within another's content. In "A said X, and B said Y" and "A said X, adding Y" the first content
    ends where the second cue's clause begins; of "A said that B said X" A's claim is kept, but B's where A only relays
    the news ("Reuters reported that Lavrov said …"). Of more cues than prose has in a sentence none is trusted.
    """
    if len(pairs) > 16:
        return [(item, _UNKNOWN) for item, _ in pairs]
    kept = list(pairs)
    for outer, _ in pairs:
        for inner, voice in pairs:
            if inner is outer or not (outer.content.start <= inner.cue.start < outer.content.end):
                continue
            start = inner.cue.start
            if inner.source is not None and outer.content.start <= inner.source.start < start:
                start = inner.source.start
            if start - outer.content.start > 2 and _JOINT.search(text, outer.content.start, start):
                cut = outer.content.start + len(text[outer.content.start : start].rstrip(" ,;—–-"))
                joint = _JOINT.search(text, outer.content.start, start)
                if joint is not None:
                    cut = joint.start()
                kept = [
                    (Found(f.sentence, f.source, f.cue, Span(f.content.start, min(f.content.end, cut))), v)
                    if f.cue == outer.cue and f.content.start == outer.content.start
                    else (f, v)
                    for f, v in kept
                ]
            elif voice.name and outer.source and _OUTLETS.search(outer.source.of(text)):
                kept = [(f, v) for f, v in kept if f.cue != outer.cue]
            else:
                kept = [(f, v) for f, v in kept if f.cue != inner.cue]
    return [(f, v) for f, v in kept if f.content.start < f.content.end]


# What stands between one clause and the source or cue of the next.
_JOINT = regex.compile(r"\s*(?:[,;—–]|--)\s*(?:(?:and|but|while|whereas|though|although)\s+(?:that\s+)?)?$")


class _Carrier:
    """Carries voices to the sentences that are quoted but name nobody."""

    def __init__(self, tokens: Tokens, voiced: list[list[tuple[Found, _Voice]]]) -> None:
        self.t, self.voiced = tokens, voiced
        self.by_quotation = self.quotations()
        self.labels = transcript(tokens)

    def quotations(self) -> dict[int, _Voice]:
        """The voice of each quotation, where a cue stands beside any part of it."""
        t = self.t
        voices: dict[int, _Voice] = {}
        for pairs in self.voiced:
            for item, voice in pairs:
                for i in t.within(item.content):
                    if t.quote[i]:
                        voices.setdefault(t.quote[i], voice)
        for mark in sorted(t.carried):
            if mark - 1 in voices:
                voices.setdefault(mark, voices[mark - 1])
        for mark in sorted(t.carried, reverse=True):
            if mark in voices:
                voices.setdefault(mark - 1, voices[mark])
        return voices

    def voices(self) -> list[_Voice | None]:
        """For each sentence without a cue of its own: its voice, or None where it is the reporter's."""
        t = self.t
        out: list[_Voice | None] = []
        last: _Voice | None = None  # the voice of the sentence before, with or without a cue
        labelled: _Voice | None = None
        spoken, led = 0, _UNKNOWN  # a "he said:" speaks up to here
        for sentence, (first, end) in enumerate(t.bounds):
            begins = sentence == 0 or t.paragraph[sentence] != t.paragraph[sentence - 1]
            if begins:
                labelled = None
            pairs = self.voiced[sentence]
            if t.spans[sentence].start < spoken:
                last = led
                out.append(None)
                continue
            if pairs:
                if pairs[-1][0].content.start >= t.spans[sentence].end:
                    spoken, led = pairs[-1][0].content.end, pairs[-1][1]
                if sentence in self.labels:
                    labelled = pairs[0][1]
                last = pairs[-1][1] if len({v.name for _, v in pairs}) == 1 else _UNKNOWN
                out.append(None)
                continue
            marks = [t.quote[i] for i in range(first, end) if t.quote[i] and t.words[i][0].isalnum()]
            plain = sum(1 for i in range(first, end) if not t.quote[i] and t.words[i][0].isalnum())
            voice: _Voice | None = None
            if labelled is not None:
                voice = labelled
            elif marks and (known := [self.by_quotation[m] for m in set(marks) if m in self.by_quotation]):
                voice = known[0] if len({v.name for v in known}) == 1 else _UNKNOWN
            elif marks and not plain:
                voice = self.beside(sentence, begins, last)
            elif len(marks) >= 5:
                # “But I think …,” because of …: a quotation that opens the sentence behind another goes on with it.
                lead = next(i for i in range(first, end) if t.quote[i]) - first
                voice = last if last is not None and not begins and lead <= 2 < len(marks) - plain else _UNKNOWN
            out.append(voice)
            last = voice
        return out

    def beside(self, sentence: int, begins: bool, last: _Voice | None) -> _Voice:
        """The voice of a wholly quoted sentence that no cue stands beside: its paragraph's, or that of the one before."""
        t = self.t
        if not begins:
            return last or _UNKNOWN
        paragraph = t.paragraph[sentence]
        for ahead in range(sentence, len(t.spans)):
            if t.paragraph[ahead] != paragraph:
                break
            if self.voiced[ahead]:
                return self.voiced[ahead][0][1] if t.quote[t.bounds[ahead][0]] else _UNKNOWN
            if not t.quote[t.bounds[ahead][0]]:
                return _UNKNOWN
        return last or _UNKNOWN


def _kind(tokens: Tokens, content: Span) -> Literal["direct", "indirect", "mixed"]:
    marks = [bool(tokens.quote[i]) for i in tokens.within(content) if tokens.words[i][0].isalnum()]
    return "direct" if marks and all(marks) else "mixed" if any(marks) else "indirect"


def sentence_speakers(article: Article, spans: Sequence[Span], statements: Sequence[Statement]) -> list[str | None]:
    """For each sentence of ``article``: the one whose words it reports, "" where that is unsure or more than one,
    None where it reports nobody's.
    """
    starts = [span.start for span in spans]
    heard: list[set[str]] = [set() for _ in spans]
    for statement in statements:
        first = max(0, bisect_right(starts, statement.content.start) - 1)
        for i in range(first, len(spans)):
            if spans[i].start >= statement.content.end:
                break
            if spans[i].overlaps(statement.content):
                heard[i].add(statement.speaker)
    return [None if not names else next(iter(names)) if len(names) == 1 else "" for names in heard]

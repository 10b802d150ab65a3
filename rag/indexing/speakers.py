"""Whose words an article reports.

``cues`` finds what is reported; here it is decided who said it. Surnames, roles and pronouns are resolved within the
article, and quotations are carried over sentence and paragraph breaks. Words in the wrong mouth are worse than words
without a speaker, so whatever stays open between two people is left open (speaker "").
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Literal

import regex

from rag.indexing.attribution import Attribution, Tagged
from rag.indexing.cues import Found, Tokens, find_in
from rag.indexing.links import link
from rag.indexing.names import core, in_order, name_tokens
from rag.indexing.speech_words import (
    AFFILIATIONS,
    ANYBODY,
    ASKERS,
    ATTRIBUTIVE,
    BE,
    BODIES,
    COURTESY,
    DEEDS,
    DETERMINERS,
    FEMALE,
    GROUPS,
    HE,
    INSTITUTIONS,
    KIN,
    KIN_MEN,
    KIN_WOMEN,
    MALE,
    MEN,
    OCCUPATIONS,
    PARTICLES,
    PREPOSITIONS,
    PRONOUNS,
    ROLES,
    SHE,
    SPECIFIC,
    SURNAMES,
    THINGS,
    VERBS,
    VESSELS,
    WOMEN,
)
from rag.indexing.speeches import Speech, speeches
from rag.records import Article, Manner, Span, Statement

_WORK, _OFFICES = ROLES | OCCUPATIONS, SPECIFIC | OCCUPATIONS
_MEN_ONLY, _WOMEN_ONLY = MALE | KIN_MEN | {"man"}, FEMALE | KIN_WOMEN | {"woman"}
_CAMEL = regex.compile(r"^(?!Mc|Mac|De|Di|La|Le|Du|Van|Fitz|O)\p{Lu}\p{Ll}+\p{Lu}")  # VerGrid, not McConnell
_AGENCIES = frozenset(
    ["Reuters", "Xinhua", "Tass", "Interfax", "Bloomberg", "Politico", "Axios", "Twitter", "Facebook"]
)
_OUTLETS = regex.compile(
    r"(?i)\b(?:reuters|xinhua|ap|afp|tass|ria|bloomberg|cnn|bbc|nbc|abc|cbs|npr|msnbc|politico|axios|fox news|media|news agency"
    r"|newspapers?|times|post|journal|guardian|telegraph|tribune|herald|news|daily|magazine|reports?|interfax|associated press)\b"
)


_SEAT = regex.compile(r"[RDI]-\p{Lu}")  # a member's party and state


@dataclass(slots=True)
class _Person:
    """Somebody the article names. ``titles`` are the lower-case role words that were seen with the name."""

    name: str
    words: Sequence[str]
    first: int  # the token of the first mention
    sure: (
        bool  # a title, a known given name, an age or reported speech makes it a person; a capitalised phrase does not
    )
    body: bool = False  # "the company VerGrid": it may speak, but no "she" stands for it
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

    def __init__(self, tokens: Tokens, outlets: Iterable[str] = ()) -> None:
        self.t = tokens
        self.bodies = {tuple(name_tokens(outlet)) for outlet in outlets}
        self.spelled: dict[tuple[int, int], tuple[str, ...]] = {}
        self.people: list[_Person] = []
        self.by_word: dict[str, list[_Person]] = {}
        self.things: list[tuple[int, str]] = []
        self.mentions: list[tuple[int, int, _Person | None]] = []  # start, end, who (None: one of several), by position
        self.runs = [run for first, last in tokens.bounds for run in _runs(tokens, first, last)]
        self.starts = [run.start for run in self.runs]
        self.bodies |= {self.words(run) for run in self.runs if run.kind == "unknown" and self.is_body(run)}
        self.bodies -= {words for words in self.bodies if words[:1] and (words[0] in MEN or words[0] in WOMEN)}
        for run in self.runs:
            self.introduce(run)
        self.surnames_speak()
        self.pairs()
        self.late = {run.start: run for run in self.runs}
        for run in self.runs:
            if run.kind != "role" and (who := self.candidates(run)):
                self.mentions.append((run.start, run.end, who[0] if len(who) == 1 else None))
                if len(who) == 1 and not who[0].gender and run.name > run.start:
                    titles = set(tokens.lower[run.start : run.name])
                    who[0].gender = "she" if titles & FEMALE else "he" if titles & MALE else ""
        self.mention_starts = [start for start, _, _ in self.mentions]
        self.learn_gender()

    def introduce(self, run: _Run) -> None:
        t = self.t
        if run.kind == "thing":
            self.things.append((run.start, t.flat(run.name, run.end)))
            return
        if run.kind == "role":
            return
        words: Sequence[str] = list(self.words(run))
        if not words:
            return
        titles = {t.lower[i] for i in range(run.start, run.name)}
        k = run.start - 1
        while k >= 0 and run.start - k <= 4 and (t.lower[k] in _WORK or t.lower[k] in ("campaign", "former", "ex")):
            titles.add(t.lower[k])
            k -= 1
        if "former" in titles or "ex" in titles or (run.start and t.lower[run.start - 1].startswith(("former", "ex-"))):
            held = titles - COURTESY - {"former", "ex"}
            titles = {f"former {title}" for title in held} | (titles & COURTESY)
        before = t.lower[run.start - 1] if run.start else ""
        behind = t.lower[run.end] if run.end < len(t.words) else ""
        if behind == ",":
            titles |= self.appositive(run.end)
        if before == ",":
            titles |= self.office(run)
        ship = before in VESSELS and run.name == run.start  # "his trawler Annie Grace"
        sure = (run.kind == "person" and not ship) or bool({x.removeprefix("former ") for x in titles} & _WORK)
        kin = self.kin(run) if before == "," or before in KIN else ""
        told = before in (",", "named") or behind in (",", "who", "whose", "whom")
        sure = sure or kin != "" or (told and self.is_human(run))
        gender = "she" if titles & FEMALE or kin in KIN_WOMEN else "he" if titles & MALE or kin in KIN_MEN else ""
        if not gender and len(words) > 1:
            gender = "he" if words[0] in MEN else "she" if words[0] in WOMEN else ""
        person = self.known(words, gender)
        if person is None:
            if len(words) == 1 and not sure:
                return
            if len(words) == 1 and self.by_word.get(words[0]):
                return  # a bare surname of somebody named before, or of several: no new person
            person = self.meet(t.flat(run.name, run.end), words, run.start, sure)
            person.body = person.body or ship
        elif len(words) > len(person.words):
            for word in {words[0], words[-1]} - {person.words[0], person.words[-1]}:
                self.by_word.setdefault(word, []).append(person)
            person.name, person.words = t.flat(run.name, run.end), words
        person.sure = person.sure or sure
        person.gender = person.gender or gender
        person.titles |= titles & _OFFICES | {x for x in titles if x.startswith("former ")}
        person.courtesy |= titles & COURTESY

    def words(self, run: _Run) -> tuple[str, ...]:
        """The words of a phrase's name, folded for comparison."""
        place = (run.name, run.end)
        if (found := self.spelled.get(place)) is None:
            found = self.spelled[place] = self.fold(run)
        return found

    def fold(self, run: _Run) -> tuple[str, ...]:
        return (*core(name_tokens(" ".join(self.t.words[run.name : run.end]))),)

    def is_body(self, run: _Run) -> bool:
        """Whether the words around a name are those around an organisation's or a place's."""
        t = self.t
        before = t.lower[run.start - 1] if run.start else ""
        if before in BODIES or (before == "the" and run.name == run.start):
            return True
        if run.end - run.start == 1:
            word = t.words[run.start]
            if (not word[1:].islower() and _CAMEL.search(word)) or word in _AGENCIES:
                return True
        if run.end < len(t.words) and t.lower[run.end] not in (",", "which", "reported", "reports"):
            return False
        after = t.lower[run.end : run.end + 9]
        if after[:1] in (["which"], ["reported"], ["reports"]) or after[:2] == [",", "which"]:
            return True
        if after[:2] not in ([",", "the"], [",", "a"], [",", "an"]):
            return False
        # "the records company attacked by hackers": the head of the phrase, up to what qualifies it.
        noun = next((k for k in range(2, len(after)) if after[k] in BODIES and not t.name(run.end + k)), 0)
        ahead = after[2 : noun + 2]
        return noun > 0 and not any(w in ROLES or w in OCCUPATIONS or w in PREPOSITIONS or w == "who" for w in ahead)

    def is_human(self, run: _Run) -> bool:
        """An age or a "who" behind the name; "named X"; "One of them, X, …"."""
        t = self.t
        if run.start and t.lower[run.start - 1] == "named":
            return True
        if run.start > 2 and t.words[run.start - 1] == "," and run.end - run.name > 1:
            lead = t.lower[max(0, run.start - 8) : run.start - 1]
            opens = max((k for k in range(len(lead) - 1) if lead[k] == "one" and lead[k + 1] == "of"), default=-1)
            if opens >= 0 and not any(word in BODIES or not word[0].isalpha() for word in lead[opens:]):
                return True
        if run.end < len(t.words) and t.lower[run.end] not in (",", "who", "whose", "whom"):
            return False
        after = t.lower[run.end : run.end + 3]
        who = after[1:2] if after[:1] == [","] else after[:1]
        if who and who[0] in ("who", "whose", "whom"):
            # "the ambassador to Libya who", "voters in New York who"
            before = t.lower[run.start - 1] if run.start else ""
            return before not in ("in", "at", "near") and (before not in PREPOSITIONS or run.end - run.name > 1)
        return len(after) == 3 and after[0] == after[2] == "," and after[1].isdigit() and len(after[1]) < 3

    def kin(self, run: _Run) -> str:
        """The "brother" of "her brother Fergal Corrigan", "her brother, Fergal"."""
        t = self.t
        k = run.start - 1
        k -= k > 0 and t.words[k] == ","
        if k < 0 or t.lower[k] not in KIN:
            return ""
        owned = k > 0 and (t.lower[k - 1] in ("his", "her", "their", "’s", "'s") or t.lower[k - 1] in KIN)
        return t.lower[k] if owned or k == run.start - 1 else ""

    def surnames_speak(self) -> None:
        """Who speaks by surname alone is a person: companies are shortened to their first word."""
        t = self.t
        for run in self.runs:
            if run.end - run.name != 1 or run.kind != "unknown" or t.quote[run.start]:
                continue
            after = VERBS.get(t.lower[run.end]) if run.end < len(t.words) else None
            before = VERBS.get(t.lower[run.start - 1]) if run.start else None
            if any(verb and verb.saying and verb.form in ("past", "third") for verb in (after, before)):
                word = self.words(run)
                for person in self.by_word.get(word[0], ()) if word else ():
                    if len(person.words) > 1 and person.words[-1] == word[0] and not person.body:
                        person.sure = True

    def pairs(self) -> None:
        """In "Alice Park and Ida Quist" both are people if one is."""
        t = self.t
        for a, b in pairwise(self.runs):
            if b.start == a.end + 1 and t.lower[a.end] == "and" and "unknown" in (a.kind, b.kind):
                both = [who[0] for run in (a, b) if len(who := self.candidates(run)) == 1]
                if len(both) == 2 and any(p.sure for p in both) and all(len(p.words) > 1 and not p.body for p in both):
                    both[0].sure = both[1].sure = True

    def meet(self, name: str, words: Sequence[str], first: int, sure: bool = False) -> _Person:
        person = _Person(name, words, first, sure, body=not sure and tuple(words) in self.bodies)
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

    def office(self, run: _Run) -> set[str]:
        """The role words of "Its chief executive, Anton Leclair,": a title, a comma and a whole name."""
        t = self.t
        comma = run.start - 1
        if comma < 2 or t.words[comma] != "," or run.start != run.name or run.end - run.name < 2:
            return set()
        if run.end < len(t.words) and t.words[run.end] not in ",.;:":
            return set()
        titles: set[str] = set()
        for k in range(comma - 1, max(-1, comma - 13), -1):
            if t.words[k] in ",.;:" or t.quote[k]:
                return titles if t.words[k] in '.”"' else set()
            if t.lower[k] in PREPOSITIONS:
                titles.clear()  # "the director of the museum, Ottoline Grey": the head stands further left
            elif t.lower[k] in ROLES or t.lower[k] in OCCUPATIONS:
                titles.add(t.lower[k])
            elif t.lower[k] in DETERMINERS and titles:
                return titles
        return set()

    def interviewee(self, place: int, article: Article) -> _Person | None:
        """Whom an interview introduces before its first question, at token ``place``."""
        named = [p for p in self.people if p.first < place and len(p.words) > 1 and not p.body]
        titled = [p for p in named if p.name in article.title]
        if len(titled) == 1:
            return titled[0]
        named = [p for p in named if p.name not in article.byline and not p.titles & ASKERS]
        return named[0] if len(named) == 1 else None

    def appositive(self, end: int) -> set[str]:
        """The role words of "…, the Russian foreign minister," right behind a name."""
        t = self.t
        if end + 2 >= len(t.words) or t.words[end] != ",":
            return set()
        if t.words[end + 1].isdigit() and t.words[end + 2] == ",":  # an age
            return self.appositive(end + 2)
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
            owner = t.lower[i + 1 : i + 2] in (["’s"], ["'s"])  # "Thornby's mayor"
            if t.name(i) and word not in ROLES and word not in AFFILIATIONS and i == end + 1 and not owner:
                return set()
            if word in ROLES or word in OCCUPATIONS:
                titles.add(former + word)
        return titles

    def candidates(self, run: _Run) -> list[_Person]:
        """Everybody a capitalised phrase can stand for."""
        t = self.t
        words = self.words(run)
        if not words or run.kind == "thing":
            return []
        titles = {t.lower[i] for i in range(run.start, run.name)}
        if len(words) > 1:
            return [p for p in self.by_word.get(words[-1], ()) if len(p.words) > 1 and _same(words, p.words)]
        # Only people the reader has met by now, unless there are none yet.
        word = next(iter(words))
        named = self.by_word.get(word, [])
        by_surname = [p for p in named if p.words[-1] == word] or [p for p in named if p.words[0] == word]
        if any(p.words[0] == word and p.words[-1] != word and len(p.words) == 2 and p.gender == "" for p in named):
            by_surname = named  # a surname-first name ("Wang Yi") beside a surname-last one
        met = [p for p in by_surname if p.first <= run.start] or by_surname
        gender = "she" if titles & FEMALE else "he" if titles & MALE else ""
        if gender and len(met) == 1 and met[0].gender not in ("", gender):
            return []  # "Mr. Clinton", where only Hillary Clinton has been named
        if len(met) > 1:
            if gender:
                met = [p for p in met if p.gender == gender] or [p for p in met if not p.gender]
            elif special := titles & SPECIFIC:
                met = [p for p in met if p.titles & special]
        return met

    def learn_gender(self) -> None:
        """A pronoun in a sentence that names one person only, or at the head of the next, tells that person's gender;
        contradictions cancel.
        """
        t = self.t
        votes: dict[int, list[int]] = {}
        place = 0
        only: _Person | None = None  # whom the sentence before names, if it is one
        for sentence, (first, last) in enumerate(t.bounds):
            before = only if sentence and t.paragraph[sentence] == t.paragraph[sentence - 1] else None
            names: list[tuple[int, int, _Person | None]] = []
            while place < len(self.mentions) and self.mentions[place][0] < last:
                names.append(self.mentions[place])
                place += 1
            person = names[0][2] if names else None
            only = None if any(other is not person for *_, other in names) else person
            opens = t.lower[first] if first < last and not t.quote[first] else ""
            if before is not None and not before.gender and before.sure and opens in ("he", "she"):
                votes.setdefault(id(before), [0, 0])[opens == "she"] += 1
            if only is None or only.gender:
                continue
            for i in range(names[0][1], last):
                if not t.quote[i] and (t.lower[i] in HE or t.lower[i] in SHE):
                    votes.setdefault(id(only), [0, 0])[t.lower[i] in SHE] += 1
        for person in self.people:
            he, she = votes.get(id(person), (0, 0))
            if not person.gender and (he == 0) != (she == 0):
                person.gender = "he" if he else "she"

    def around(self, start: int, end: int) -> _Run | None:
        """The phrase that ends with these tokens, the "Sheriff’s Office" around an "Office"."""
        place = bisect_left(self.starts, start) - 1
        return self.runs[place] if place >= 0 and self.runs[place].end == end else None

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
            if t.name(i) and not _begins_again(t, start, i):
                i += 1
            elif (then := _past_particles(t, i, last)) or (then := _past_owner(t, start, i, last)):
                i = then
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
                end = i + 2 + (t.lower[i + 1] == "the")
                while end < last and t.name(end) and not (t.lower[end] in ROLES and end + 1 < last and t.name(end + 1)):
                    end += 1  # up to whom it employs: "Department of Health Commissioner Sarah Strom"
                yield _Run(start, start, end, "thing")
                i = end
                continue
        yield _run(t, start, i)


def _past_particles(t: Tokens, i: int, last: int) -> int:
    """Behind the name that "von der" or "de" at token ``i`` lead to; 0 where they lead to none."""
    end = i
    while end < last and t.lower[end] in PARTICLES and end - i < 3:
        end += 1
    return end + 1 if i < end < last and t.name(end) else 0


def _past_owner(t: Tokens, start: int, i: int, last: int) -> int:
    """Behind the body whose name goes on after a "’s" at token ``i``: "the Shelby County Sheriff’s Office"; else 0."""
    owned = t.lower[i] in ("’s", "'s") and i + 1 < last and t.name(i + 1) and t.lower[i + 1] in BODIES & THINGS
    return i + 2 if owned and i - start > 1 and t.lower[i - 1] in ROLES else 0


def _begins_again(t: Tokens, start: int, i: int) -> bool:
    """Whether a name has ended and token ``i`` begins the next, as where a caption lost its full stop: "Photos: Boris
    Johnson Johnson, 21, speaks", "Tennis legend Serena Williams Serena Williams waves".
    """
    if i - start < 2:
        return False
    return t.lower[i] == t.lower[i - 1] or t.lower[i : i + 2] == t.lower[i - 2 : i]


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
    while name < end - 1 and (
        t.lower[name] in AFFILIATIONS
        or (name < end - 2 and (t.lower[name] in OCCUPATIONS or t.lower[name].endswith("-year-old")))
    ):
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

    def __init__(self, tokens: Tokens, article: Article | None = None) -> None:
        self.t = tokens
        outlets = (article.outlet, article.agency, article.source) if article else ()
        self.people = _People(tokens, [name for name in outlets if name])
        self.spoke: dict[int, _Voice] = {}  # the last voice of each sentence that reports speech
        self.nameless: dict[int, str] = {}  # the sentences in which "a spokeswoman", "the author" speaks: by which noun

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
                if person is not None and not person.gender:
                    person.gender = "he" if word == "he" else "she"  # from here on no "she" stands for him
                return _Voice(person.name, person) if person else _UNKNOWN
            if word == "who" and start:
                return self.antecedent(start)
            if word == "it":
                return self.institution_before(found.sentence)
            return _UNKNOWN
        voice = self.phrase(start, end)
        # "The governor" may well be somebody named before whom the rules do not know as one; "a spokeswoman" is not.
        if voice is _UNKNOWN and word in DETERMINERS and word not in ("the", "that", "this", "these", "those"):
            stop = next(
                (i for i in range(start + 1, end) if self.t.lower[i] in PREPOSITIONS or self.t.words[i] == ","), end
            )
            noun = self.t.lower[stop - 1]
            if noun in ("reporter", "correspondent", "host", "anchor", "presenter", "interviewer"):
                return voice  # "A reporter asked how it went. He replied …"
            if noun in ROLES or noun in OCCUPATIONS or noun in KIN or noun in ("man", "woman", "official", "source"):
                self.nameless[found.sentence] = noun
        return voice

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
        named = next((run for run in runs if run.start == stop + 1), None)
        whole = named is not None and named.kind == "unknown" and named.end == end > named.start + 1
        if named is not None and (whole or named.kind == "person"):
            return self.run(named)  # "the minister, Sergei Lavrov"
        return self.common(start, link, head, link < stop)

    def runs(self, start: int, end: int) -> list[_Run]:
        found = [self.people.late[i] for i in range(start, end) if i in self.people.late]
        if not found and (around := self.people.around(start, end)):
            return [around]
        if not found and any(self.t.name(i) for i in range(start, end)):
            found = list(_runs(self.t, start, end))
        return found

    def run(self, run: _Run) -> _Voice:
        t = self.t
        if run.kind == "role":
            return self.role({t.lower[i] for i in range(run.start, run.end)}, run.start)
        name = " ".join(t.words[run.name : run.end])
        if run.start and _SEAT.match(name):
            return self.antecedent(run.start)  # "Sen. John Strand, R-Texas, said"
        if run.kind == "thing":
            return _Voice(t.flat(run.name, run.end))
        found = self.people.candidates(run)
        if len(found) == 1:
            return _Voice(found[0].name, found[0])
        if found:
            return _UNKNOWN
        words = name_tokens(name)
        if not words or (len(words) == 1 and self.people.by_word.get(words[0])):
            return _UNKNOWN
        if run.kind == "unknown" or run.kind == "person":
            person = self.people.meet(t.flat(run.name, run.end), words, run.start)
            return _Voice(person.name, person)
        return _Voice(t.flat(run.name, run.end))

    def label(self, start: int, end: int, title: str) -> _Voice:
        """The voice of a transcript's label: the name may stand in full in the text or only in the title."""
        t = self.t
        words = tuple(core(name_tokens(" ".join(t.words[start:end]))))
        if not words or set(words) <= ANYBODY:
            return self.role(set(t.lower[start:end]), len(t.words))
        found = [p for p in self.people.by_word.get(words[-1], ()) if len(p.words) > 1 and p.words[-1] == words[-1]]
        found = [p for p in found if len(words) == 1 or _same(words, p.words)]
        if found:
            return _Voice(found[0].name, found[0]) if len(found) == 1 else _UNKNOWN
        if len(words) == 1:
            spelled = [word.strip(",.:;“”\"'‘’?!()") for word in title.split()]
            full = {
                f"{first} {last}"
                for first, last in pairwise(spelled)
                if tuple(name_tokens(last)) == words and first[:1].isupper() and name_tokens(first)
            }
            if len(full) == 1:
                return _Voice(full.pop())
        return _Voice(t.flat(start, end))

    def believed(self, spoken: list[Speech], article: Article) -> list[Speech]:
        """The speeches, without turns whose labels are in small letters and name nobody of whom the article tells:
        "Details: …", "Best: …", "Memphis: …" in a list of addresses. Somebody has to be known who speaks twice, and a third
        of the turns have to be of those who are: by a full name in the text, as an author, or by a common given name.
        """
        t = self.t
        labels = Counter(" ".join(t.words[slice(*s.label)]) for s in spoken if s.kind == "turn" and s.label is not None)
        if all(label.isupper() for label in labels):
            return spoken
        authors = {word for author in article.byline for word in name_tokens(author)}
        known: list[int] = []
        for label, turns in labels.items():
            words = core(name_tokens(label))
            if not words:
                continue
            by_surname = [p for p in self.people.by_word.get(words[-1], ()) if p.words[-1] == words[-1]]
            whole = any(len(p.words) > len(words) and words[0] in (words[-1], p.words[0]) for p in by_surname)
            given = len(words) > 1 and (words[0] in MEN or words[0] in WOMEN)
            if whole or given or words[-1] in authors or set(words) <= ANYBODY:
                known.append(turns)
        if max(known, default=0) > 1 and 3 * sum(known) >= labels.total():
            return spoken
        return [s for s in spoken if s.kind != "turn"]

    def own_words(self, speech: Speech, article: Article, opening: int) -> _Voice:
        """Whose words a turn, an answer or a letter are; ``opening`` is the token at which the first of them begins."""
        if speech.label is None:
            person = self.people.interviewee(opening, article)
            return _Voice(person.name, person) if person else _UNKNOWN
        start, end = speech.label
        if speech.kind == "turn":
            return self.label(start, end, article.title)
        while start < end - 1 and self.t.lower[start] in ROLES:
            start += 1
        return _Voice(self.t.flat(start, end))

    def common(self, start: int, end: int, head: list[_Run], qualified: bool) -> _Voice:
        """The voice of "the minister", "the foreign ministry", "the Clinton campaign"; ``qualified``: "… of somewhere"."""
        t = self.t
        if end <= start:
            return _UNKNOWN
        noun = t.lower[end - 1]
        definite = t.lower[start] in ("the", "that", "this")
        if noun in INSTITUTIONS:
            if head and head[-1].end == end - 1 and (definite or head[-1].start == start):
                return _Voice(t.flat(head[-1].start, end))  # "the Clinton campaign"
            if not definite:
                return _UNKNOWN
            return self.institution(start + 1, end)
        if (
            definite
            and (noun in SPECIFIC or (noun in OCCUPATIONS and noun not in BODIES and not qualified))
            and not head
        ):
            former = any(t.lower[i].startswith(("former", "ex-")) for i in range(start, end))
            return self.role({("former " if former else "") + noun}, start)
        return _UNKNOWN

    def role(self, words: set[str], place: int) -> _Voice:
        """The one person introduced so far under the role."""
        wanted = {w for w in words if w in SPECIFIC or w in OCCUPATIONS or w.startswith("former ")}
        if not wanted:
            return _UNKNOWN
        found = [p for p in self.people.people if p.first < place and wanted <= p.titles]
        return _Voice(found[0].name, found[0]) if len(found) == 1 else _UNKNOWN

    def institution(self, start: int, end: int) -> _Voice:
        """The one organisation named so far that "the ministry" can be, or the phrase itself."""
        wanted = self.t.lower[start:end]
        names = {name for at, name in self.people.things if at < start and _contains(name.lower().split(), wanted)}
        if len(names) > 20:
            return _UNKNOWN
        names = {name for name in names if not any(name != other and name in other for other in names)}
        if len(names) == 1:
            return _Voice(names.pop())
        return _Voice(self.t.flat(start, end)) if not names and end - start > 1 else _UNKNOWN

    def institution_before(self, sentence: int) -> _Voice:
        """The "it" of "…, it added": the organisation that spoke in the sentence before."""
        voice = self.spoke.get(sentence) or self.spoke.get(sentence - 1)
        return voice if voice and voice.name and (voice.person is None or voice.person.body) else _UNKNOWN

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
        unsure: list[_Person] = []
        for sentence in range(found.sentence - 1, max(-1, found.sentence - 8), -1):
            if t.paragraph[found.sentence] - t.paragraph[sentence] > 3:
                break
            start, end = t.bounds[sentence]
            named = people.named_in(start, end)
            spoke = self.spoke.get(sentence)
            if spoke is not None:
                if spoke.person is not None and _suits(spoke.person, word):
                    return spoke.person
                noun = self.nameless.get(sentence)
                if noun is not None and noun not in (_MEN_ONLY if word == "she" else _WOMEN_ONLY):
                    return None
                if spoke.person is None and not spoke.name and not named and self.all_quoted(sentence):
                    return None
            person, settled = self.choose(named, word)
            if settled:
                return person
            unsure += [p for at, stop, p in named[:1] if p is not None and not p.sure and self.acts(start, at, stop)]
        # Nobody who is surely a person, but a full name that opens a sentence: "Ingrid Solheim came to the shed. She …"
        one = unsure[0] if unsure and all(p is unsure[0] for p in unsure) else None
        fits = one is not None and len(one.words) > 1 and not one.body and one.gender in ("", word)
        return one if fits else None

    def paired(self, conjunction: int, named: list[tuple[int, int, _Person | None]], word: str) -> bool:
        """Whether "and" joins a name to another that the pronoun suits as well."""
        return any(p is None or _suits(p, word) for start, _, p in named if start == conjunction + 1)

    def acts(self, first: int, start: int, end: int) -> bool:
        """Whether a name heads its sentence and does something: "Ingrid Solheim came", "In Lodvar, Ingrid Solheim left"."""
        t = self.t
        heads = start == first or (t.words[start - 1] == "," and t.lower[first] in PREPOSITIONS)
        following = t.lower[end] if end < len(t.words) else "."
        return heads and following in DEEDS

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
            if following == "and" and len(named) > 1 and (_suits(person, word) and self.paired(end, named, word)):
                return None, True
            if _suits(person, word) and not any(person is other for other in fitting):
                fitting.append(person)
        if len(fitting) > 1:
            # The first one named, if the pronoun is known to be that one's alone, else it is a guess.
            known = [p for p in fitting if p.gender == word]
            return (known[0] if known == fitting[:1] else None), True
        return (fitting[0], True) if fitting else (None, False)


def _suits(person: _Person, pronoun: str) -> bool:
    return person.sure and not person.body and person.gender in ("", pronoun)


def _contains(words: Sequence[str], wanted: Sequence[str]) -> bool:
    rest = iter(words)
    return all(any(w == x for w in rest) for x in wanted)


@dataclass(frozen=True, slots=True)
class Introduced:
    """Somebody whom an article names in full. ``titles`` are the lower-case words for what they do, as given beside the
    name; ``told`` is the sentence of the first mention.
    """

    name: str
    titles: frozenset[str]
    told: str


def introduced(article: Article, spans: Sequence[Span]) -> list[Introduced]:
    """The people of an article with what it says they are, in the order in which it introduces them."""
    tokens = Tokens(article.text, spans)
    found: list[Introduced] = []
    for person in _People(tokens).people:
        if len(person.words) > 1 and not person.body:
            sentence = bisect_right(tokens.bounds, person.first, key=lambda bound: bound[0]) - 1
            told = spans[sentence].of(article.text)
            found.append(Introduced(person.name, frozenset(person.titles), told))
    return found


def statements(article: Article, spans: Sequence[Span], tags: Sequence[Tagged] | None = None) -> list[Statement]:
    """Everything that ``article`` reports somebody as saying, in reading order; ``spans`` are its sentences.

    ``tags`` are what the attribution head found, None where it did not read the article: it says how sure each statement
    is; of an article that it is unsure of, or of another language than English, nobody is named.
    """
    tokens = Tokens(article.text, spans)
    resolver = _Resolver(tokens, article)
    spoken = resolver.believed(speeches(tokens), article)
    covered = {sentence for speech in spoken for sentence in range(speech.first, speech.last)}
    found = find_in(tokens, covered)
    heard = link(article.text, tags, [span.start for span in spans]) if tags is not None else None
    made = [weighed(statement, article, heard) for statement in _link(article, resolver, found, spoken)]
    if article.language not in ("", "en") or _unsure(tags or ()):
        return [replace(s, speaker="", confidence=min(s.confidence, DOUBTFUL)) for s in made]
    return made


def _unsure(tags: Sequence[Tagged]) -> bool:
    """Whether the head can make nothing of an article: prose unlike that which it was trained on."""
    cues = [run.sure for run in tags if run.role == "cue"]
    return len(cues) >= FEW and sum(cues) / len(cues) < SURE


def _link(article: Article, resolver: _Resolver, found: Sequence[Found], spoken: Sequence[Speech]) -> list[Statement]:
    tokens = resolver.t
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
    covered: set[int] = set()
    made: list[Statement] = []
    for speech in spoken:
        covered |= set(range(speech.first, speech.last))
        if speech.kind != "question":
            voice = resolver.own_words(speech, article, tokens.bounds[spoken[0].first][0])
            made += _own_words(article, tokens, speech, voice)
    carried = _Carrier(tokens, voiced, covered).voices()
    for sentence, span in enumerate(tokens.spans):
        for item, voice in voiced[sentence]:
            kind = _kind(tokens, item.content)
            made.append(Statement(article.id, voice.name, item.content, item.cue, item.source, kind))
        if (voice := carried[sentence]) is not None:
            made.append(Statement(article.id, voice.name, span, kind=_kind(tokens, span)))
    return sorted(made, key=lambda statement: statement.content.start)


# What a statement is worth that the head was not asked about, and one that the head has not found.
UNASKED, ALONE = 0.75, 0.5
# The most that a statement of another language, or of an article that the head is unsure of, is worth. Unsure is a mean
# probability of the cues below SURE, of FEW cues or more.
DOUBTFUL, SURE, FEW = 0.25, 0.6, 3

_REFUSED = regex.compile(
    r"(?i)\b(?:declin|refus)(?:ed|es|ing|e) to\b|\b(?:would|will|could|did|does|has|have|had) (?:not|n[’']t) (?:yet )?"
    r"(?:say|said|comment|commented|discuss|answer|answered|respond|responded|reply|confirm|elaborate|specify|disclose)\b"
)
_DENIED = regex.compile(
    r"(?i)\b(?:den(?:y|ies|ied|ying)|disput(?:e|es|ed|ing)|reject(?:s|ed|ing)?|dismiss(?:es|ed|ing)?|refut(?:es|ed)|ruled out"
    r"|(?:not|never|n[’']t) (?:said|say|think|believe|claimed|claim|know|thought|believed))\b"
)
_EXPECTED = regex.compile(
    r"(?i)\b(?:(?:is|are|was|were) (?:expected|due|set|likely|scheduled|poised) to|will|would|plans? to|may|might)\b[^.;]{0,20}$"
)


def manner_of(text: str, cue: Span | None) -> Manner:
    """What the cue makes of its content, to judge by its own words and those right before it."""
    if cue is None:
        return "stated"
    before = text[max(0, cue.start - 40) : cue.start]
    clause = regex.split(r"[.;!?”\"]|\n", before)[-1]
    near = " ".join(clause.split()[-3:]) + " " + cue.of(text)
    if _REFUSED.search(f"{near}{text[cue.end : cue.end + 20]}"):
        return "refused"
    if _DENIED.search(near):
        return "denied"
    if _EXPECTED.search(f"{clause.rstrip()} ".removesuffix(" ")) or _EXPECTED.match(cue.of(text)):
        return "expected"
    return "stated"


def weighed(statement: Statement, article: Article, heard: Sequence[Attribution] | None) -> Statement:
    """The statement with its manner, and with what the head makes of it."""
    manner = manner_of(article.text, statement.cue)
    if heard is None:
        return replace(statement, manner=manner, confidence=UNASKED)
    same = [a for a in heard if any(s.overlaps(statement.content) for s in a.content)]
    by_cue = [a for a in same if statement.cue and any(c.overlaps(statement.cue) for c in a.cue)]
    if not same:
        return replace(statement, manner=manner, confidence=ALONE)
    best = max(by_cue or same, key=lambda a: a.sure)
    return replace(statement, manner=manner, confidence=0.5 + 0.5 * best.sure)


def _own_words(article: Article, tokens: Tokens, speech: Speech, voice: _Voice) -> Iterable[Statement]:
    """One statement for each sentence of a speech; a turn's first one has its label as source and the colon as cue."""
    cue, source = None, None
    if speech.kind == "turn" and speech.label is not None:
        source, cue = tokens.span(*speech.label), tokens.span(speech.label[1], speech.label[1] + 1)
    for sentence in range(speech.first, speech.last):
        first, last = tokens.bounds[sentence]
        start, end = max(first, speech.start), min(last, speech.end)
        if any(tokens.words[i][0].isalnum() for i in range(start, end)):
            yield Statement(article.id, voice.name, tokens.span(start, end), cue, source, "direct")
            cue = source = None


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
            # "the owner, Magnus Thorne, had asked": no new clause
            named = inner.source is not None and inner.source.start == start and text.startswith(",", inner.source.end)
            aside = named and text[start - 2 : start] == ", "
            if start - outer.content.start > 2 and not aside and _JOINT.search(text, outer.content.start, start):
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

    def __init__(self, tokens: Tokens, voiced: list[list[tuple[Found, _Voice]]], covered: Container[int]) -> None:
        self.t, self.voiced, self.covered = tokens, voiced, covered
        self.by_quotation = self.quotations()

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
        spoken, led = 0, _UNKNOWN  # a "he said:" speaks up to here
        for sentence, (first, end) in enumerate(t.bounds):
            begins = sentence == 0 or t.paragraph[sentence] != t.paragraph[sentence - 1]
            if sentence in self.covered:
                last = None
                out.append(None)
                continue
            pairs = self.voiced[sentence]
            if t.spans[sentence].start < spoken:
                last = led
                out.append(None)
                continue
            if pairs:
                if pairs[-1][0].content.start >= t.spans[sentence].end:
                    spoken, led = pairs[-1][0].content.end, pairs[-1][1]
                last = pairs[-1][1] if len({v.name for _, v in pairs}) == 1 else _UNKNOWN
                out.append(None)
                continue
            if not any(t.quote[first:end]):
                last = None
                out.append(None)
                continue
            marks = [t.quote[i] for i in range(first, end) if t.quote[i] and t.words[i][0].isalnum()]
            plain = sum(1 for i in range(first, end) if not t.quote[i] and t.words[i][0].isalnum())
            voice: _Voice | None = None
            if marks and (known := [self.by_quotation[m] for m in set(marks) if m in self.by_quotation]):
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

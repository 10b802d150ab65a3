"""Reported speech as it stands in a sentence: who is named as its source, which words report it, and what was said.

Rules over reporting verbs and quotation marks. Nobody is identified here; that is ``speakers``.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Container, Sequence
from dataclasses import dataclass

import regex

from rag.indexing.speech_words import (
    ADVERBS,
    AFFILIATIONS,
    AUXILIARIES,
    BE,
    CLAUSE_STARTS,
    DETERMINERS,
    HE,
    INSTITUTIONS,
    KIN,
    MODALS,
    NEGATION,
    NOT_NAMES,
    NOUNISH,
    PARTICLES,
    PHRASAL,
    PLURALS,
    PREPOSITIONS,
    PRONOUNS,
    ROLES,
    SECTIONS,
    SHE,
    SPEAKING,
    SPECIFIC,
    TAIL_STARTS,
    THINGS,
    TIME,
    VERBS,
    Verb,
)
from rag.records import Span

# A trailing period belongs to a word in initials ("J.", "U.S.") and in the titles that carry a name.
_TOKEN = regex.compile(
    r"(?:\p{Lu}\.)+(?!\p{L})|\b(?:Mr|Mrs|Ms|Dr|Sens?|Reps?|Gov|Gen|Lt|Col|Sgt|Maj|Prof|Rev|St|Jr|Sr|Adm|Capt|Hon|Inc|Corp|Co|Ltd|Esq)\."
    r"|['’](?:s|re|ve|d|ll|m)\b"
    r"|\p{L}[\p{L}\p{M}\p{N}]*+(?:(?:[-‑.]|['’](?!(?:s|re|ve|d|ll|m)\b))[\p{L}\p{N}][\p{L}\p{M}\p{N}]*+)*+"
    r"|\p{N}++(?:[.,]\p{N}++)*+(?:-[\p{L}\p{N}]++)*+|--|''|``|\S"
)
# Tokens of a sentence. Longer ones are lists and code, not prose, and the rules look around freely within a sentence.
_LONGEST = 500
_CUES = VERBS.keys() | PHRASAL.keys() | {"according", "in", "as", "went", "goes", "go"}
_HEADS = frozenset(["head", "boss", "executive", "mayor"])
_FINITE = BE | AUXILIARIES | MODALS
_OPEN, _CLOSE = "“„«", "”»"


class Tokens:
    """An article's words with offsets, the sentence each belongs to, and the quotation each stands in (0: none)."""

    def __init__(self, text: str, spans: Sequence[Span]) -> None:
        self.text, self.spans = text, spans
        self.words: list[str] = []
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.bounds: list[tuple[int, int]] = []  # first and past-the-last token of each sentence
        self.paragraph: list[int] = []  # of each sentence
        number = 0
        for i, span in enumerate(spans):
            first = len(self.words)
            places = [match.span() for match in _TOKEN.finditer(text, span.start, span.end)]
            self.words += [text[start:end] for start, end in places]
            self.starts += [start for start, _ in places]
            self.ends += [end for _, end in places]
            self.bounds.append((first, len(self.words)))
            if i and len((text[spans[i - 1].end : span.start] + ".").splitlines()) > 1:
                number += 1
            self.paragraph.append(number)
        if "''" in text or "``" in text:
            self.words = ['"' if word in ("''", "``") else word for word in self.words]
        self.lower = [word.lower() for word in self.words]
        # A word that opens a sentence is a name only if the article nowhere writes it small.
        small = {word for word in self.words if word[0].islower()} | PLURALS
        common = {
            first
            for start, end in self.bounds
            for first in range(start, min(start + 2, end))
            if (first == start or not self.words[start][0].isalnum())
            and (self.lower[first] in small or self.lower[first].endswith("ing"))
        }
        for start, end in self.bounds:  # "Allies say": a plural
            verb = VERBS.get(self.lower[start + 1]) if start + 1 < end and self.lower[start].endswith("s") else None
            if verb is not None and verb.form == "base":
                common.add(start)
        self.capital = [
            word[0].isupper() and lower not in NOT_NAMES and i not in common
            for i, (word, lower) in enumerate(zip(self.words, self.lower, strict=True))
        ]
        self.quote, self.carried = self._quotations()

    def _quotations(self) -> tuple[list[int], set[int]]:
        """The quotation of each token (marks included), and the quotations that go on from the paragraph before."""
        quote = [0] * len(self.words)
        carried: set[int] = set()
        current = latest = 0
        paragraph = -1
        for (first, last), place in zip(self.bounds, self.paragraph, strict=True):
            if place != paragraph:
                # A quotation left open runs on when the next paragraph opens with a mark again; else it was an error.
                opens = first < last and (self.words[first] in _OPEN or self.words[first] == '"')
                if current and opens:
                    latest += 1
                    carried.add(latest)
                    quote[first] = current = latest
                    first += 1
                else:
                    current = 0
                paragraph = place
            for i in range(first, last):
                word = self.words[i]
                if word == '"':
                    opening = self._opens(i) if not current else not self._closes(i)
                    if opening and not current:
                        latest += 1
                        current = latest
                    quote[i] = current
                    if not opening:
                        current = 0
                elif word in _OPEN and not (current and not self._opens(i)):
                    if not current:
                        latest += 1
                        current = latest
                    quote[i] = current
                elif word in _OPEN or word in _CLOSE:  # the wrong mark before a space closes, too
                    quote[i] = current
                    current = 0
                else:
                    quote[i] = current
        return quote, carried

    def _opens(self, i: int) -> bool:
        after = self.ends[i]
        return after < len(self.text) and not self.text[after].isspace()

    def _closes(self, i: int) -> bool:
        before = self.starts[i] - 1
        return (before >= 0 and not self.text[before].isspace()) or not self._opens(i)

    def name(self, i: int) -> bool:
        """Whether token i can be part of a name: capitalised, and not a word that merely opens a sentence."""
        return self.capital[i]

    def span(self, first: int, last: int) -> Span:
        return Span(self.starts[first], self.ends[last - 1])

    def flat(self, first: int, last: int) -> str:
        """The text of tokens ``first`` to ``last`` (past the end), as it stands there but for its white space."""
        return " ".join(self.text[self.starts[first] : self.ends[last - 1]].split())

    def within(self, span: Span) -> range:
        return range(bisect_left(self.starts, span.start), bisect_right(self.ends, span.end))


@dataclass(frozen=True, slots=True)
class Found:
    """One attribution as it stands in a sentence: spans of the article's text, before anybody is named.

    ``source`` is None where the sentence names none ("…, adding that …" after a subject far off).
    """

    sentence: int
    source: Span | None
    cue: Span
    content: Span


def find(text: str, spans: Sequence[Span]) -> list[Found]:
    """The attributions in the sentences of ``text``, by rules over reporting verbs and quotation marks."""
    return find_in(Tokens(text, spans))


def find_in(tokens: Tokens, skip: Container[int] = ()) -> list[Found]:
    """``find`` over an article that has been read already, but for the sentences ``skip``."""
    found: list[Found] = []
    spoken = 0  # up to where a "he said:" has taken what follows as its content
    for sentence, span in enumerate(tokens.spans):
        first, last = tokens.bounds[sentence]
        if span.start < spoken or sentence in skip or last - first > _LONGEST:
            continue
        found += _Sentence(tokens, sentence).find()
        if found and found[-1].sentence == sentence:
            spoken = max(spoken, found[-1].content.end if found[-1].content.start >= span.end else 0)
    return found


class _Sentence:
    """Finds the attributions of one sentence. Positions are token numbers."""

    def __init__(self, tokens: Tokens, number: int) -> None:
        self.t, self.number = tokens, number
        self.first, self.last = tokens.bounds[number]
        self.found: list[Found] = []
        self.main: tuple[int, int] | None = None  # the source of the sentence's latest finite cue

    def find(self) -> list[Found]:
        t = self.t
        self.colon()
        if not self.found:
            early: list[int] = []
            for i in range(self.first, self.last):
                word = t.lower[i]
                if word not in _CUES or t.quote[i]:
                    continue
                if word == "according" and i + 1 < self.last and t.lower[i + 1] == "to":
                    self.according(i, i + 2)
                elif word == "in" and i + 3 < self.last:
                    self.in_words(i)
                elif word == "as" and i + 2 < self.last:
                    self.put_it(i)
                elif word in ("went", "goes", "go") and i + 2 < self.last and t.lower[i + 1] == "on":
                    self.went_on(i)
                elif word in PHRASAL and i + 1 < self.last and t.lower[i + 1] == "out":
                    self.verb(i, PHRASAL[word], 2)
                elif (verb := VERBS.get(word)) is not None:
                    if verb.form == "gerund":
                        early.append(i) if self.main is None else self.gerund(i, self.main)
                    else:
                        self.verb(i, verb)
            if any(t.quote[self.first : self.last]):
                for i in range(self.first + 1, self.last - 1):
                    if t.quote[i - 1] and not t.quote[i]:
                        self.after_quotation(i)
            for i in early:
                opens = i == self.first or t.lower[i - 1] == "in"
                self.gerund(i, (self.main if opens else None) or self.subject_of_sentence(i))
        return self.found

    def add(self, source: tuple[int, int] | None, cue: tuple[int, int], content: tuple[int, int]) -> None:
        t, (start, end) = self.t, content
        while (start < end and t.words[start] in ",:;—–-") or (start < end and t.words[start] == "--"):
            start += 1
        while start < end and t.words[end - 1] in ",:;—–-":
            end -= 1
        if not any(t.words[i][0].isalnum() for i in range(start, end)):
            return
        span = t.span(start, end)
        self.found.append(Found(self.number, t.span(*source) if source else None, t.span(*cue), span))

    # Cues that are not verbs with a subject.

    def colon(self) -> None:
        """Smith: “…”"""
        t = self.t
        for i in range(self.first, min(self.first + 12, self.last - 1)):
            if t.quote[i]:
                return
            if t.words[i] == ":":
                source = (self.first + (t.lower[self.first] in VERBS), i)  # "Continued Stone: …"
                if t.quote[i + 1] and self.is_name(source):
                    self.add(source, (i, i + 1), (i + 1, self.last))
                return

    def is_name(self, source: tuple[int, int]) -> bool:
        return source[0] < source[1] <= source[0] + 5 and all(
            (self.t.name(i) and self.t.lower[i] not in SECTIONS) or self.t.words[i] in ".,-" for i in range(*source)
        )

    def according(self, cue: int, start: int) -> None:
        """According to X, …  and …, according to X."""
        end = self.phrase_end(start)
        if end == start:
            return
        source, cues = (start, end), (cue, start)
        before = (self.clause_start(cue), cue)
        after = (end, self.last)
        if cue > self.first + 1 and before[1] - before[0] > 1:
            self.add(source, cues, before)
            if end < self.last and self.t.words[end] == "," and self.last - end > 3:
                self.add(source, cues, after)
        else:
            self.add(source, cues, after)
        self.main = self.main or source

    def in_words(self, i: int) -> None:
        """in X's words, …  /  in the words of X, …"""
        t = self.t
        end = min(i + 9, self.last)
        words = next((j for j in range(i + 2, end) if t.lower[j] in ("words", "view", "opinion")), None)
        if words is None or any(t.words[j] in ",;:" or t.quote[j] for j in range(i, words)):
            return
        if t.lower[i + 1] == "the" and words == i + 2 and words + 1 < self.last and t.lower[words + 1] == "of":
            stop = self.phrase_end(words + 2)
            source, cue = (words + 2, stop), (i, words + 2)
        elif t.lower[words - 1] in ("’s", "'s") or (t.lower[words - 1] in ("his", "her", "their") and words == i + 2):
            source, cue, stop = (i + 1, words), (words, words + 1), words + 1
        else:
            return
        if source[0] < source[1]:
            self.add(source, cue, (stop, self.last) if stop + 2 < self.last else (self.first, i))

    def put_it(self, i: int) -> None:
        """as X put it"""
        t = self.t
        put = next((j for j in range(i + 2, min(i + 8, self.last - 1)) if t.lower[j] in ("put", "puts")), None)
        if put is not None and t.lower[put + 1] == "it" and (source := self.subject(put)) is not None:
            self.add(source, (i, put + 2), (put + 2, self.last) if put + 4 < self.last else (self.first, i))

    def after_quotation(self, i: int) -> None:
        """“…,” Bennett shot back.  Behind a quotation that ends in a comma even an unknown verb is a cue."""
        t = self.t
        inner = i - 2 if t.words[i - 1] in _CLOSE or t.words[i - 1] == '"' else i - 1
        if (
            inner < self.first
            or t.words[inner] not in ",?!—"
            or any(f.content.end > t.starts[inner] for f in self.found)
        ):
            return
        stop = i
        while (
            stop < self.last and (t.name(stop) or (stop == i and t.lower[stop] in ("he", "she"))) and not t.quote[stop]
        ):
            stop += 1
        if (
            i == stop
            or stop >= self.last
            or not t.words[stop][0].islower()
            or any(f.cue.start >= t.starts[i] for f in self.found)
        ):
            return
        word = t.lower[stop]
        if (
            word in NOT_NAMES
            or word in ROLES
            or not (word[-2:] in ("ed", "es") or word[-1] == "s" or word in ("shot", "went", "began"))
        ):
            return
        self.add((i, stop), (stop, stop + 1), (self.clause_start(i), i))

    def went_on(self, i: int) -> None:
        """X went on to say that …  /  X went on: “…”"""
        t = self.t
        said = (
            i + 2 < self.last - 1
            and t.lower[i + 2] == "to"
            and t.lower[i + 3] in ("say", "add", "note", "claim", "argue")
        )
        if (not said and t.words[i + 2] != ":") or (source := self.subject(i)) is None:
            return
        stop = i + 4 if said else i + 2
        self.main = source
        if (after := self.content_after(stop, VERBS["say"], False)) is not None:
            self.add(source, (i, stop), after)

    # Cues that are verbs.

    def verb(self, i: int, verb: Verb, width: int = 1) -> None:
        t = self.t
        following = t.lower[i + 1] if i + 1 < self.last else ""
        if following == "by" and verb.form == "past":
            return  # "a report released by"
        if following == "to" and t.lower[i].startswith(
            ("add", "agree", "continue", "respon", "repl", "ask", "claim", "answer")
        ):
            return  # "agreed to talk", "added to her lead"
        if verb.saying and self.inverted(i):
            return
        source = self.subject(i)
        if source is None:
            return
        if t.lower[i] in NOUNISH and not self.fits(source, verb):
            return
        then = VERBS.get(following)
        if verb.form == "third" and (following in ("show", "have", "are", "were") or (then and then.form == "base")):
            return  # "FEC reports show"
        cue = (i, i + width)
        before_end = source[0]
        start = i + width
        if t.lower[i] in ("told", "tells", "tell", "assured", "assures", "reminded", "warned", "asked"):
            start = self.skip_object(start)
        before = self.content_before(before_end) if verb.saying else None
        goes_on = start < self.last and t.words[start] not in ",.;:—" and t.lower[start] not in TAIL_STARTS
        goes_on = goes_on or (start < self.last and t.words[start] not in ",.;:—" and self.that(start) is not None)
        aside = (
            source[0] > self.first + 1 and t.words[source[0] - 1] == "," and start < self.last and t.words[start] == ","
        )
        aside = aside and start + 1 < self.last and not t.quote[start + 1] and not any(t.quote[self.first : source[0]])
        if aside and self.goes_on(start + 1):
            # The bill, he said, is dead.
            self.main = source
            self.add(source, cue, (self.clause_start(source[0]), source[0]))
            self.add(source, cue, (start + 1, self.last))
            return
        if before and goes_on and not (t.quote[before[1] - 1] or t.quote[before[1] - 2]):
            before = None  # "After the vote failed, Smith said that …"
        after = self.content_after(start, verb, before is not None)
        self.main = source
        if before:
            self.add(source, cue, before)
        if after:
            self.add(source, cue, after)
        elif not before and t.words[self.last - 1] == ":":
            self.lead_in(source, cue)

    def lead_in(self, source: tuple[int, int], cue: tuple[int, int]) -> None:
        """ "Cruz continued:" at the end of a paragraph: what he said is the next paragraph."""
        t = self.t
        ahead = self.number + 1
        if ahead >= len(t.spans) or t.paragraph[ahead] == t.paragraph[self.number]:
            return
        stop = ahead
        while stop + 1 < len(t.spans) and t.paragraph[stop + 1] == t.paragraph[ahead]:
            stop += 1
        content = Span(t.spans[ahead].start, t.spans[stop].end)
        self.found.append(Found(self.number, t.span(*source), t.span(*cue), content))

    def fits(self, source: tuple[int, int], verb: Verb) -> bool:
        """Whether the subject agrees with a form that is also a noun ("the minister's hopes", "reports")."""
        t = self.t
        last = t.lower[source[1] - 1]
        if last in AFFILIATIONS:
            return False  # "Russian fears"
        if last in ("they", "we", "you", "i") or last == "who":
            return True
        if verb.form == "third":
            named = t.name(source[1] - 1) and t.lower[source[0]] not in ("the", "a", "an")
            return named or last in ("he", "she", "it") or last in SPECIFIC or last in INSTITUTIONS
        if verb.form == "base":
            return last.endswith("s") and not t.name(source[1] - 1)
        return True

    def inverted(self, i: int) -> bool:
        """“…,” said X.  The source follows the cue."""
        t = self.t
        if i + 1 >= self.last or t.quote[i + 1]:
            return False
        if t.lower[i] in ("told", "tells", "tell"):
            return False
        opens = i == self.first
        ends = i > self.first and (t.words[i - 1] in ",?!—" or bool(t.quote[i - 1]))
        if not (opens or ends):
            return False
        word = t.lower[i + 1]
        if not (t.name(i + 1) or word in DETERMINERS or word in HE or word in SHE or word == "they"):
            return False
        if not (ends and t.quote[i - 1]):
            # ", said the minister" is inverted; "Smith, 45, said the bill" is not: the phrase must end the clause.
            stop = self.phrase_end(i + 1)
            if stop < self.last and t.words[stop] not in ",.;:(" and t.lower[stop] not in TIME:
                return False
            head = next((j for j in range(i + 2, stop) if t.lower[j] in PREPOSITIONS), stop) - 1
            if not t.name(head) and t.lower[head] not in SPEAKING and ends and self.apposition(i - 1) is not None:
                return False  # "Smith, 45, said the animals followed squid."
        stop = self.phrase_end(i + 1)
        if stop == i + 1:
            return False
        source, cue = (i + 1, stop), (i, i + 1)
        if (named := self.named_behind(source)) is not None:
            source, stop = named, named[1]
        self.main = source
        if (before := self.content_before(i)) is not None:
            self.add(source, cue, before)
        quoted = next((j for j in range(stop, self.last) if t.quote[j]), None)
        if quoted is not None:
            self.add(source, cue, (quoted, self.last))
        elif opens and t.words[min(stop, self.last - 1)] == ":":
            self.add(source, cue, (stop, self.last))
        return True

    def named_behind(self, office: tuple[int, int]) -> tuple[int, int] | None:
        """The name of "…," said its chief executive, Marguerite Soames."""
        t, (start, comma) = self.t, office
        if comma + 1 >= self.last or t.words[comma] != "," or t.name(comma - 1):
            return None
        if t.lower[start] not in DETERMINERS and not t.name(start):
            return None
        stop = comma + 1
        while stop < self.last and not t.quote[stop] and (t.name(stop) or t.lower[stop] in PARTICLES):
            stop += 1
        ends = stop >= self.last or t.words[stop] in ",.;:("
        return (comma + 1, stop) if stop > comma + 1 and t.name(stop - 1) and ends else None

    def gerund(self, i: int, source: tuple[int, int] | None) -> None:
        """…, adding that …  /  Noting that …, Wang said …"""
        t = self.t
        if i > self.first and (t.lower[i - 1] in BE or t.lower[i - 1] in ("of", "the", "a", "without", "for", "not")):
            if t.lower[i - 1] not in BE:
                return
            source = self.subject(i - 1)
        elif i > self.first and t.lower[i - 1] == "as":
            # was quoted as saying
            if i - 2 < self.first or t.lower[i - 2] not in ("quoted", "cited"):
                return
            source = self.subject(i - 2, passive=True)
            if source is not None and (before := self.content_before(source[0])) is not None:
                self.add(source, (i - 2, i + 1), before)
                return
        elif i > self.first and t.name(i - 1) and not t.quote[i - 1]:
            start = self.run_start(i - 1)
            if start == self.first or t.lower[start - 1] not in ("with", "and", ","):
                return
            self.main = source = (start, i)  # ", with Donald Trump tweeting that"
        elif (
            i > self.first
            and t.words[i - 1] not in ",;—–-)"
            and t.lower[i - 1] not in ("and", "while", "also", "by", "statement", "tweet")
        ):
            return
        if source is None:
            return
        start = i + 1
        if t.lower[i] in ("telling", "assuring", "warning"):
            start = self.skip_object(start)
        verb = VERBS[t.lower[i]]
        if i == self.first or (i == self.first + 1 and t.lower[self.first] == "in"):
            # An opening participle reaches to the comma before the subject.
            if source[0] <= i:
                return
            end = source[0]
            if start < end:
                self.add(source, (i, i + 1), (start + (t.lower[start] == "that"), end))
        elif (after := self.content_after(start, verb, False)) is not None:
            self.add(source, (i, i + 1), after)

    # Parts of the sentence around a cue.

    def subject(self, i: int, passive: bool = False) -> tuple[int, int] | None:
        """The noun phrase that is the subject of the verb at ``i``, or None where the rules cannot tell."""
        t = self.t
        j = i - 1
        linked = False
        while j >= self.first and not t.quote[j]:
            word = t.lower[j]
            if word in NEGATION or word in MODALS:
                return None
            if word in BE:
                if not passive and t.words[i][-3:] != "ing":
                    return None
                linked = True
            elif word in AUXILIARIES:
                if word in ("’s", "'s") and not (j > self.first and t.lower[j - 1] in PRONOUNS):
                    break
                linked = True
            elif word == "and" and j - 1 >= self.first and self.shares_subject(j):
                return self.main
            elif word in TIME and j - 1 > self.first:  # "Lavrov on Tuesday said"
                j -= t.lower[j - 1] in ("on", "in", "late", "early", "last", "this")
            elif word not in ADVERBS:
                break
            j -= 1
        del linked
        if j < self.first or t.quote[j]:
            return None
        if t.words[j] == ")":
            opening = next((k for k in range(j - 1, max(self.first, j - 12) - 1, -1) if t.words[k] == "("), None)
            if opening is None or opening == self.first:
                return None
            j = opening - 1
        if t.words[j] in ",—–" or t.words[j] == "--":
            return self.apposition(j)
        return self.phrase(j)

    def shares_subject(self, conjunction: int) -> bool:
        """X said A and added B: the same subject, when the verb stands right behind the conjunction."""
        return self.main is not None and self.main[1] <= conjunction

    def phrase(self, j: int) -> tuple[int, int] | None:
        """The noun phrase that ends at ``j``."""
        t = self.t
        word = t.lower[j]
        if word in PRONOUNS:
            if word in ("which", "that", "one"):
                return None
            return None if j > self.first and t.lower[j - 1] == "what" else (j, j + 1)
        if t.name(j):
            start = self.run_start(j)
            before = t.lower[start - 1] if start > self.first else ""
            if before in ("of", "for", "with", "from", "at", "in", "to", "on", "by") and start - 2 >= self.first:
                return self.outer(start - 1, j)
            if (pair := self.pair(start)) is not None:
                return (pair, j + 1)
            if before in ("’s", "'s", "’", "'") and start - 2 >= self.first:
                owner = self.run_start(start - 2)
                if owner > self.first and t.lower[owner - 1] == "and":
                    return None  # "Matthews and Reuters’ Luciana Lopez"
                return (start, j + 1)
            if before == "what":
                return None  # "what Trump calls"
            if before in PREPOSITIONS:
                return None
            if before in DETERMINERS and before not in ("that", "this", "these", "those"):
                if start - 2 > self.first and t.lower[start - 2] in ("of", "for", "from", "at", "to"):
                    return self.outer(start - 2, j)
                return (start - 1 if (pair := self.pair(start - 1)) is None else pair, j + 1)
            if before == "," and start - 2 > self.first and t.name(start - 2):
                place = self.run_start(start - 2)
                if place - 1 > self.first and t.lower[place - 1] in ("of", "from", "in", "at"):
                    return self.outer(place - 1, j)  # "Stacy Baker of Columbia, South Carolina"
            # Lower-case titles belong to the phrase: "campaign manager Robby Mook".
            if before.endswith("ing") or before in VERBS or before == "which":
                return None
            start = self.title_start(start)
            if (
                start - 2 >= self.first
                and t.lower[start - 1] == "and"
                and (t.words[start - 2] == ")" or t.name(start - 2))
            ):
                return None  # "Sen. Bernie Sanders (Vt.) and former governor Martin O'Malley"
            return (start, j + 1)
        if not word[0].isalpha() or word in NOT_NAMES or (word in VERBS and word not in ("reports", "posts")):
            return None
        start = j
        while start > self.first and j - start < 8:
            before = t.lower[start - 1]
            if (
                t.quote[start - 1]
                or t.words[start - 1] in ",;:()—–"
                or before in CLAUSE_STARTS
                or before in PREPOSITIONS
            ):
                break
            if (before in PRONOUNS and before not in DETERMINERS) or before in BE:
                return None
            start -= 1
            if before in DETERMINERS:
                if start - 1 > self.first and t.lower[start - 1] == "of":
                    return self.outer(start - 1, j)
                break
        before = t.lower[start - 1] if start > self.first else ""
        if before in ("of", "for", "with", "from", "at", "in", "to"):
            return self.outer(start - 1, j)
        if before in PREPOSITIONS:
            return None
        return (start, j + 1)

    def pair(self, start: int) -> int | None:
        """Where "Wilcox and Beruff" begins, given where its second name does."""
        t = self.t
        if start - 2 < self.first or t.lower[start - 1] != "and" or t.quote[start - 2]:
            return None
        if t.lower[start - 2] in ("he", "she"):
            return start - 2
        return self.run_start(start - 2) if t.name(start - 2) else None

    def title_start(self, start: int) -> int:
        """Where the lower-case title before a name begins: "Clinton press secretary Brian Fallon"."""
        t = self.t
        k = start - 1
        if k < self.first or t.quote[k] or t.lower[k] not in ROLES:
            return start
        while k >= self.first and start - k <= 7 and not t.quote[k] and t.words[k][0].isalpha():
            word = t.lower[k]
            if word in DETERMINERS:
                return k
            if t.name(k):
                k = self.run_start(k) - 1
                if k < self.first or t.lower[k] not in ("’s", "'s"):
                    break
            elif (
                word in NOT_NAMES
                or (word in VERBS and word not in ROLES)
                or (word in ("’s", "'s") and not t.name(k - 1))
            ):
                break
            else:
                k -= 1
                if k >= self.first and t.lower[k] in ("’s", "'s"):
                    k -= 1
        return k + 1

    def outer(self, preposition: int, end: int) -> tuple[int, int] | None:
        """The phrase "a spokesman for Trump", "the Bank of England" whose last words follow ``preposition``."""
        t = self.t
        head = preposition - 1
        if t.quote[head] or not t.words[head][0].isalpha() or t.lower[head] in NOT_NAMES:
            return None
        inner = self.phrase(head)
        if inner is None or t.lower[head] in PRONOUNS:
            return None
        # "On Tuesday in Ohio Trump": without a determiner, a role or a name before it there is no phrase to belong to.
        opens = (
            t.lower[inner[0]] in DETERMINERS
            or t.name(inner[0])
            or t.lower[head] in ROLES
            or t.lower[head].endswith("s")
        )
        return (inner[0], end + 1) if opens else None

    def run_start(self, j: int) -> int:
        t = self.t
        start = j
        while start > self.first and not t.quote[start - 1]:
            if t.name(start - 1):
                start -= 1
            elif start - 2 >= self.first and t.lower[start - 1] in PARTICLES and t.name(start - 2):
                start -= 2
            else:
                break
        return start

    def apposition(self, comma: int) -> tuple[int, int] | None:
        """The X of "X, also a member of …, said", where ``comma`` is the one before the verb."""
        t = self.t
        if (named := self.named_office(comma)) is not None:
            return named
        inner: tuple[int, int] | None = None  # a name between commas, unless another opens the clause further left
        wide: tuple[int, int] | None = None  # "A lawyer for Lionel Crabbe, the head of the authority, said"
        for j in range(comma - 1, max(self.first, comma - 45), -1):
            if t.quote[j] or t.words[j] not in (",", "—", "–", "--") or (t.words[j] == ",") != (t.words[comma] == ","):
                continue
            head = j - 1
            if t.words[head] == ")":
                head = next((k for k in range(head, self.first, -1) if t.words[k] == "("), head) - 1
            if head < self.first or t.quote[head]:
                continue
            if t.lower[head] in ("he", "she"):
                return inner or (head, head + 1)
            if not t.name(head):
                if (t.lower[head] in ROLES or t.lower[head] in KIN) and all(t.name(k) for k in range(j + 1, comma)):
                    return (j + 1, comma)  # "the senator's attorney, Thomas Coan, argued"
                if inner is None and (t.lower[head] in ROLES or t.lower[head] in INSTITUTIONS):
                    return self.phrase(head)
                continue
            start = self.title_start(self.run_start(head))
            if t.lower[start - 1] in DETERMINERS and start > self.first:
                start -= 1
            before = t.lower[start - 1] if start > self.first and not t.quote[start - 1] else ""
            if (pair := self.pair(start)) is not None:
                return (pair, head + 1)
            opens = j + 1 < comma and (
                (not t.words[j + 1][0].isupper() and t.lower[j + 1] not in _FINITE)
                or t.lower[j + 1] in ROLES
                or (t.lower[j + 2] in ("’s", "'s") and not t.words[comma - 1][0].isupper())  # "Thornby's mayor"
                or j + 3 >= comma
            )
            if opens and before in ("for", "of") and start - 1 > self.first:
                wide = self.outer(start - 1, head) or wide
            if not opens or (before[:1].isalpha() and before not in CLAUSE_STARTS and before not in ADVERBS):
                continue  # "who founded Edge, a group, said"
            if before != ",":
                return (start, head + 1)
            inner = inner or (start, head + 1)
        return inner or wide

    def named_office(self, comma: int) -> tuple[int, int] | None:
        """The name of "Its chief executive, Anton Leclair, said", where ``comma`` is the one before the verb.

        What stands before the name opens the clause with a determiner and ends in a common noun.
        """
        t = self.t
        if t.words[comma] != ",":
            return None
        start = comma
        while start > self.first and not t.quote[start - 1] and (t.name(start - 1) or t.lower[start - 1] in PARTICLES):
            start -= 1
        if comma - start < 2 or start - 2 < self.first or t.words[start - 1] != "," or not t.name(start):
            return None
        k = start - 2
        if not t.lower[k][0].isalpha() or t.lower[k] in NOT_NAMES or t.lower[k] in VERBS:
            return None
        if t.name(k):
            # "the head of Roscosmos, Dmitry Rogozin", but "a resident of Columbia, South Carolina"
            k = self.run_start(k) - 2
            held = k > self.first and t.lower[k + 1] == "of" and (t.lower[k] in ROLES or t.lower[k] in _HEADS)
            if not held or any(t.lower[j] in THINGS for j in range(start, comma)):
                return None
        while k >= self.first and start - k < 14 and not t.quote[k]:
            if t.words[k] in ",;:()—–" or t.lower[k] in BE or t.lower[k] in CLAUSE_STARTS or t.lower[k] == "who":
                return None
            if t.lower[k] in DETERMINERS and (
                k == self.first or t.lower[k - 1] in CLAUSE_STARTS or t.words[k - 1] == ","
            ):
                return (start, comma)
            if t.lower[k] in VERBS and not t.lower[k].endswith(("ing", "s")):
                return None
            k -= 1
        return None

    def subject_of_sentence(self, i: int) -> tuple[int, int] | None:
        """The name or pronoun that opens the sentence, as the subject of a participle further on."""
        t = self.t
        start = self.first
        while start < i and (
            t.lower[start] in ("and", "but", "so", "then", "later", "meanwhile", "instead", ",")
            or t.lower[start] in ADVERBS
        ):
            start += 1
        if start < i and not t.name(start) and t.lower[start] not in ("he", "she"):
            comma = next((k for k in range(start, min(start + 9, i)) if t.words[k] == ","), None)
            start = comma + 1 if comma is not None else start
        if start >= i or t.quote[start]:
            return None
        if t.lower[start] in ("he", "she"):
            return (start, start + 1)
        stop = start
        while stop < i and t.name(stop) and not t.quote[stop]:
            stop += 1
        title = stop
        while title < i and (
            t.lower[title] in ROLES or t.lower[title] in ("presidential", "campaign", "senior", "former")
        ):
            title += 1
        if stop < title < i and t.name(title):
            stop = title
            while stop < i and t.name(stop) and not t.quote[stop]:
                stop += 1
        if all(word.isupper() for word in t.words[start:stop]) and t.words[min(stop, i - 1)] == ",":
            return None  # a dateline
        if stop == start or stop >= i or stop - start > 8 or (not t.words[stop][0].islower() and t.words[stop] != ","):
            return None
        if t.lower[stop] in CLAUSE_STARTS or t.lower[stop] in PREPOSITIONS or t.lower[stop] in ("’s", "'s"):
            return None
        if t.lower[stop - 1] in AFFILIATIONS:
            return None  # "Syrian hackers"
        # Another possible subject in between makes it a guess.
        if any(t.name(k) and t.lower[k - 1] in ("and", "while", "but", "that") for k in range(stop + 1, i)):
            return None
        return (start, stop)

    def phrase_end(self, start: int) -> int:
        """Past the end of the noun phrase that begins at ``start``, apposition and all prepositions left out."""
        t = self.t
        j = start
        while j < self.last and not t.quote[j]:
            word = t.lower[j]
            if t.words[j] in ",;:.!?()—–" or word == "--" or word in TIME or word in BE or word in MODALS:
                break
            if word in PRONOUNS:
                return j + 1 if j == start else j
            if word in AUXILIARIES and word[0].isalpha():
                break
            if word in CLAUSE_STARTS and j > start and not (word == "and" and j + 1 < self.last and t.name(j + 1)):
                break
            if word in PREPOSITIONS and j > start and word not in ("of", "for", "at", "from", "with", "in", "by"):
                break
            if word in VERBS and j > start and word not in ("report", "reports", "statement", "post", "posts", "state"):
                break
            j += 1
        while j > start and t.lower[j - 1] in PREPOSITIONS:
            j -= 1
        return j

    def clause_start(self, end: int) -> int:
        """Where the clause that ends at ``end`` begins: past an opening "But" or "And"."""
        t = self.t
        start = self.first
        while (
            start < end
            and not t.quote[start]
            and t.lower[start] in ("but", "and", "so", "yet", "still", "however", ",")
        ):
            start += 1
        return start

    def content_before(self, end: int) -> tuple[int, int] | None:
        """What stands before a source that follows its content: it ends in a comma or a closing mark."""
        t = self.t
        if end <= self.first:
            return None
        closing = t.words[end - 1] in ",?!—–" or t.words[end - 1] == "--" or bool(t.quote[end - 1])
        start = self.clause_start(end)
        if not closing or end - start < 2:
            return None
        if not any(t.quote[k] for k in range(start, end)):
            # "On Tuesday, …": an adverbial, not a clause.
            word = t.lower[start]
            if (word in PREPOSITIONS and end - start < 12) or word in TIME or end - start < 4:
                return None
        return (start, end)

    def content_after(self, start: int, verb: Verb, before: bool) -> tuple[int, int] | None:
        """What stands behind the cue, from ``start``; with content before it, only what clearly goes on."""
        t = self.t
        last = self.last
        if start >= last:
            return None
        quoted = next((j for j in range(start, last) if t.quote[j]), None)
        word = t.lower[start]
        if before:
            if t.words[start] in ",:.;—":
                # “A,” he said, “B.”   The bill, he said, is dead.
                if start + 1 < last and (t.quote[start + 1] or (quoted is not None and quoted - start < 12)):
                    return (quoted if quoted is not None else start + 1, last)
                rest = start + 1
                if rest < last and t.words[start] == "," and self.goes_on(rest):
                    return (rest, last)
                return None
            if quoted is not None and (quoted == start or t.words[quoted - 1] in ",:"):
                return (quoted, last)
            return None
        if word == "that":
            return (start + 1, last)
        if t.lower[start - 1].startswith(("maintain", "observ")) and not t.quote[start]:
            return None  # "maintains a lead"
        if t.words[start] == ":" or t.quote[start]:
            start += t.words[start] == ":"
            return (start, last) if start < last else None
        if t.words[start] == ",":
            return (quoted, last) if quoted is not None and quoted - start < 25 else None
        if word in TAIL_STARTS and verb.saying:
            that = self.that(start)
            if that is not None and (quoted is None or that < quoted):
                return (that + 1, last)
            if quoted is not None:
                return (quoted, last)
            return (start, last) if last - start > 4 else None
        return (start, last) if last - start >= 2 else None

    def that(self, start: int) -> int | None:
        """The "that" of "said on Monday in Ohio that …"."""
        t = self.t
        return next(
            (j for j in range(start, min(start + 25, self.last)) if t.lower[j] == "that" and not t.quote[j]), None
        )

    def goes_on(self, start: int) -> bool:
        """Whether what follows a parenthetic cue is the rest of the content rather than a participle or an aside."""
        t = self.t
        word = t.lower[start]
        if self.last - start < 3 or (word in TAIL_STARTS and word not in ("because", "and", "but")):
            return False
        return not (word.endswith("ing") or word in ("who", "which", "where", "a", "an", "citing", "according"))

    def skip_object(self, start: int) -> int:
        """Past the listener of "told reporters that …"."""
        t = self.t
        for j in range(start, min(start + 22, self.last)):
            if t.quote[j] or t.lower[j] == "that" or t.words[j] in ",:":
                return j
        j = start
        if j < self.last and (t.lower[j] in DETERMINERS or t.lower[j] in HE | SHE | {"them", "us", "me"}):
            j += 1
        while j < self.last and t.name(j):
            j += 1
        if j == start or (j < self.last and t.lower[j - 1] in DETERMINERS):
            j += 1
        return min(j, self.last)

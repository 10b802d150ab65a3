"""whosaid: what did NAME say about TOPIC, asked by program of articles in which who said what is marked by hand.

The folder has PolNeAR's layout (see ``polnear``); the whole split is the archive. One question for each named person
of each article that names two or more of its sources: the topic is three to five words of one of the person's
contents, the rarest of the split. Evidence is all that the split has the person say; foreign words are those of
sources that are certainly somebody else: another name, or a description ("officials") that does not hold the person's
name. Pronouns, offices ("the president"), and sources that only mention the person ("Trump's lawyer") are nobody's: what is quoted of theirs is
counted neither as right nor as wrong.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import regex

from evals.datasets import polnear
from evals.datasets.polnear import Marked
from evals.records import Dataset, Evidence, Question
from rag.indexing.names import name_tokens, same_person
from rag.indexing.speech_words import OCCUPATIONS, ROLES
from rag.records import Span

MEASURES = ("RightSpeaker", "WrongMouth", "WrongMouthShare", "NobodysShare", "Refused@answerable", "AnswerWords",
            "VerbatimCitation", "p50", "p95")  # fmt: skip
_WORD = r"(?:\p{Lu}\.|\p{Lu}[\p{L}\p{M}’'-]*)"
_RUN = regex.compile(rf"{_WORD}(?: (?:(?:de|van|von|der|la|al|bin) )?{_WORD})*(?: (?:Jr|Sr)\.)?")
_OFFICES = {word.strip(".") for word in ROLES | OCCUPATIONS} | {
    "rival",
    "democratic",
    "republican",
    "nominee",
    "rep",
    "sen",
}
_PRONOUNS = frozenset(
    [
        "he",
        "she",
        "they",
        "we",
        "i",
        "you",
        "it",
        "who",
        "that",
        "which",
        "him",
        "her",
        "them",
        "this",
        "those",
        "these",
        "one",
    ]
)
_BODY = regex.compile(
    r"(?i)\b(?:the|times|post|house|news|journal|university|party|cent(?:er|re)|institute|department|committee|commission|"
    r"debates?|press|association|foundation|union|council|court|bureau|agency|company|group|campaign|network|street|county|city|"
    r"states?|democrats|republicans|americans?|americas?|report|magazine|fund|pac|bank|church|action|media|poll|project|monday|"
    r"tuesday|wednesday|thursday|friday|saturday|sunday|universe|nation|world|congress|senate|trust|corporation|inc)\b"
)


@dataclass(frozen=True, slots=True)
class Said:
    """A marked attribution with what its source says of who speaks: ``name`` "" where it is nobody's name."""

    article: str
    name: str
    source: str
    content: tuple[Span, ...]


def load(folder: Path, split: str) -> Dataset:
    marked = polnear.load(folder, split)
    said = [found for each in marked for found in _said(each)]
    frequency = Counter(word for each in marked for word in set(_words(each.article.text)))
    questions: list[Question] = []
    known: dict[str, tuple[tuple[Evidence, ...], tuple[Evidence, ...]]] = {}
    for each in marked:
        mine = [s for s in said if s.article == each.article.id and len(name_tokens(s.name)) > 1]
        people: list[str] = []
        for one in mine:
            if not _BODY.search(one.name) and not any(same_person(one.name, name) for name in people):
                people.append(one.name)
        if len(people) < 2:
            continue
        for name in people:
            topic = _topic(each.article.text, [s for s in mine if same_person(s.name, name)], name, frequency)
            if not topic:
                continue
            if name not in known:
                known[name] = _places(name, said)
            own, foreign = known[name]
            questions.append(
                Question(
                    f"whosaid-{len(questions) + 1:03}", f"What did {name} say about {topic}?",
                    evidence=own, foreign=foreign, speaker=name, split="test" if split == "test" else "dev",
                )
            )  # fmt: skip
    notes = ("words of sources that are pronouns or offices are counted neither as right nor as wrong",)
    return Dataset("whosaid", tuple(each.article for each in marked), tuple(questions), MEASURES, notes=notes)


def _said(marked: Marked) -> Iterable[Said]:
    text = marked.article.text
    full = _full_names(text)
    for each in marked.attributions:
        source = " ".join(span.of(text) for span in each.source)
        if each.content:
            yield Said(marked.article.id, _name(source, full), source, each.content)


def _full_names(text: str) -> list[str]:
    found = Counter(_bare(m.group()) for m in _RUN.finditer(text))
    return [name for name, _ in found.most_common() if 1 < len(name.split()) < 5]


def _bare(name: str) -> str:
    """A name without the offices before it: what follows the last word of an office, unless that is the surname."""
    words = name.removesuffix("’s").removesuffix("'s").split()
    office = max((n for n, word in enumerate(words[:-1]) if word.casefold().strip(".") in _OFFICES), default=-1)
    return " ".join(words[office + 1 :])


def _name(source: str, full: Sequence[str]) -> str:
    """The person whom a source names, by the fullest name of the article; "" for descriptions and pronouns."""
    lead = source.split(",")[0].split(" of ")[0].split(" (")[0].strip()
    runs = list(_RUN.finditer(lead))
    if not runs or runs[-1].end() < len(lead.rstrip(" .")) or runs[-1].group().endswith(("’s", "'s")):
        return ""
    if regex.search(r"\band\b|\bor\b", source):
        return ""
    name = _bare(runs[-1].group())
    if not name_tokens(name):
        return ""
    if len(name.split()) > 1:
        return name
    longer = [other for other in full if name_tokens(other)[-1:] == name_tokens(name)[-1:]]
    # Two people of one surname: it cannot be said which of them.
    return longer[0] if longer and all(same_person(longer[0], other) for other in longer) else name


def _places(name: str, said: Sequence[Said]) -> tuple[tuple[Evidence, ...], tuple[Evidence, ...]]:
    """Where the split has the person speak, and where it certainly has somebody else."""
    own: list[Evidence] = []
    foreign: list[Evidence] = []
    surname = name_tokens(name)[-1]
    for each in said:
        places = [Evidence(each.article, span) for span in each.content]
        if each.name and same_person(each.name, name):
            own += places
        elif each.source and not _may_be_anybody(each.source) and surname not in name_tokens(each.source):
            foreign += places
    return tuple(own), tuple(foreign)


def _may_be_anybody(source: str) -> bool:
    """Whether a source may be somebody named elsewhere: a pronoun, or "the president"."""
    words = source.casefold().split()
    office = words[0] in ("the", "his", "her", "their", "its") and words[-1].strip(".,") in _OFFICES
    return (len(words) == 1 and words[0] in _PRONOUNS) or office


def _words(text: str) -> list[str]:
    return regex.findall(r"(?<![\p{L}’'-])\p{L}[\p{L}\p{M}-]{3,}+(?!['’]\p{L})", text)


def _topic(text: str, said: Sequence[Said], name: str, frequency: Counter[str]) -> str:
    contents = [span.of(text) for each in said for span in each.content]
    contents = [content for content in contents if 8 <= len(content.split()) <= 60]
    if not contents:
        return ""
    longest = max(contents, key=len)
    words = [w for w in dict.fromkeys(_words(longest)) if w.casefold() not in name_tokens(name)]
    rare = sorted(sorted(words, key=lambda w: frequency[w])[:4], key=words.index)
    return " ".join(rare) if len(rare) >= 3 else ""

"""What a question takes for given: "Why did the mayor resign?" has no answer where nobody says that she resigned."""

from __future__ import annotations

from dataclasses import dataclass

import regex

from rag.indexing.names import CAPITALISED, name_tokens
from rag.retrieval.evidence import Evidence

# Events that news tells in these words and hardly in others: whoever asks why or when one happened takes it for given.
_EVENTS = tuple(
    rf"(?:{words})"
    for words in (
        r"resign\p{L}*|step(?:s|ped|ping)? (?:down|aside)|st(?:ands?|ood|anding) down|quits?\b|quitting",
        r"dies?\b|died|dead\b|deaths?\b|dying|killed|murder\p{L}*|assassinat\p{L}*|drown\p{L}*",
        r"arrest\p{L}*|detain\p{L}*|in custody|taken away by police",
        r"(?:was|were|been|be|got|is|being|get) (?:sacked|fired|dismissed|ousted|suspended|expelled)|sacking|dismissal|ouster",
        r"convict\p{L}*|(?:found|pleaded?) guilty|sentenc\p{L}*|jailed|imprison\p{L}*",
        r"divorc\p{L}*|separat(?:ed|ion)",
        r"bankrupt\p{L}*|insolven\p{L}*|collapse\p{L}*|went under",
    )
)
_NAME = r"(?P<who>\p{Lu}[\p{L}\p{M}’'-]+(?: \p{Lu}[\p{L}\p{M}’'-]+)*)"
_TAKEN = tuple(
    (
        regex.compile(
            rf"\b(?i:why|when|how|where) (?i:did|has|have|had|was|were|is|are|does) (?:[\p{{Ll}}’'-]+ ){{0,3}}{_NAME}"
            rf"(?:’s|'s)? (?:\p{{Ll}}+ ){{0,2}}?{event}"
        ),
        regex.compile(event),
    )
    for event in _EVENTS
)
_NOT = regex.compile(r"(?i)\b(?:not|never|no|denied|denies|deny|refus\p{L}+|rejected|ruled out|without)\b|n['’]t\b")


@dataclass(frozen=True, slots=True)
class Unfounded:
    """A premise that no found sentence states: that ``who`` did or suffered ``event``."""

    who: str
    event: regex.Pattern[str]
    note: str

    def denied_by(self, sentence: str) -> bool:
        """Whether a sentence says that it did not happen."""
        named = set(name_tokens(self.who)) & set(name_tokens(sentence))
        return bool(named and self.event.search(sentence) and _NOT.search(sentence))


def unfounded(evidence: Evidence) -> Unfounded | None:
    """The event that the question takes for given and that none of the sentences found tells of; else None.

    A sentence tells of it where it names the event with nobody else standing nearer before it, in an article that names
    the person asked about.
    """
    for taken, event in _TAKEN:
        asked = taken.search(evidence.query.text)
        if not asked:
            continue
        who = asked["who"]
        if any(_tells(c.text, c.article.title + c.article.text, who, event) for c in evidence.candidates):
            return None
        return Unfounded(who, event, f"Nothing found says of {who} what the question takes for given.")
    return None


def _tells(sentence: str, article: str, who: str, event: regex.Pattern[str]) -> bool:
    tokens = set(name_tokens(who))
    if not tokens & set(name_tokens(article)):
        return False
    for match in event.finditer(sentence):
        if _NOT.search(sentence[: match.start()]) and tokens & set(name_tokens(sentence)):
            continue
        runs = [m for m in CAPITALISED.finditer(sentence[: match.start()]) if name_tokens(m.group())]
        # Any word is capitalised where a sentence begins.
        named = [m.group() for m in runs if sentence[: m.start()].strip("\"“‘' ") or " " in m.group()]
        named += [m.group() for m in runs if tokens & set(name_tokens(m.group()))][-1:] if not named else []
        # "whether Crabbe should resign" tells nothing of Voss; "He resigned" may.
        if not named or tokens & set(name_tokens(named[-1])):
            return True
    return False

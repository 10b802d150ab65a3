""" "Did X say that …?": yes with the words, the contrary with the words, or no record of it."""

from __future__ import annotations

from dataclasses import replace

import regex

from rag.answers.check import said_of
from rag.answers.extractive import Quoted, is_silence
from rag.retrieval.evidence import Evidence
from rag.retrieval.question import asking_part

_ASKED = regex.compile(
    r"(?i)^(?:and |but |so )?(?:did|has|have|does|is it true that) (?P<who>[^?]{2,80}?) (?:\w+ly |ever |also |really |actually )*"
    r"(?:say|says|said|saying|claim|claimed|state|stated|announce|announced|argue|argued|think|believe|promise|promised|confirm|"
    r"confirmed|admit|admitted|insist|insisted|suggest|suggested|write|wrote|tell (?:\w+ )?|warn|warned|note|noted|call|called|vow|"
    r"vowed|pledge|pledged|declare|declared) (?:that )?(?P<claim>[^?]+)\??$"
)
_DENIED = regex.compile(
    r"(?i)^(?:and |but |so )?(?:did|has|have|does) [^?]{2,80}? (?:deny|denied|reject|rejected|dismiss|dismissed) (?:that )?(?P<claim>[^?]+)"
)
_DENIAL = regex.compile(
    r"(?i)\b(?:den(?:y|ies|ied|ying|ial)|reject(?:s|ed|ing)?|dismiss(?:es|ed|ing)?|refut(?:es|ed)|disput(?:es|ed)|false|untrue|"
    r"baseless|unfounded)\b"
)
_OPEN = regex.compile(
    r"(?i)^(?:how|what|who|whom|whose|which|when|where|why|whether|if|anything|something|about|so|it|this|that|more|on|of|to (?:anyone|anybody))\b"
)


def whether(evidence: Evidence, quoted: Quoted) -> Quoted:
    """The quoted answer; where it is asked whether one person said a certain thing, with the sentences that decide it and
    a note that says how.
    """
    denied = _DENIED.match(asking_part(evidence.query.text))
    if denied and quoted.chosen and len(evidence.speakers) == 1:
        return _denied(denied["claim"], evidence, quoted)
    asked = _ASKED.match(asking_part(evidence.query.text))
    if asked is None or len(evidence.speakers) != 1 or _OPEN.match(asked["claim"]):
        return quoted
    names = next(iter(evidence.speakers.values()))
    if not names or any(is_silence(c.text) for c in quoted.chosen):
        return quoted
    verdict, decided = said_of(asked["claim"], [c for c in evidence.candidates if c.speaker in names])
    if verdict == "supported":
        return replace(quoted, status="answered", chosen=decided, notes=(*quoted.notes, f"{names[0]} said so."))
    if verdict == "contrary":
        return replace(quoted, status="answered", chosen=decided, notes=(*quoted.notes, f"{names[0]} said otherwise."))
    if not quoted.chosen:
        return quoted
    note = f"The archive has no record that {names[0]} said so; quoted is what it has {names[0]} say on this."
    return replace(quoted, status="partly", notes=(*quoted.notes, note))


def _denied(claim: str, evidence: Evidence, quoted: Quoted) -> Quoted:
    """The answer to whether somebody denied a claim."""
    names = next(iter(evidence.speakers.values()))
    verdict, decided = said_of(claim, [c for c in evidence.candidates if c.speaker in names])
    if verdict == "contrary":
        return replace(quoted, chosen=decided)
    if not names or any(_DENIAL.search(c.text) or is_silence(c.text) for c in quoted.chosen):
        return quoted
    note = f"The archive has no record that {names[0]} denied it; quoted is what it has {names[0]} say on this."
    return replace(quoted, status="partly", notes=(*quoted.notes, note))

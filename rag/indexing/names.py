"""Names of people and bodies, made comparable."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import lru_cache

import regex

from rag.indexing.speech_words import ROLES, SUFFIXES, SURNAMES, THINGS

# Capitalised words in a row.
CAPITALISED = regex.compile(r"\p{Lu}[\p{L}\p{M}’'-]+(?: \p{Lu}[\p{L}\p{M}’'-]+)*")
_PLAIN = {ord("ł"): "l", ord("ø"): "o", ord("đ"): "d", ord("ı"): "i"}


@lru_cache(maxsize=1 << 14)
def name_tokens(name: str) -> tuple[str, ...]:
    """The words of a name for comparison: case and accents folded, honorifics, roles and possessives dropped."""
    flat = unicodedata.normalize("NFKD", name.replace("’", "'"))
    spelled = "".join(c for c in flat if not unicodedata.combining(c)).replace(",", " ").split()
    words = [word.casefold().translate(_PLAIN).removesuffix("'s") for word in spelled]
    last = max((i for i, word in enumerate(words) if word not in SUFFIXES), default=-1)
    capital = last >= 0 and spelled[last][0].isupper()
    kept: list[str] = []
    for i, word in enumerate(words):
        surname = i == last and capital and word in SURNAMES  # Steve King is no king
        if surname or (word not in ROLES and word + "." not in ROLES and word != "the"):
            kept.append(word.strip(".'\""))
    return tuple(w for w in kept if w)


def without_owner(name: str) -> str:
    """A name without the "'s" of what it owns."""
    return name.removesuffix("'s").removesuffix("’s")


# Endings that are one in Cyrillic: Zelensky, Zelenskyy, Zelenskiy; Sergei, Sergey; Dmitri, Dmitry.
_ENDINGS = (("sky", "skyy", "skiy", "skii", "skij", "ski"), ("ey", "ei", "ej"), ("ry", "ri", "riy", "rii"))


@lru_cache(maxsize=1 << 14)
def spellings(token: str) -> tuple[str, ...]:
    """The ways in which a word of a name may be written in Latin letters, the one that stands for all of them first."""
    for endings in _ENDINGS:
        for ending in sorted(endings, key=len, reverse=True):
            if token.endswith(ending) and len(token) > len(ending) + 2:
                stem = token.removesuffix(ending)
                return tuple(stem + other for other in endings)
    return (token,)


def acronym(name: str) -> str:
    """What a body's name of several words may be shortened to ("iaea" of "International Atomic Energy Agency"); ""."""
    words = [word for word in name.replace("-", " ").split() if word[0].isupper()]
    whole = len(words) > 2 or (len(words) == 2 and words[1].casefold() in THINGS | {"nations"})
    return "".join(word[0] for word in words).casefold() if whole and name_tokens(name) else ""


def is_acronym(name: str) -> bool:
    return name.isalpha() and name.isupper() and 1 < len(name) < 7


@lru_cache(maxsize=1 << 15)
def same_person(a: str, b: str) -> bool:
    """Whether two names can be one person's: every word of the shorter stands in the longer, in order, and the two
    agree where they begin or end ("Lavrov", "Sergei Lavrov"; "Wang", "Wang Yi"; not "Michelle Obama", "Barack Obama").
    A body may go by its acronym.
    """
    short, long = sorted((_spelled(a), _spelled(b)), key=len)
    if not short:
        return False
    if len(short) == 1:
        brief, full = (a, b) if len(a) < len(b) else (b, a)
        return short[0] in (long[0], long[-1]) or (is_acronym(brief) and brief.casefold() == acronym(full))
    return short[-1] == long[-1] and in_order(short, long)


def _spelled(name: str) -> tuple[str, ...]:
    return tuple(spellings(word)[0] for word in core(name_tokens(name)))


def core(words: Sequence[str]) -> Sequence[str]:
    """A name without "Jr." and the like."""
    kept = tuple(w for w in words if w not in SUFFIXES)
    return kept or words


def in_order(short: Sequence[str], long: Sequence[str]) -> bool:
    """Whether ``short`` is ``long`` with words left out; an initial stands for its word."""
    rest = iter(long)
    return all(
        any(w == s or (len(s) == 1 and w.startswith(s)) or (len(w) == 1 and s.startswith(w)) for w in rest)
        for s in short
    )


def nearly(a: str, b: str) -> bool:
    """Whether two words differ by a slip: one letter put in, left out, changed, or two exchanged; two in long words."""
    most = 0 if min(len(a), len(b)) < 4 else 1 if min(len(a), len(b)) < 8 else 2
    if abs(len(a) - len(b)) > most:
        return False
    before: list[int] = []
    last = list(range(len(b) + 1))
    for i in range(1, len(a) + 1):
        row = [i]
        for j in range(1, len(b) + 1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1]))
            if before and j > 1 and a[i - 1] == b[j - 2] and a[i - 2] == b[j - 1]:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        before, last = last, row
    return last[-1] <= most

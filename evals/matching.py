"""When two strings are the same answer, and when a text holds one."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable

_BREAKS = re.compile(r"[—―]|--|\.\.\.")
_PUNCTUATION = re.compile(r"[^\w\s]|_")
_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_POSSESSIVE = re.compile(r"['’]s\b")
_HYPHENS = re.compile(r"[-‐‑–]")


def normalise(text: str) -> str:
    """SQuAD's normalisation (Rajpurkar et al., 2016): lower case, no punctuation, no articles, single spaces.

    Punctuation is Unicode's, not ASCII's alone, since news is typeset with curly quotes; a dash or an ellipsis
    between words separates them, as a space does.
    """
    # NFKC also writes an ellipsis as three dots.
    lowered = _BREAKS.sub(" ", unicodedata.normalize("NFKC", text)).lower()
    return " ".join(_ARTICLES.sub(" ", _PUNCTUATION.sub("", lowered)).split())


def words(text: str) -> str:
    """``normalise`` for looking inside running text: "Brazil's" is Brazil and "China-led" is China, led."""
    return normalise(_HYPHENS.sub(" ", _POSSESSIVE.sub("", text)))


def holds(text: str, string: str) -> bool:
    """Whether ``string`` stands in ``text``, whole words only ("15" is not in "2015"). An empty string never does."""
    return holds_words(words(text), words(string))


def holds_words(text: str, string: str) -> bool:
    """``holds`` for two strings that have been through ``words`` already."""
    return bool(string) and f" {string} " in f" {text} "


def standing(strings: Iterable[str], texts: Iterable[str]) -> set[str]:
    """Those of ``strings`` that at least one of ``texts`` holds; one pass over the texts."""
    by_word: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for string in strings:
        if wanted := words(string):
            by_word[max(wanted.split(), key=len)][string] = wanted
    found: set[str] = set()
    for text in texts:
        plain = words(text)
        for word in by_word.keys() & set(plain.split()):
            found.update(string for string, wanted in by_word[word].items() if holds_words(plain, wanted))
    return found


def exact_match(given: str, gold: Iterable[str]) -> float:
    """1.0 when ``given`` equals one of ``gold`` after ``normalise``, else 0.0 (SQuAD's EM)."""
    return float(bool(normalise(given)) and normalise(given) in {normalise(each) for each in gold})


def f1(given: str, gold: Iterable[str]) -> float:
    """Harmonic mean of precision and recall over the bags of normalised words, the best over ``gold`` (SQuAD's F1)."""
    return max((_f1(normalise(given).split(), normalise(each).split()) for each in gold), default=0.0)


def _f1(given: list[str], gold: list[str]) -> float:
    common = sum((Counter(given) & Counter(gold)).values())
    return 2 * common / (len(given) + len(gold)) if common else 0.0

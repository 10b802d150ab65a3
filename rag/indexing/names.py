"""Names of people and bodies, made comparable."""

from __future__ import annotations

import unicodedata

import regex

_HONORIFICS = frozenset("mr mrs ms miss dr prof professor sir dame lord lady".split())


def name_tokens(name: str) -> tuple[str, ...]:
    """The words of a name, casefolded, without accents and honorifics: ``"Dr. José Ruiz"`` → ``("jose", "ruiz")``."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(c))
    words = regex.findall(r"[\p{L}\p{N}]+(?:['’-][\p{L}\p{N}]+)*", plain)
    return tuple(w for w in (w.removesuffix("'s").removesuffix("’s") for w in words) if w not in _HONORIFICS)

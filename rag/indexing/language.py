# pyright: basic
# (py3langid's types are partial)
"""Which language a text is written in."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

# Letters of a text that are looked at, and the fewest that a guess is made from.
_READ = 3_000
_FEWEST = 60
_SURE, _LIKELY = 0.99, 0.8
# Languages that one text can be in by its letters and common words, so that a page's own statement decides.
_ALIKE = [{"no", "nb", "nn", "da"}, {"hr", "sr", "bs", "sl"}, {"id", "ms"}, {"cs", "sk"}, {"pt", "gl"}, {"bg", "mk"}]


def language_of(text: str, stated: str = "") -> str:
    """The two-letter code of the language of a text; what was ``stated`` for it, where the text is too short to tell.

    Templates often state the language of their makers: a text of some length is believed before them.
    """
    sample = text[:_READ]
    if sum(c.isalpha() for c in sample) < _FEWEST:
        return stated
    code, sure = _identifier().classify(sample)
    if stated and (sure < _SURE or any({code, stated} <= group for group in _ALIKE)):
        return stated
    return str(code) if sure >= (_SURE if stated else _LIKELY) else stated


@lru_cache(maxsize=1)
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # its model takes a second to load

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)

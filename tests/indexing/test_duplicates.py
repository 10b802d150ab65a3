"""Near-duplicates: what is a copy, what is not, and that the sketch finds what the comparison confirms."""

from __future__ import annotations

import random
import string
from collections.abc import Callable

import pytest

from rag import Article
from rag.indexing.duplicates import are_copies, bands, same_text, shingles

Make = Callable[..., Article]


def story(seed: int, sentences: int = 30) -> list[str]:
    """Sentences of invented words."""
    noise = random.Random(seed)
    words = ["".join(noise.choices(string.ascii_lowercase, k=noise.randint(2, 9))) for _ in range(400)]
    return [" ".join(noise.choices(words, k=noise.randint(8, 20))).capitalize() + "." for _ in range(sentences)]


def test_copies_meet_in_a_band_and_other_texts_do_not() -> None:
    texts = [bands(" ".join(story(n))) for n in range(60)]
    assert not any(set(a) & set(b) for n, a in enumerate(texts) for b in texts[:n])
    met = 0
    for n in range(40):
        whole = story(n)
        cut = whole[: len(whole) * 3 // 4]  # another desk cuts a quarter and changes a sentence
        cut[5] = story(n + 1000)[0]
        met += bool(set(bands(" ".join(whole))) & set(bands(" ".join(cut))))
    assert met >= 38


def test_the_sketch_does_not_depend_on_case_punctuation_or_the_process() -> None:
    text = " ".join(story(3))
    assert bands(text) == bands(text.upper().replace(".", " !"))
    assert bands("Alpha beta gamma delta. " + " ".join(f"word{n}" for n in range(40)))[0] == FIRST


FIRST = 3060471429685616134


def test_a_very_short_text_is_no_copy_of_anything() -> None:
    assert bands("Closed on Monday.") == ()


@pytest.mark.parametrize(
    ("day", "copies"), [("2024-05-02", True), ("2024-05-05", True), ("2024-05-20", False), ("", True)]
)
def test_what_is_alike_weeks_later_is_a_template(make_article: Make, day: str, copies: bool) -> None:
    text = " ".join(story(1))
    a = make_article("a", text, published="2024-05-02")
    assert are_copies(a, make_article("b", text, published=day)) is copies


def test_the_same_text_is_what_stands_in_the_larger_but_for_small_changes() -> None:
    whole = story(7)
    assert same_text(shingles(" ".join(whole)), shingles(" ".join(whole[:20])))
    assert not same_text(shingles(" ".join(whole)), shingles(" ".join(whole[:5])))
    assert not same_text(shingles(" ".join(whole)), shingles(" ".join(story(8))))

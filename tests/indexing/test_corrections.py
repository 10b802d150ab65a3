"""What articles correct, and which reports they speak of."""

from __future__ import annotations

import time

import pytest

from rag.indexing.corrections import corrects, notices, wrong_in
from rag.indexing.identity import article_id, canonical_url
from rag.records import Article, Correction


def report(text: str, *, title: str = "A report", outlet: str = "The Post", day: str = "2024-04-25") -> Article:
    return Article("r", title, text, outlet=outlet, published=day)


def correcting(text: str, *, outlet: str = "The Post", day: str = "2024-05-02") -> Article:
    return Article("c", "Something new", f"News of the day.\n\n{text}", outlet=outlet, published=day)


@pytest.mark.parametrize(
    ("text", "wrong", "right"),
    [
        ("Correction: The bell weighs 3 tons.", "", "Correction: The bell weighs 3 tons."),
        ("News.\n\nCorrection, May 3: An earlier version of this article said 4. It was 6.",
         "Correction, May 3: An earlier version of this article said 4.", "It was 6."),
        ("Correction: In our report of May 3 the bell was said to weigh 4 tons. It weighs 3.",
         "Correction: In our report of May 3 the bell was said to weigh 4 tons.", "It weighs 3."),
        ("Correction: On May 3 the Post wrote that it was 4. It was 6.",
         "Correction: On May 3 the Post wrote that it was 4.", "It was 6."),
    ],
)  # fmt: skip
def test_what_a_correction_says(text: str, wrong: str, right: str) -> None:
    (notice,) = notices(Article("x", "A title", text))
    assert (notice.wrong, notice.right) == (wrong, right)
    assert notice.span.of(text) == notice.text


def test_each_paragraph_corrects_apart() -> None:
    text = "Correction: It was 4 tons.\n\nNews.\n\nCorrection: They were 9 men."
    assert [n.right for n in notices(Article("x", "A title", text))] == [
        "Correction: It was 4 tons.",
        "Correction: They were 9 men.",
    ]


@pytest.mark.parametrize(
    "text", ["She had just corrected the pronunciation.", "The correction of the river took years."]
)
def test_the_word_alone_corrects_nothing(text: str) -> None:
    assert notices(Article("x", "A title", text)) == []


CRANE = "Correction: In our report of April 25 the port's director was quoted as saying that the crane had been inspected on April 16. The date he gave was April 6."
BELL = "Correction: An earlier report said that the bronze bell of Aldmoor cathedral weighs 14 tons. It weighs 11."
SAID = "Correction: On Thursday we attributed the words “Let the river keep the bridge” to the mayor. They were spoken by Otto Wren."


@pytest.mark.parametrize(
    ("notice", "text"),
    [
        (CRANE, "The harbour crane fell. The crane had been inspected on April 16 and had passed, the port's director said."),
        (BELL, "The bronze bell of the cathedral of Aldmoor, which weighs 14 tons, was hung."),
        (BELL, "The bronze bell of the cathedral of Aldmoor, which weighs fourteen tons, was hung."),
        (SAID, "The mayor was blunt. “Let the river keep the bridge,” she said."),
        ("Correction: The bronze bell weighs 11 tons. The Post gave a wrong figure on April 25.",
         "The bronze bell weighs 14 tons, said the founder."),
    ],
)  # fmt: skip
def test_the_report_that_says_what_was_wrong_is_linked(notice: str, text: str) -> None:
    by = correcting(notice)
    (found,) = notices(by)
    assert corrects(found, report(text))
    correction = Correction("c", by.title, by.outlet, by.published, "", found.wrong, found.right, 0, 0)
    assert any(wrong_in(sentence, correction, "2024-04-25") for sentence in text.split(". "))
    assert not any(
        wrong_in(s, correction, "2024-04-25") for s in ("It weighs 11 tons.", "The bell of Aldmoor was hung.")
    )
    # In doubt, there is no link.
    assert not corrects(found, report(text, outlet="The Star")), "another outlet's"
    assert not corrects(found, report(text, day="2024-05-03")), "a later one"
    assert not corrects(found, report(text, outlet="")), "nobody's"
    assert not corrects(found, report("The bell of Aldmoor was hung on Thursday, and 14 people came."))
    if notice != SAID:
        assert not corrects(found, report(f"News.\n\n{notice}")), "another correction of the same"
        assert not corrects(found, report("Some 14 tons of gravel lay in the road on April 16.")), "of something else"


def test_a_report_that_is_named_is_linked() -> None:
    url = "https://post.example/bell"
    told = f"Correction: we misstated the weight of the bell ({url})."
    by_url = notices(correcting(told, outlet="The Post"))[0]
    named = Article(
        article_id(canonical_url(url)), "Bell", "It is hung.", url, outlet="The Post", published="2023-12-01"
    )
    assert corrects(by_url, named)
    assert not corrects(notices(correcting(told, outlet="Elsewhere"))[0], named), "nobody corrects others' reports"
    by_title = notices(correcting("Correction: Our story “Bell Is Hung at Last” misspelt a name."))[0]
    assert corrects(by_title, report("Text.", title="Bell is hung at last"))
    assert not corrects(by_title, report("Text.", title="Bell"))


@pytest.mark.parametrize(
    ("notice", "text"),
    [
        # A name alone is no sign; nor is what is said where the correction tells which page it means.
        ("Correction: On April 25 we misnamed the actor in “The Long Tide” as Bob Wu. He is Rob Wu.",
         "Ten plays to see: “The Long Tide” has Bob Wu and others on the stage."),
        (f"{BELL} https://post.example/another", "The bronze bell of Aldmoor cathedral weighs 14 tons."),
    ],
)  # fmt: skip
def test_in_doubt_there_is_no_link(notice: str, text: str) -> None:
    assert not corrects(notices(correcting(notice))[0], report(text))


def test_news_of_what_is_wrong_is_no_correction() -> None:
    for text in (
        "The five men wrongly convicted of the attack were paid 41 million dollars.",
        "The Acme Company incorrectly reported profits of 3 million.",
    ):
        assert not notices(correcting(text, outlet="Courier"))
    assert notices(correcting("The Courier incorrectly reported profits of 3 million.", outlet="Courier"))


def test_a_long_line_is_read_at_once() -> None:
    begun = time.perf_counter()
    for words in ("the ", "The Courier "):
        assert not notices(correcting(words * 20_000 + " correction", outlet="Courier"))
    assert time.perf_counter() - begun < 3


def test_undated_articles_correct_nothing() -> None:
    assert not corrects(
        notices(correcting(BELL, day=""))[0], report("The bronze bell of Aldmoor cathedral weighs 14 tons.")
    )
    assert not corrects(
        notices(correcting(BELL))[0], report("The bronze bell of Aldmoor cathedral weighs 14 tons.", day="")
    )

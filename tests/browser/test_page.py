"""The page in a real browser: ask, read, open a source; and nothing from an article runs or loads."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser, expect

from tests.browser.pages import ask, opened, picture

QUESTION = "What did Lavrov say about BRICS expansion?"
SENTENCE = "Lavrov noted that the number of like-minded countries is increasing"


def test_the_seed_question_to_an_opened_source(browser: Browser, seed_archive: Path) -> None:
    with opened(browser, seed_archive) as (page, trouble):
        expect(page.locator("#top")).to_contain_text("1 article · 1 outlet")
        page.get_by_label("Your question").fill("   ")
        page.keyboard.press("Enter")
        page.wait_for_timeout(500)  # turned away; nobody types a question faster than that
        expect(page.locator(".opening")).to_be_visible()
        ask(page, QUESTION, 1)
        answer = page.locator("#turn-1")
        expect(answer).to_contain_text(SENTENCE)
        expect(answer).not_to_contain_text("Wang", use_inner_text=True)
        expect(answer.locator(".verdict")).to_contain_text("1 article, 1 outlet, 2024-06-11 to 2024-06-11")

        answer.get_by_text("[1]").click()
        quote = page.locator("#panel mark.open")
        expect(quote).to_contain_text(SENTENCE)
        expect(quote).to_be_in_viewport()
        expect(page.locator("#panel .source")).to_contain_text("Xinhua")
        expect(page.locator("#panel .source")).to_contain_text("In the words of Sergei Lavrov")
        answer.get_by_text("[1]").hover()
        expect(answer.locator(".card").first).to_be_visible()
        expect(answer.locator(".card").first).to_contain_text(SENTENCE)
        picture(page, "answer")

        # An earlier answer opens its own sources, by keyboard.
        ask(page, "What did Macron say about BRICS?", 2)
        expect(page.locator("#turn-2")).to_contain_text("The archive does not answer this.")
        expect(page.locator("#panel")).to_contain_text("None of these answers the question.")
        page.locator("#turn-1 .cite").first.focus()
        page.keyboard.press("Enter")
        expect(page.locator("#panel mark.open")).to_contain_text(SENTENCE)
        assert trouble == []


def test_examples_filters_and_errors(browser: Browser, seed_archive: Path) -> None:
    with opened(browser, seed_archive, width=390, height=844) as (page, trouble):
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        page.get_by_role("button", name=QUESTION).click()
        expect(page.locator("#turn-1")).to_contain_text(SENTENCE)

        page.locator("#narrow").get_by_label("From").fill("2024-06-12")
        ask(page, QUESTION, 2)
        expect(page.locator("#turn-2 .narrowed")).to_contain_text("from 2024-06-12")
        expect(page.locator("#turn-2")).to_contain_text("The archive does not answer this.")

        page.locator("#narrow").get_by_label("to", exact=True).fill("2024-06-01")
        ask(page, QUESTION, 3)
        expect(page.locator("#turn-3 .failed")).to_have_text("“From” 2024-06-12 is after “to” 2024-06-01; swap them")

        page.get_by_role("button", name="Clear").click()
        page.locator("#narrow .outlets summary").click()
        page.get_by_label("Xinhua (1)").check()
        ask(page, QUESTION, 4)
        expect(page.locator("#turn-4 .narrowed")).to_contain_text("Xinhua")
        expect(page.locator("#turn-4")).to_contain_text(SENTENCE)

        ask(page, "x" * 10_000, 5)
        expect(page.locator("#turn-5 .failed")).to_contain_text("ask a shorter one")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        picture(page, "phone")
        assert trouble == []


def test_nothing_from_an_article_or_a_question_runs(browser: Browser, hostile_archive: Path) -> None:
    with opened(browser, hostile_archive) as (page, trouble):
        ask(page, "What did Ada Moss say about the harbour bridge?", 1)
        ask(page, "When will the harbour bridge open? <img src=x onerror='window.fired=1'> ${window.fired=1}", 2)
        ask(page, "{{{window.fired=1}}} <script>window.fired=1</script>", 3)
        for turn in (1, 2):
            for cite in page.locator(f"#turn-{turn} .cite").all():
                cite.hover()
                cite.click()
            page.wait_for_timeout(500)  # the panel changes to this turn's sources
            for summary in page.locator("#panel summary").all():
                summary.click()
        page.wait_for_timeout(300)
        assert page.locator("#past .cite").count() > 0
        assert page.evaluate("window.fired") is None
        assert (
            page.locator(
                ":is(#past, #current, #panel) :is(script, img, iframe, svg, video, style, form:not(.why))"
            ).count()
            == 0
        )
        assert trouble == []


def test_a_missing_archive_says_what_to_run(browser: Browser, tmp_path: Path) -> None:
    with opened(browser, tmp_path / "none") as (page, trouble):
        expect(page.locator("#current pre")).to_contain_text("python ingest.py")
        ask(page, QUESTION, 1)
        expect(page.locator("#turn-1 .failed")).to_contain_text("ingest.py")
        assert trouble == []

"""An hour's work in a real browser: several conversations, follow-ups, narrowing, quotes, timelines, taking it along."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from rag.stores.feedback import Feedback
from tests import model_server
from tests.browser.pages import ask, free_port, picture, served, visited
from tests.model_server import ModelServer

WHALES = "How many pilot whales came ashore in Gull Bay?"
CORVO = "What did Ines Corvo say about the quay?"


@pytest.fixture
def page(browser: Browser, press: str) -> Iterator[Page]:
    with visited(browser, press) as (page, trouble):
        yield page
        assert trouble == []


def test_conversations_are_kept_renamed_reopened_and_deleted(page: Page) -> None:
    ask(page, WHALES, 1)
    ask(page, "And when?", 2)
    page.get_by_role("button", name="New conversation").click()
    expect(page.locator(".opening")).to_be_visible()
    ask(page, CORVO, 1)
    titles = page.locator("#keeper .title")
    expect(titles).to_have_text([CORVO, WHALES])

    page.reload()
    expect(page.locator("#turn-1")).to_contain_text("rebuild the quay")
    expect(page.locator("#panel")).to_contain_text("Quay to be rebuilt")
    page.get_by_role("button", name=f"Rename: {WHALES}").click()
    page.get_by_label("Name of the conversation").fill("Whales")
    page.keyboard.press("Enter")
    expect(titles).to_have_text([CORVO, "Whales"])

    titles.filter(has_text="Whales").click()
    expect(page.locator("#turn-1 .asked")).to_have_text(WHALES)
    expect(page.locator("#turn-2 .asked")).to_have_text("And when?")
    page.get_by_role("button", name=f"Delete: {CORVO}").click()
    expect(titles).to_have_text(["Whales"])
    page.get_by_role("button", name="Delete: Whales").click()
    expect(titles).to_have_count(0)
    expect(page.locator(".opening")).to_be_visible()


SAID = """() => [...document.querySelectorAll("#current .said")].map((said) => {
  const copy = said.cloneNode(true);
  copy.querySelectorAll(".card").forEach((card) => card.remove());
  return copy.textContent;
})"""
WATCH = f"""() => {{
  window.seen = [];
  new MutationObserver(() => window.seen.push(({SAID})()))
    .observe(document.querySelector("#current"), {{ childList: true, subtree: true }});
}}"""


@pytest.mark.parametrize("question", [WHALES, CORVO, "What happened to the ferry Alba?"])
def test_a_sentence_that_was_shown_stays(page: Page, question: str) -> None:
    page.evaluate(WATCH)
    ask(page, question, 1)
    shown: list[list[str]] = [said for said in page.evaluate("window.seen") if said]
    assert shown[-1] == page.evaluate(SAID)
    for before, after in pairwise(shown):
        assert after[: len(before)] == before


def test_two_tabs_at_once_keep_their_own_conversations(browser: Browser, press: str) -> None:
    with visited(browser, press) as (one, trouble):
        two = one.context.new_page()
        two.goto(press)
        expect(two.locator(".opening")).to_be_visible()
        ask(one, WHALES, 1)
        ask(two, CORVO, 1)
        expect(one.locator("#keeper .title")).to_have_count(2)
        expect(two.locator("#keeper .title")).to_have_count(2)
        for tab, asked in ((one, WHALES), (two, CORVO)):
            tab.reload()
            expect(tab.locator("#turn-1 .asked")).to_have_text(asked)
        assert trouble == []


def test_a_follow_up_shows_what_was_searched_for_and_can_be_changed(page: Page) -> None:
    ask(page, CORVO, 1)
    ask(page, "And about the insurers?", 2)
    searched = page.locator("#turn-2 .searched")
    expect(searched).to_contain_text("searched for:")
    expect(page.locator("#turn-2 .notes", has_text="searched for:")).to_have_count(0)
    searched.get_by_role("button", name="change").click()
    page.get_by_label("The question, to be changed").fill("What did Corvo say about the insurers?")
    page.keyboard.press("Enter")
    expect(page.locator("#turn-2 .asked")).to_have_text("What did Corvo say about the insurers?")
    expect(page.locator("#turn-2")).to_contain_text("agreed to pay")

    # An earlier question changed begins a conversation of its own; the old one is still there.
    page.locator("#turn-1").get_by_role("button", name="Edit").click()
    page.get_by_label("The question, to be changed").fill(WHALES)
    page.keyboard.press("Enter")
    expect(page.locator("#turn-1 .asked")).to_have_text(WHALES)
    expect(page.locator("#turn-2")).to_have_count(0)
    expect(page.locator("#keeper .title")).to_have_count(2)
    page.locator("#turn-1").get_by_role("button", name="Retry").click()
    expect(page.locator("#turn-1")).to_contain_text("31 pilot whales")


def test_conflicting_accounts_stand_side_by_side_the_newest_first(page: Page) -> None:
    ask(page, WHALES, 1)
    expect(page.locator("#turn-1 .badge")).to_have_text("Sources conflict")
    versions = page.locator("#turn-1 .versions li")
    expect(versions.nth(0)).to_contain_text("37 pilot whales")
    expect(versions.nth(1)).to_contain_text("31 pilot whales")
    boxes = [versions.nth(i).bounding_box() for i in (0, 1)]
    assert boxes[0] and boxes[1] and boxes[0]["y"] == boxes[1]["y"]
    expect(page.locator("#panel")).to_contain_text("updated")
    picture(page, "conflict")
    ask(page, "Where did the ferry Alba run aground?", 2)
    page.locator("#panel .also summary").click()
    expect(page.locator("#panel .also")).to_contain_text("also in 2 outlets")
    expect(page.locator("#panel .also")).to_contain_text("Radio Verenia")


@pytest.mark.parametrize("width", [1280, 1120])
def test_the_card_of_a_citation_is_never_cut_off(browser: Browser, press: str, width: int) -> None:
    with visited(browser, press, width, 560) as (page, trouble):
        ask(page, WHALES, 1)
        column = page.locator("#reading").bounding_box()
        assert column is not None
        for cite in page.locator("#turn-1 .cite").all():
            cite.hover()
            card = page.locator("#turn-1 .card:visible")
            expect(card).to_contain_text("whales")
            box = card.bounding_box()
            assert box is not None and column["x"] <= box["x"]
            assert box["x"] + box["width"] <= column["x"] + column["width"]
            assert column["y"] <= box["y"] and box["y"] + box["height"] <= column["y"] + column["height"]
        picture(page, f"card-{width}")
        assert trouble == []


def test_what_is_not_there_is_told_with_coverage_and_the_nearest(page: Page) -> None:
    ask(page, "Who won the chess olympiad in Budapest?", 1)
    turn = page.locator("#turn-1")
    expect(turn.locator(".badge")).to_have_text("Not in the archive")
    expect(turn).to_contain_text("7 articles, 5 outlets, 2024-01-22 to 2024-04-02")


def test_the_dates_of_a_question_are_a_chip_that_can_be_taken_away(page: Page) -> None:
    ask(page, "What happened to the ferry Alba in March 2024?", 1)
    chip = page.locator("#turn-1 button.chip")
    expect(chip).to_contain_text("March 1, 2024 to March 31, 2024")
    chip.click()
    expect(page.locator("#turn-1 .chip.off")).to_have_text("dates of the question ignored")
    expect(page.locator("#turn-1")).to_contain_text("Marrow Point")

    # Days chosen on the histogram.
    bars = page.locator("#narrow .bars svg")
    box = bars.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] - 3, box["y"] + 10)
    page.mouse.down()
    page.mouse.up()
    expect(page.locator("#narrow").get_by_role("textbox", name="From")).to_have_value(re.compile("2024-0[34]-"))
    ask(page, WHALES, 2)
    expect(page.locator("#turn-2 .badge")).to_have_text("Not in the archive")
    page.locator("#turn-2 button.chip").filter(has_text="from").click()
    expect(page.locator("#turn-2 button.chip")).to_have_count(1)
    expect(page.locator("#turn-2 .badge")).to_have_text("Sources conflict")


def test_a_language_and_a_speaker_narrow_a_question(page: Page, browser: Browser, press: str) -> None:
    narrow = page.locator("#narrow")
    narrow.get_by_role("textbox", name="Words of").or_(narrow.get_by_role("combobox", name="Words of")).fill("Corvo")
    ask(page, "What about the quay?", 1)
    turn = page.locator("#turn-1")
    expect(turn).to_contain_text("We will rebuild the quay")
    expect(turn.locator("button.chip")).to_have_text(["words of Corvo ×"])
    assert "Ines Corvo" in page.locator("#people option").evaluate_all("them => them.map(o => o.value)")

    narrow.locator(".languages summary").click()
    narrow.get_by_label("Arabic (1)").check()
    expect(narrow.locator(".languages summary")).to_have_text("Arabic")
    page.keyboard.press("Escape")
    ask(page, "What about the quay?", 2)
    expect(page.locator("#turn-2 .badge")).to_have_text("Not in the archive")
    expect(page.locator("#turn-2 button.chip")).to_have_text(["in Arabic ×", "words of Corvo ×"])
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator("#turn-2").get_by_role("button", name="Link").click()
    page.wait_for_function("navigator.clipboard.readText().then(t => t.includes('languages=ar'))")
    link = page.evaluate("navigator.clipboard.readText()")
    page.get_by_role("button", name="Ask again without: in Arabic").click()
    expect(page.locator("#turn-2 .badge")).to_have_text("Answered")
    expect(page.locator("#turn-2 button.chip")).to_have_count(1)
    narrow.get_by_role("button", name="Clear").click()
    expect(narrow.locator(".languages summary")).to_have_text("All languages")
    expect(narrow.locator('[name="speaker"]')).to_have_value("")
    with visited(browser, link) as (other, trouble):
        expect(other.locator("#turn-1 button.chip")).to_have_count(2)
        expect(other.locator('#narrow [name="speaker"]')).to_have_value("Corvo")
        expect(other.locator("#narrow .languages summary")).to_have_text("Arabic")
        assert trouble == []


def test_the_timeline_of_a_question_opens_its_articles(page: Page) -> None:
    ask(page, WHALES, 1)
    page.locator("#panel").get_by_role("button", name="Timeline").click()
    items = page.locator("#panel .line li")
    expect(items.first).to_contain_text("January 22, 2024")
    expect(items.nth(1)).to_contain_text("January 23, 2024")
    picture(page, "timeline")
    items.nth(1).get_by_role("button").click()
    expect(page.locator("#panel mark.open")).to_contain_text("37 pilot whales")
    page.locator("#panel").get_by_role("button", name="Sources").click()
    expect(page.locator("#panel .source")).to_have_count(2)


def test_answers_are_copied_saved_and_linked_to(page: Page, browser: Browser, press: str) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator("#narrow").get_by_role("textbox", name="From").fill("2024-03-01")
    ask(page, CORVO, 1)
    actions = page.locator("#turn-1 .actions")
    actions.get_by_role("button", name="Copy").click()
    page.wait_for_function("navigator.clipboard.readText().then(t => t.includes('[1] Quay to be rebuilt'))")
    saved: dict[str, str] = {}
    for name in ("Markdown", "HTML", "JSON", "CSL-JSON", "BibTeX"):
        actions.locator("summary").click()
        with page.expect_download() as download:
            actions.get_by_role("button", name=name, exact=True).click()
        saved[download.value.suggested_filename.split(".", 1)[1]] = Path(download.value.path()).read_text("utf-8")
    assert set(saved) == {"md", "html", "json", "csl.json", "bib"}
    assert json.loads(saved["json"])[0]["status"] == "answered"
    assert json.loads(saved["csl.json"])[0]["container-title"] == "Harbour Post"
    assert "journal = {Harbour Post}" in saved["bib"]
    assert "rebuild the quay" in saved["md"] and "https://example.org/quay" in saved["html"]
    with page.expect_download() as download:
        page.get_by_label("Export this conversation").select_option("md")
    assert "rebuild the quay" in Path(download.value.path()).read_text("utf-8")

    actions.get_by_role("button", name="Link").click()
    page.wait_for_function("navigator.clipboard.readText().then(t => t.startsWith('http'))")
    link = page.evaluate("navigator.clipboard.readText()")
    with visited(browser, link) as (other, trouble):
        expect(other.locator("#turn-1")).to_contain_text("rebuild the quay")
        expect(other.locator("#turn-1 .chip")).to_contain_text("from 2024-03-01")
        expect(other.locator("#narrow").get_by_role("textbox", name="From")).to_have_value("2024-03-01")
        assert trouble == []


def test_what_a_reader_says_of_an_answer_is_kept(page: Page, press_archive: Path) -> None:
    ask(page, CORVO, 1)
    page.get_by_role("button", name="Good answer").click()
    expect(page.get_by_role("button", name="Good answer")).to_have_attribute("aria-pressed", "true")
    ask(page, WHALES, 2)
    page.locator("#turn-2").get_by_role("button", name="Bad answer").click()
    page.locator("#turn-2").get_by_label("What is wrong?").select_option("out of date")
    page.locator("#turn-2").get_by_label("What would have been right?").fill("37")
    page.locator("#turn-2").get_by_role("button", name="Keep").click()
    expect(page.locator("#turn-2").get_by_role("button", name="Bad answer")).to_have_attribute("aria-pressed", "true")
    kept = list(Feedback(press_archive).verdicts())
    assert {(v.good, v.reason, v.expected, v.answer["question"]) for v in kept} >= {
        (True, "", "", CORVO),
        (False, "out of date", "37", WHALES),
    }


def test_quotes_are_searched_sorted_and_saved(page: Page) -> None:
    page.get_by_role("tab", name="Quotes").click()
    rows = page.locator(".found tbody tr")
    expect(rows.first).to_be_visible()
    picture(page, "quotes")
    page.locator(".statements").get_by_label("Speaker").fill("Corvo")
    page.keyboard.press("Enter")
    expect(rows.first).to_contain_text("Ines Corvo")
    expect(page.locator(".found")).not_to_contain_text("coastguard")
    page.get_by_role("button", name="Words").click()
    expect(page.get_by_role("columnheader", name="Words")).to_have_attribute("aria-sort", "ascending")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as CSV").click()
    saved = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text("utf-8-sig"))))
    assert saved and {row["speaker"] for row in saved} == {"Ines Corvo"}
    assert saved[0]["date"] == "2024-03-08" and saved[0]["outlet"] == "Harbour Post"


def test_the_archive_tab_shows_coverage_and_takes_files(browser: Browser, tmp_path: Path) -> None:
    story = tmp_path / "story.txt"
    story.write_text("Lighthouse lit again\n\nThe lighthouse of Marrow Point was lit again on Friday, said Ada Moss.\n")
    image = tmp_path / "image.png"
    image.write_bytes(b"\x89PNG")
    with served(tmp_path / "archive") as address, visited(browser, address) as (page, trouble):
        expect(page.locator("#current")).to_contain_text("The archive is not ready")
        page.get_by_role("tab", name="Archive").click()
        expect(page.locator("#holdings")).to_contain_text("no archive at")
        files = page.locator('#files input[type="file"]')
        files.set_input_files(image)
        page.get_by_role("button", name="Add to the archive").click()
        expect(page.locator("#log")).to_contain_text("no kind of file that can be read")
        page.get_by_label("Clear").first.click()
        files.set_input_files(story)
        expect(page.locator("#files")).to_contain_text("story")
        page.get_by_role("button", name="Add to the archive").click()
        expect(page.locator("#log")).to_contain_text("1 added")
        expect(page.locator("#holdings")).to_contain_text("Lighthouse lit again")
        page.get_by_role("tab", name="Ask").click()
        ask(page, "What was lit again at Marrow Point?", 1)
        expect(page.locator("#turn-1")).to_contain_text("lighthouse of Marrow Point")
        assert trouble == []


@contextmanager
def drafting(browser: Browser, archive: Path, *said: str) -> Iterator[tuple[Page, ModelServer, list[str]]]:
    """A page whose answers a scripted model writes: ``said`` is its first reply."""
    with model_server.serve() as model:
        model.say(*said)
        with (
            served(archive, model="openai:test", url=model.url) as address,
            visited(browser, address) as (page, trouble),
        ):
            yield page, model, trouble


def test_a_model_that_breaks_off_leaves_the_quoted_answer(browser: Browser, press_archive: Path) -> None:
    said = ("Corvo said that the quay will be rebuilt by October [1]. And ", model_server.CUT)
    with drafting(browser, press_archive, *said) as (page, _, trouble):
        ask(page, CORVO, 1)
        expect(page.locator("#turn-1 .badge")).to_have_text("Answered")
        expect(page.locator("#turn-1 .notes")).to_contain_text("quoted instead")
        expect(page.locator("#turn-1 .cite").first).to_be_visible()
        assert trouble == []


def test_an_answer_is_stopped_and_asked_again(browser: Browser, press_archive: Path) -> None:
    with drafting(browser, press_archive, "Corvo said that ", model_server.HANG) as (page, model, trouble):
        box = page.get_by_label("Your question")
        box.fill(CORVO)
        box.press("Enter")
        expect(page.locator("#turn-1 .draft")).to_contain_text("Corvo said")
        page.get_by_role("button", name="Stop").click()
        expect(page.locator("#turn-1 .failed")).to_contain_text("Stopped before it was answered.")
        model.say("The quay will be rebuilt by October, Corvo said [1].")
        page.locator("#turn-1").get_by_role("button", name="Retry").click()
        expect(page.locator("#turn-1 .badge")).to_have_text("Answered")
        assert trouble == []


def test_a_server_that_restarts_in_mid_answer_loses_nothing(browser: Browser, press_archive: Path) -> None:
    port = free_port()
    with model_server.serve() as model:
        with (
            served(press_archive, port=port, model="openai:test", url=model.url) as address,
            visited(browser, address) as (page, _),
        ):
            model.say("Between 31 and 37 whales came ashore [1].")
            ask(page, WHALES, 1)
            model.say("Corvo said that ", model_server.HANG)
            box = page.get_by_label("Your question")
            box.fill(CORVO)
            box.press("Enter")
            expect(page.locator("#turn-2 .draft")).to_be_visible()
            state = page.context.storage_state()
        with served(press_archive, port=port) as address, visited(browser, address, storage_state=state) as (page, _):
            page.locator("#keeper .title").click()
            expect(page.locator("#turn-1 .asked")).to_have_text(WHALES)
            expect(page.locator("#turn-1 .cite").first).to_be_visible()
            expect(page.locator("#turn-2 .failed")).to_contain_text("not answered")
            page.locator("#turn-2").get_by_role("button", name="Retry").click()
            expect(page.locator("#turn-2")).to_contain_text("rebuild the quay")

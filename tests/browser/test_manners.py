"""Light and dark, narrow and wide, keyboard alone, other scripts; and what a screen reader is given."""

from __future__ import annotations

import time
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.browser.pages import ask, picture, visited
from tests.browser.test_work import CORVO, WHALES


def violations(page: Page) -> list[tuple[str, str]]:
    """Axe's serious and critical findings: (rule, the first place)."""
    found: dict[str, Any] = Axe().run(page).response
    return [
        (v["id"], v["nodes"][0]["html"][:200]) for v in found["violations"] if v["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(browser: Browser, press: str, scheme: str) -> None:
    with visited(browser, press, color_scheme=scheme, reduced_motion="reduce") as (page, trouble):
        assert violations(page) == []
        ask(page, WHALES, 1)
        ask(page, "What happened to the ferry Alba in March 2024?", 2)
        page.locator("#turn-1 .actions summary").first.click()
        assert violations(page) == []
        picture(page, scheme)
        page.locator("#panel").get_by_role("button", name="Timeline").click()
        expect(page.get_by_role("heading", name="Timeline")).to_be_visible()
        page.get_by_role("tab", name="Quotes").click()
        expect(page.locator(".found tbody tr").first).to_be_visible()
        assert violations(page) == []
        page.get_by_role("tab", name="Archive").click()
        expect(page.locator("#holdings h2")).to_be_visible()
        assert violations(page) == []
        assert trouble == []


def test_the_keyboard_alone_asks_opens_and_returns(browser: Browser, press: str) -> None:
    with visited(browser, press) as (page, trouble):
        page.keyboard.press("/")
        page.keyboard.type(CORVO)
        page.keyboard.press("Enter")
        cite = page.locator("#turn-1 .cite").first
        expect(cite).to_be_visible()
        page.locator("#turn-1").get_by_role("button", name="Copy").focus()
        for _ in range(8):
            page.keyboard.press("Shift+Tab")
            if page.evaluate("document.activeElement.className") == "cite":
                break
        expect(page.locator("#turn-1 .card").last).to_be_visible()
        page.keyboard.press("Enter")
        expect(page.locator("#panel .source")).to_be_focused()
        assert trouble == []


def test_arabic_is_shown_from_right_to_left(browser: Browser, press: str) -> None:
    with visited(browser, press) as (page, trouble):
        ask(page, "ماذا قال سامي حداد عن الجسر الجديد؟", 1)
        asked = page.locator("#turn-1 .asked")
        assert asked.evaluate("e => getComputedStyle(e).direction") == "rtl"
        expect(page.locator("#panel .source h3").first).to_contain_text("الجسر")
        assert page.locator("#panel .source h3").first.evaluate("e => getComputedStyle(e).direction") == "rtl"
        picture(page, "rtl")
        assert trouble == []


def test_days_are_written_the_readers_way(browser: Browser, press: str) -> None:
    with visited(browser, press, locale="de-DE") as (page, trouble):
        ask(page, CORVO, 1)
        expect(page.locator("#panel .kicker").first).to_contain_text("8. März 2024")
        assert trouble == []


@pytest.mark.parametrize("width", [360, 768])
def test_narrow_screens_need_no_sideways_scrolling(browser: Browser, press: str, width: int) -> None:
    with visited(browser, press, width, 800) as (page, trouble):
        ask(page, WHALES, 1)
        for tab in ("Quotes", "Archive", "Ask"):
            page.get_by_role("tab", name=tab).click()
            page.wait_for_timeout(200)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, tab
            if tab == "Quotes":
                said = page.locator("#statements .wide")
                expect(said).to_contain_text("rebuild the quay")
                assert said.evaluate("(table) => table.scrollWidth <= table.clientWidth"), "nothing said is cut off"
        picture(page, f"width-{width}")
        assert trouble == []


def test_the_first_load_takes_less_than_three_seconds(browser: Browser, press: str) -> None:
    begun = time.perf_counter()
    with visited(browser, press):
        assert time.perf_counter() - begun < 3

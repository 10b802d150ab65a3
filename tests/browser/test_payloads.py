"""What an article, a question or a browser's store holds is shown as text: nothing of it runs, nothing is loaded."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect

from rag.records import Answer, Citation, Correction, Coverage, Sentence
from tests.browser.pages import served, watch
from tests.conftest import PAYLOADS
from web.talk import Exchange, Narrowing

RUNNERS = ":is(#past, #current, #panel, .found, #keeper) :is(script, img, iframe, video, style, object, embed, link, base, form:not(.why))"


def forged(payloads: Sequence[str]) -> dict[str, Any]:
    """A kept conversation every field of which is hostile."""
    exchanges: list[dict[str, Any]] = []
    for n, text in enumerate(payloads, 1):
        url = f"https://x.example/{text}"
        by = Correction("by", text, text, "2024-05-03", url, text, text, 0, 1)
        cited = Citation(1, f"id{n}", text, text, "2024-05-02", url, 0, len(text), text, text, text, (text,), (by,))
        status = ("answered", "conflicting", "partly")[n % 3]
        answer = Answer(text, status, (Sentence(text, (1,), text),), (cited,), (), Coverage(1, 1, {text: 1}), text + "?",
                        notes=(text,), model=text)  # fmt: skip
        shown = Exchange(n, text, Narrowing(text, text, (text,)), answer=answer, outlets=(text,))
        exchanges.append(shown.kept())
    return {"id": "forged", "title": payloads[0], "at": 1, "exchanges": exchanges}


def test_sixty_payloads_in_every_place_run_nothing_and_load_nothing(browser: Browser, hostile_archive: Path) -> None:
    assert len(PAYLOADS) >= 50
    trouble: list[str] = []
    with served(hostile_archive) as address:
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        page = context.new_page()
        watch(page, address, trouble)
        page.goto(f"{address}/favicon.ico")
        page.evaluate(
            "talk => { localStorage.setItem('dateline:forged', talk); sessionStorage.setItem('dateline:open', 'forged') }",
            json.dumps(forged(PAYLOADS)),
        )
        page.goto(address)
        expect(page.locator(f"#turn-{len(PAYLOADS)} .cite").first).to_be_attached(timeout=20_000)
        for turn in range(1, len(PAYLOADS) + 1, 7):
            page.locator(f"#turn-{turn} .cite").first.click()
            expect(page.locator(f'#sources[data-turn="{turn}"]')).to_be_visible()
        expect(page.locator("#past")).to_contain_text(PAYLOADS[0])

        page.get_by_role("tab", name="Quotes").click()
        expect(page.locator(".found")).to_contain_text("trams")
        page.get_by_role("tab", name="Archive").click()
        expect(page.locator("#holdings")).to_contain_text("Harbour bridge")
        page.get_by_role("tab", name="Ask").click()
        page.goto(f"{address}/?q={PAYLOADS[1]}&outlets={PAYLOADS[0]}&since={PAYLOADS[2]}".replace("#", "%23"))
        expect(page.locator("#turn-1 .failed")).to_be_visible()
        page.wait_for_timeout(300)
        check_nothing_ran(page)
        assert trouble == []
        context.close()


def check_nothing_ran(page: Page) -> None:
    assert page.evaluate("window.fired") is None
    assert page.locator(RUNNERS).count() == 0

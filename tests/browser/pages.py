"""A served page in a real browser, and what goes wrong on it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect

from rag import Settings
from web.page import Desk, build, launch

ROOT = Path(__file__).parents[2]
SCREENSHOTS = ROOT / "screenshots"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def served(archive: Path, *, port: int | None = None, model: str = "", url: str = "", **how: Any) -> Iterator[str]:
    desk = Desk(Settings(archive=archive, model=model, model_url=url), adding=True)
    page = build(desk)
    try:
        yield launch(page, "127.0.0.1", port or free_port(), uploads=True, **how)
    finally:
        page.close(verbose=False)
        desk.close()


@contextmanager
def visited(
    browser: Browser, address: str, width: int = 1280, height: int = 800, **context: Any
) -> Iterator[tuple[Page, list[str]]]:
    """A fresh browser's page at an address, and what went wrong on it: foreign requests, console errors, dialogs."""
    trouble: list[str] = []
    origin = "/".join(address.split("/")[:3])
    fresh = browser.new_context(viewport={"width": width, "height": height}, **context)
    try:
        page = fresh.new_page()
        page.set_default_timeout(20_000)
        watch(page, origin, trouble)
        page.goto(address)
        expect(page.locator(".opening, .turn").first).to_be_visible()
        expect(page.get_by_label("Your question")).to_be_enabled(timeout=20_000)
        yield page, trouble
    finally:
        fresh.close()


def watch(page: Page, origin: str, trouble: list[str]) -> None:
    page.on("console", lambda m: trouble.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda e: trouble.append(str(e)))
    page.on("dialog", lambda d: (trouble.append(d.message), d.dismiss()))
    page.on("request", lambda r: None if r.url.startswith((origin, "data:", "blob:")) else trouble.append(r.url))


@contextmanager
def opened(browser: Browser, archive: Path, width: int = 1280, height: int = 800) -> Iterator[tuple[Page, list[str]]]:
    with served(archive) as address, visited(browser, address, width, height) as found:
        yield found


def ask(page: Page, question: str, turn: int) -> None:
    box = page.get_by_label("Your question")
    box.fill(question)
    box.press("Enter")
    expect(page.locator(f"#turn-{turn} .badge:not(.wait), #turn-{turn} .failed")).to_be_visible()


def picture(page: Page, name: str) -> None:
    """Keep what the page looks like, to be looked at."""
    SCREENSHOTS.mkdir(exist_ok=True)
    page.wait_for_timeout(350)  # a smooth scroll has ended
    page.screenshot(path=SCREENSHOTS / f"{name}.png")

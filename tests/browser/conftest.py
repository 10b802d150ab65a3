from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from rag import Archive, Article
from tests.browser.pages import served

ARGUMENTS = [
    "--no-sandbox", "--headless=new", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


# (Ended with each module: while it runs, its event loop is the thread's, and other tests have their own.)
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        reason = "no chromium, chromium-browser or google-chrome on this machine; install the package chromium"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture(scope="session")
def press_archive(tmp_path_factory: pytest.TempPathFactory, make_article: Callable[..., Article]) -> Path:
    """A small archive: accounts that differ, a wire story in three outlets, somebody's words, an article in Arabic."""
    path = tmp_path_factory.mktemp("press") / "archive"
    wire = (
        "The ferry Alba ran aground off Marrow Point on Monday with 212 people aboard. "
        "All of them were taken ashore by noon, the coastguard said."
    )
    told = (
        '"We will rebuild the quay by October," said Ines Corvo, the harbour master. '
        "Corvo said that the insurers had agreed to pay."
    )
    articles = [
        make_article("whales-early", "A pod of pilot whales came ashore in Gull Bay on Monday. The coastguard counted "
                     "31 pilot whales in Gull Bay.", outlet="Harbour Post", published="2024-01-22T16:45:00+01:00",
                     title="Thirty-one pilot whales stranded in Gull Bay", byline=("Colm Reidy",)),
        make_article("whales-late", "Most of the pilot whales of Gull Bay are back at sea. In all, 37 pilot whales came "
                     "ashore in Gull Bay.", outlet="The Inland Courier", published="2024-01-23T12:30:00+01:00",
                     modified="2024-01-23T18:00:00+01:00", title="Most of Gull Bay whales back at sea"),
        *(make_article(f"ferry-{n}", wire, outlet=outlet, published="2024-02-05", title="Ferry Alba aground",
                       agency="Northwire") for n, outlet in enumerate(("Harbour Post", "Radio Verenia", "Northwire"))),
        make_article("quay", told, outlet="Harbour Post", published="2024-03-08", title="Quay to be rebuilt",
                     dateline="PORT MARROW", event_date="2024-03-07"),
        make_article("arabic", "قال رئيس البلدية سامي حداد إن الجسر الجديد سيفتح في مايو. وأضاف أن العمل انتهى.",
                     outlet="صوت الميناء", published="2024-04-02", title="الجسر الجديد يفتح في مايو", language="ar"),
    ]  # fmt: skip
    with Archive.create(path) as archive:
        archive.add(articles)
    return path


@pytest.fixture(scope="session")
def press(press_archive: Path) -> Iterator[str]:
    """The address of a page over the press archive."""
    with served(press_archive) as address:
        yield address

"""What tests in several folders start from."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from rag import Archive, Article
from rag.indexing.identity import article_id

ROOT = Path(__file__).parent.parent

# On a developer's machine hypothesis looks for new examples each time; in CI the same ones are tried, so that a change
# is judged by what it changes.
hypothesis.settings.register_profile("ci", derandomize=True, deadline=None)
# The first example of a test may load a model; how long that takes says nothing.
hypothesis.settings.register_profile("local", deadline=None)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "local")


@pytest.fixture(scope="session")
def seed_archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an archive that holds the seed article and nothing else; only to be read."""
    path = tmp_path_factory.mktemp("seed") / "archive"
    with Archive.create(path) as archive:
        assert archive.ingest([str(ROOT / "seeds")]).ok
    return path


@pytest.fixture
def seed(seed_archive: Path) -> Iterator[Archive]:
    with Archive.open(seed_archive) as archive:
        yield archive


@pytest.fixture(scope="session")
def make_article() -> Callable[..., Article]:
    """``make_article("one", "Text.", outlet="The Post")``: an article whose id comes from its name."""

    def make(name: str, text: str, **fields: Any) -> Article:
        url = f"https://example.org/{name}"
        return Article(id=article_id(url), title=fields.pop("title", name.capitalize()), text=text, url=url, **fields)

    return make


@pytest.fixture(scope="session")
def hostile_archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of articles whose every field tries to run or to load something; only to be read."""
    path = tmp_path_factory.mktemp("hostile") / "archive"
    fire = "window.fired=(window.fired||0)+1"
    away = "http://198.51.100.7/pixel"
    payloads = [
        f"<script>{fire}</script>",
        f"<img src=x onerror={fire}>",
        f'<img src="{away}.png">',
        f"<svg onload={fire}><script>{fire}</script></svg>",
        f'<iframe srcdoc="<script>parent.{fire}</script>"></iframe>',
        f'"><b onmouseover={fire} onfocus={fire} tabindex=0 autofocus>',
        f"' onclick='{fire}' x='",
        f"![x]({away}) [y](javascript:{fire}) <{away}>",
        "${" + fire + "} {{" + fire + "}} {{{this}}} `${" + fire + "}`",
        f"<style>@import '{away}'; * {{ background: url({away}) }}</style><link rel=stylesheet href={away}>",
        f'<details open ontoggle={fire}><video src={away} onerror={fire}></video><object data="{away}">',
        f"</p></article></section><form action={away}><button autofocus>go</button></form><base href={away}>",
        "\u202ereversed\u202c zero\u200bwidth \u2066isolated \ufeff&lt;script&gt; &#60;img&#62;",
    ]
    with Archive.create(path) as archive:
        archive.add(
            Article(
                id=f"{number:016x}",
                title=f"Harbour bridge {number} {payload}",
                text=f"The harbour bridge number {number} will open in May {payload}.\n\n"
                f'"The harbour bridge will carry {number} trams," said Ada Moss {payload}, the mayor.\n\n'
                f"The harbour bridge cost {number} million crowns {payload}.",
                url=f"javascript:{fire}//{number}" if number % 2 else f"https://news.example/{number}?{payload}",
                outlet=f"Herald {payload}",
                byline=(f"Kim {payload}",),
                published="2024-05-02",
                dateline=f"PORT {payload}",
            )
            for number, payload in enumerate(payloads, start=1)
        )
    return path

"""What tests in several folders start from."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from rag import Archive, Article
from rag.indexing.identity import article_id

ROOT = Path(__file__).parent.parent
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"  # Gradio's client would tell the hub of itself

# On a developer's machine hypothesis looks for new examples each time; in CI the same ones are tried, so that a change
# is judged by what it changes.
hypothesis.settings.register_profile("ci", derandomize=True, deadline=None)
# The first example of a test may load a model; how long that takes says nothing.
hypothesis.settings.register_profile("local", deadline=None)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "local")


# A shell that starts the tests in the background has them, and what they start, ignore Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)


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


FIRE = "window.fired=(window.fired||0)+1"
AWAY = "http://198.51.100.7/pixel"
PAYLOADS = (
    f"<script>{FIRE}</script>",
    f"<img src=x onerror={FIRE}>",
    f'<img src="{AWAY}.png">',
    f"<svg onload={FIRE}><script>{FIRE}</script></svg>",
    f'<iframe srcdoc="<script>parent.{FIRE}</script>"></iframe>',
    f'"><b onmouseover={FIRE} onfocus={FIRE} tabindex=0 autofocus>',
    f"' onclick='{FIRE}' x='",
    f"![x]({AWAY}) [y](javascript:{FIRE}) <{AWAY}>",
    "${" + FIRE + "} {{" + FIRE + "}} {{{this}}} `${" + FIRE + "}`",
    f"<style>@import '{AWAY}'; * {{ background: url({AWAY}) }}</style><link rel=stylesheet href={AWAY}>",
    f'<details open ontoggle={FIRE}><video src={AWAY} onerror={FIRE}></video><object data="{AWAY}">',
    f"</p></article></section><form action={AWAY}><button autofocus>go</button></form><base href={AWAY}>",
    "\u202ereversed\u202c zero\u200bwidth \u2066isolated \ufeff&lt;script&gt; &#60;img&#62;",
    f"<ScRiPt>{FIRE}</sCrIpT>",
    f"<script/x>{FIRE}</script>",
    f"<script\x0c>{FIRE}</script>",
    f'<script src="{AWAY}.js"></script>',
    f'<script type=module>import "{AWAY}.js"; {FIRE}</script>',
    f"</script><script>{FIRE}</script>",
    f"--><script>{FIRE}</script><!--",
    f"<![CDATA[><script>{FIRE}</script>]]>",
    f"<body onload={FIRE}>",
    f"<input autofocus onfocus={FIRE}>",
    f"<select autofocus onfocus={FIRE}><option>x",
    f"<textarea autofocus onfocus={FIRE}></textarea>",
    f"<marquee onstart={FIRE}>x</marquee>",
    f"<audio src=x onerror={FIRE}></audio>",
    f"<video><source onerror={FIRE}></video>",
    f"<object data='javascript:{FIRE}'></object>",
    f"<embed src='javascript:{FIRE}'>",
    f"<iframe src='javascript:parent.{FIRE}'></iframe>",
    f"<iframe src='data:text/html,<script>parent.{FIRE}</script>'></iframe>",
    f"<iframe src={AWAY}></iframe>",
    f"<meta http-equiv=refresh content='0;url=javascript:{FIRE}'>",
    f"<meta http-equiv=refresh content='0;url={AWAY}'>",
    f"<a href='javascript:{FIRE}'>x</a>",
    f"<a href='jav&#x09;ascript:{FIRE}'>x</a>",
    f"<math><mtext></p><img src=x onerror={FIRE}></mtext></math>",
    f"<svg><animate onbegin={FIRE} attributeName=x dur=1s></svg>",
    f"<svg><foreignObject><img src=x onerror={FIRE}></foreignObject></svg>",
    f"<svg><use href='{AWAY}#x'/></svg>",
    f"<svg><image href='{AWAY}.svg'/></svg>",
    f"<style>@font-face{{font-family:x;src:url({AWAY}.woff)}}*{{font-family:x}}</style>",
    f"<div style='background:url({AWAY})'>x</div>",
    f"<link rel=preload as=image href={AWAY}>",
    f"<link rel=prefetch href={AWAY}><link rel=dns-prefetch href={AWAY}>",
    f"<picture><source srcset={AWAY}><img src={AWAY}></picture>",
    f"<img srcset='{AWAY} 1x' lowsrc={AWAY}>",
    f"<table background={AWAY}><td background={AWAY}>",
    f"<form><button formaction='javascript:{FIRE}'>x</button></form>",
    f"<x onclick={FIRE} onpointerenter={FIRE} onanimationstart={FIRE} style='animation:breathe 1s'>x</x>",
    f"<template><script>{FIRE}</script></template><noscript><img src=x onerror={FIRE}></noscript>",
    f"&lt;img src=x onerror={FIRE}&gt; &amp;lt;script&amp;gt;",
    f"\u2028<img src=x onerror={FIRE}>\u2029",
    f"<img\u200bsrc=x onerror={FIRE}> <scr\u200bipt>{FIRE}</scr\u200bipt>",
    f"\u202e<img src=x onerror={FIRE}>\u202c \u2067\u2066\u2069",
    f"\u061c\u200f\u200e\u00ad<img src=x onerror={FIRE}>",
    f"＜script＞{FIRE}＜/script＞",
    f"<math href='javascript:{FIRE}'>x</math>",
    f"[x]: javascript:{FIRE} \n![a][x] <javascript:{FIRE}>",
)
"""Texts that try to run something or to load something from elsewhere, or to turn the text around."""


@pytest.fixture(scope="session")
def hostile_archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of articles whose every field tries to run or to load something; only to be read."""
    path = tmp_path_factory.mktemp("hostile") / "archive"
    groups = [PAYLOADS[i : i + 4] for i in range(0, len(PAYLOADS), 4)]
    with Archive.create(path) as archive:
        archive.add(
            Article(
                id=f"{number:016x}",
                title=f"Harbour bridge {number} {some[0]}",
                text=f"The harbour bridge number {number} will open in May {some[1]}.\n\n"
                f'"The harbour bridge will carry {number} trams," said Ada Moss {some[2]}, the mayor.\n\n'
                f"The harbour bridge cost {number} million crowns {some[3]}.",
                url=f"javascript:{FIRE}//{number}" if number % 2 else f"https://news.example/{number}?{some[0]}",
                outlet=f"Herald {some[1]}",
                byline=(f"Kim {some[2]}",),
                published="2024-05-02",
                dateline=f"PORT {some[3]}",
            )
            for number, some in enumerate(groups, start=1)
        )
    return path

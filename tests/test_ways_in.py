"""The ways in beside the page: the API with a real client, tools with a real MCP client, a proxy, a password; and what a
crowd leaves behind.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

import ui
from rag import Settings
from rag.errors import SettingsError
from web.page import Desk, build, launch
from web.quotes import Row, as_csv

QUESTION = "What did Lavrov say about BRICS expansion?"


def free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def served(archive: Path, *, adding: bool = False, **how: Any) -> Iterator[tuple[str, Desk]]:
    desk = Desk(Settings(archive=archive), adding=adding)
    page = build(desk)
    try:
        yield launch(page, "127.0.0.1", free_port(), **how), desk
    finally:
        page.close(verbose=False)
        desk.close()


@pytest.fixture(scope="module")
def address(seed_archive: Path) -> Iterator[str]:
    with served(seed_archive, mcp=True) as (address, _):
        yield address


@pytest.fixture(scope="module")
def client(address: str) -> Client:
    return Client(address, verbose=False)


# The API


def test_search_gives_passages_with_their_articles(client: Client) -> None:
    found = client.predict("BRICS summit", k=2, api_name="/search")
    assert len(found) == 2
    assert found[0]["outlet"] == "Xinhua" and found[0]["score"] >= found[1]["score"] and "BRICS" in found[0]["text"]
    assert client.predict("BRICS summit", since="2024-06-12", api_name="/search") == []


def test_quotes_gives_who_said_what(client: Client) -> None:
    found = client.predict(speaker="Lavrov", api_name="/quotes")
    assert found and {row["speaker"] for row in found} == {"Sergei Lavrov"}
    assert any("BRICS expansion" in row["words"] for row in found)
    about = client.predict(speaker="Lavrov", about="brics EXPANSION", api_name="/quotes")
    assert 0 < len(about) < len(found)
    assert client.predict(speaker="Macron", api_name="/quotes") == []


@pytest.mark.parametrize(
    ("endpoint", "asked", "cure"),
    [
        ("/search", {"question": "x", "k": 0}, "from 1 to 50"),
        ("/search", {"question": "x", "k": 10**9}, "from 1 to 50"),
        ("/search", {"question": ""}, "ask something such as"),
        ("/quotes", {"speaker": 7}, "must be text"),
        ("/quotes", {"outlet": "No Such Herald"}, "Xinhua"),
        ("/quotes", {"since": "June"}, "2024-06-11"),
    ],
)
def test_a_bad_request_is_told_the_cure(client: Client, endpoint: str, asked: dict[str, Any], cure: str) -> None:
    with pytest.raises(AppError, match=re.escape(cure)):
        client.predict(**asked, api_name=endpoint)


def test_a_spreadsheet_runs_nothing_of_a_csv() -> None:
    row = Row("=HYPERLINK(1)", "said", '+1, "2"', "2024-01-01", "@x", "-t", "", "id", 0, 1)
    assert as_csv([row]).splitlines()[1] == '\'=HYPERLINK(1),said,"\'+1, ""2""",2024-01-01,\'@x,\'-t,'


# MCP


def test_a_real_mcp_client_asks_searches_and_reads_quotes(address: str) -> None:
    from mcp import ClientSession
    from mcp.client.streamable_http import streamablehttp_client

    async def talk() -> dict[str, Any]:
        async with (
            streamablehttp_client(f"{address}/gradio_api/mcp/") as (reading, writing, _),
            ClientSession(reading, writing) as session,
        ):
            await session.initialize()
            tools = {tool.name: tool for tool in (await session.list_tools()).tools}
            assert {"ask", "search", "quotes"} == set(tools)
            assert "news archive" in (tools["ask"].description or "")
            assert "what to ask" in json.dumps(tools["ask"].inputSchema)
            given = {
                "ask": {"question": QUESTION},
                "search": {"question": "BRICS", "k": 1},
                "quotes": {"speaker": "Lavrov"},
            }
            return {name: (await session.call_tool(name, asked)).content[0].text for name, asked in given.items()}  # type: ignore[union-attr]

    told = asyncio.run(talk())
    assert "like-minded countries" in told["ask"]
    assert "Xinhua" in told["search"]
    assert "Sergei Lavrov" in told["quotes"]


# Who may enter, and what their browsers may run


def test_a_page_runs_only_its_own_scripts_and_loads_nothing_from_elsewhere(address: str) -> None:
    answer = httpx.get(address)
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["connect-src"] == "'self'"
    assert "unsafe-inline" not in policy["script-src"]
    assert not re.search(r"https?:|\*", answer.headers["content-security-policy"])
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "content-security-policy" in httpx.get(f"{address}/config").headers


def test_whoever_has_no_password_sees_nothing(seed_archive: Path, tmp_path: Path) -> None:
    names = tmp_path / "readers"
    names.write_text("ada:moss:1\n\nkim:reidy\n")
    assert ui.users(names) == [("ada", "moss:1"), ("kim", "reidy")]
    with served(seed_archive, auth=ui.users(names)) as (address, _):
        assert httpx.get(f"{address}/config").status_code == 401
        with pytest.raises(Exception, match=r"(?i)auth|credential|401"):
            Client(address, verbose=False)
        inside = Client(address, auth=("ada", "moss:1"), verbose=False)
        assert inside.predict(QUESTION, api_name="/ask")["status"] == "answered"


@pytest.mark.parametrize(
    ("arguments", "cure"),
    [
        (["--auth", "no-such-file"], "NAME:PASSWORD"),
        (["--root-path", "news"], "must begin with a slash"),
    ],
)
def test_wrong_arguments_are_told_the_cure(
    arguments: list[str], cure: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RAG_MODEL", raising=False)
    assert ui.main(arguments) == 2
    assert cure in capsys.readouterr().err


def test_a_file_without_passwords_is_refused(tmp_path: Path) -> None:
    (tmp_path / "readers").write_text("ada\n")
    with pytest.raises(SettingsError, match="NAME:PASSWORD"):
        ui.users(tmp_path / "readers")


def test_a_proxy_may_serve_the_page_at_a_path(seed_archive: Path) -> None:
    with served(seed_archive, root_path="/news") as (address, _):
        assert address.endswith("/news")
        root = httpx.get(f"{address.removesuffix('/news')}/config").json()["root"]
        assert root.endswith("/news")


@pytest.mark.parametrize(("host", "own"), [("127.0.0.1", True), ("localhost", True), ("::1", True), ("0.0.0.0", False)])
def test_only_readers_on_this_machine_may_add_unless_it_is_said(host: str, own: bool) -> None:
    assert ui.is_loopback(host) is own


def test_files_are_taken_only_where_readers_may_add(seed_archive: Path) -> None:
    for adding in (False, True):
        with served(seed_archive, adding=adding, uploads=adding) as (address, _):
            sent = httpx.post(f"{address}/gradio_api/upload", files={"files": ("a.txt", b"x" * 100_000)})
            assert (sent.status_code == 200) is adding


# A crowd


def test_clients_that_leave_in_mid_answer_leave_no_work(seed_archive: Path) -> None:
    with served(seed_archive) as (address, desk):
        client = Client(address, verbose=False)
        client.predict(QUESTION, api_name="/ask")
        config = httpx.get(f"{address}/config").json()
        number = next(d["id"] for d in config["dependencies"] if d.get("api_name") == "ask")

        def come_and_go(n: int) -> int:
            with httpx.Client(base_url=address, timeout=30) as one:
                body = {
                    "data": [QUESTION, "", "", None, "", None, None, None],
                    "fn_index": number,
                    "session_hash": f"gone{n}",
                }
                joined = one.post("/gradio_api/queue/join", json=body)
                if joined.status_code == 200:
                    with one.stream("GET", "/gradio_api/queue/data", params={"session_hash": f"gone{n}"}) as stream:
                        next(stream.iter_lines())
                return joined.status_code

        with ThreadPoolExecutor(25) as pool:
            told = set(pool.map(come_and_go, range(150)))
        assert told <= {200, 503}
        begun = time.monotonic()
        while httpx.get(f"{address}/gradio_api/queue/status").json()["queue_size"] or desk.working:
            assert time.monotonic() - begun < 10
            time.sleep(0.05)
        assert client.predict(QUESTION, api_name="/ask")["status"] == "answered"


def test_a_full_queue_says_that_it_is_busy(seed_archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("web.page.WAITING", 1)
    with served(seed_archive) as (address, _):
        config = httpx.get(f"{address}/config").json()
        number = next(d["id"] for d in config["dependencies"] if d.get("api_name") == "ask")

        def join(n: int) -> httpx.Response:
            body = {"data": [QUESTION, "", "", None, "", None, None, None], "fn_index": number, "session_hash": f"s{n}"}
            return httpx.post(f"{address}/gradio_api/queue/join", json=body, timeout=30)

        with ThreadPoolExecutor(30) as pool:
            answers = list(pool.map(join, range(60)))
        refused = [a for a in answers if a.status_code != 200]
        assert refused and all("full" in a.text.lower() or "busy" in a.text.lower() for a in refused)

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rag.records import Article, Remark, Skipped
from rag.sources import read


def write(tmp_path: Path, name: str, content: str) -> str:
    path = tmp_path / name
    path.write_text(content)
    return str(path)


def shown(source: str, **fields: str) -> list[str]:
    """Each item as "line: text" or "line! reason" or "line? remark"."""
    out: list[str] = []
    for item in read(source, fields=fields):
        where = item.source.rpartition("#")[2]
        match item:
            case Article():
                out.append(f"{where}: {item.text}")
            case Skipped():
                out.append(f"{where}! {item.reason}")
            case Remark():
                out.append(f"{where}? {item.text}")
    return out


def test_a_broken_line_is_skipped_by_its_number_and_the_rest_is_read(tmp_path: Path) -> None:
    lines = [
        '{"text": "one"}',
        '{"text": ',
        "",
        "[1]",
        '{"title": "T"}',
        '{"text": ""}',
        "[" * 100_000,
        '{"text": "last"}',
    ]
    found = shown(write(tmp_path, "a.jsonl", "\n".join(lines)))
    assert [f.split(" ")[1].rstrip(":!") for f in found] == ["1", "2", "4", "5", "6", "7", "8"]
    assert found[0] == "line 1: one" and found[-1] == "line 8: last"
    assert "broken JSON" in found[1] and "JSON object is needed" in found[2] and "--field text=" in found[3]
    assert "empty" in found[4] and "broken JSON" in found[5]


@pytest.mark.parametrize("depth", [100, 700, 900, 100_000])
@pytest.mark.parametrize("name", ["text", "title", "url", "source", "authors", "language", "id"])
def test_a_record_nested_beyond_reason_is_skipped_and_the_rest_is_read(tmp_path: Path, name: str, depth: int) -> None:
    for opening, closing in (("[", "]"), ('{"text": ', "}")):
        deep = f'{{"text": "deep", "{name}": {opening * depth}"x"{closing * depth}}}'
        lines = write(tmp_path, "a.jsonl", f'{{"text": "one"}}\n{deep}\n{{"text": "three"}}\n')
        first, refused, last = shown(lines)
        assert (first, last) == ("line 1: one", "line 3: three")
        assert refused.startswith("line 2! ") and "nested" in refused
        (refused,) = shown(write(tmp_path, "a.json", deep))
        assert "nested" in refused


@pytest.mark.parametrize("depth", [100, 700, 900])
def test_a_date_nested_beyond_reason_is_left_out(tmp_path: Path, depth: int) -> None:
    deep = f'{{"text": "deep", "date": {"[" * depth}"2024-05-01"{"]" * depth}}}'
    remark, article = shown(write(tmp_path, "a.jsonl", deep))
    assert remark.startswith("line 1? date left out: ") and article == "line 1: deep"


@pytest.mark.parametrize(
    "wrap",
    [
        lambda rows: rows,
        lambda rows: {"status": "ok", "articles": rows},
        lambda rows: {"items": rows},
        lambda rows: {"data": rows},
        lambda rows: {"response": {"docs": rows}},
        lambda rows: {"response": {"status": "ok", "results": rows}},
    ],
)
def test_shapes_of_json(tmp_path: Path, wrap: Any) -> None:
    rows = [{"text": "one"}, 5, {"text": "two"}]
    found = shown(write(tmp_path, "a.json", json.dumps(wrap(rows))))
    assert found[0] == "item 1: one" and found[1].startswith("item 2!") and found[2] == "item 3: two"


def test_one_record_and_json_lines_under_the_name_of_json(tmp_path: Path) -> None:
    assert shown(write(tmp_path, "a.json", '{"text": "one", "items": ["tag"]}'))[0].endswith(": one")
    assert shown(write(tmp_path, "b.json", '{"text": "one"}\n{"text": "two"}\n')) == ["line 1: one", "line 2: two"]
    (only,) = shown(write(tmp_path, "c.json", '"text"'))
    assert "a JSON object or a list" in only
    (deep,) = shown(write(tmp_path, "d.json", "[" * 100_000))
    assert "broken JSON" in deep


def test_rows_are_named_by_the_line_they_start_on(tmp_path: Path) -> None:
    found = shown(
        write(
            tmp_path,
            "a.csv",
            'title,text,date\nA,"one\n\nmore",2023-01-05\nB,two,05/01/2023\n\nC\nD,"four"4,\nE,five,,,x\nF,six,\n',
        )
    )
    assert found[0] == "line 2: one\n\nmore"
    assert found[1].startswith("line 5? date left out: '05/01/2023'") and found[2] == "line 5: two"
    assert [f.split(" ")[1].rstrip(":!") for f in found[3:]] == ["7", "8", "9", "10"]
    assert "empty" in found[3] and "broken CSV" in found[4] and "5 cells under a header of 3" in found[5]
    assert found[6] == "line 10: six"


def test_a_quotation_mark_never_closed_is_told_with_all_that_it_swallowed(tmp_path: Path) -> None:
    found = shown(write(tmp_path, "a.csv", 'text\none\n"two\nthree\nfour\n'))
    assert found[0] == "line 2: one" and found[1].startswith("line 3! broken CSV") and "lines 3 to 5" in found[1]
    assert len(found) == 2


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_the_delimiter_is_the_one_that_the_header_knows(tmp_path: Path, mark: str) -> None:
    rows = [["Title", "Text", "Publish Date"], ["T", '"a, b; c\td"', "2023-01-05"]]
    (article,) = read(write(tmp_path, "a.csv", "\n".join(mark.join(row) for row in rows)))
    assert isinstance(article, Article)
    assert (article.title, article.text, article.published) == ("T", "a, b; c\td", "2023-01-05")


def test_a_header_without_text_is_said_once_with_the_cure(tmp_path: Path) -> None:
    source = write(tmp_path, "a.csv", "foo;bar\n1;2\n3;4\n")
    (only,) = shown(source)
    assert "it has foo;bar" in only or "it has foo, bar" in only
    assert "--field text=COLUMN" in only
    assert shown(source, text="bar") == ["line 2: 2", "line 3: 4"]
    (wrong,) = shown(source, text="baz")
    assert "no column 'baz' for the text" in wrong
    (title,) = shown(source, text="bar", title="baz")
    assert "no column 'baz' for title" in title


def test_long_cells_are_no_trouble(tmp_path: Path) -> None:
    body = "word " * 200_000
    assert shown(write(tmp_path, "a.csv", f'text\n"{body}"\nnext\n')) == [f"line 2: {body.strip()}", "line 3: next"]

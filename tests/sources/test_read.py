"""`read` over real files: the whole way from bytes on disk to articles, and every way it can go wrong."""

from __future__ import annotations

import gzip
import json
import os
import random
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.errors import SourceError
from rag.records import Article, Remark, Skipped
from rag.sources import expected, read

BODY = "The first sentence of it.\n\nThe second."


def articles(source: Path, **fields: str) -> list[Article]:
    return [item for item in read(str(source), fields=fields) if isinstance(item, Article)]


def skipped(source: Path) -> list[Skipped]:
    return [item for item in read(str(source)) if isinstance(item, Skipped)]


def remarks(source: Path) -> list[str]:
    return [item.text for item in read(str(source)) if isinstance(item, Remark)]


# ---- Every kind


def as_kind(ending: str) -> bytes:
    record = {"title": "Head", "text": BODY, "date": "2023-01-05"}
    return {
        ".txt": f"Head\n\nJanuary 5, 2023\n\n{BODY}",
        ".md": f"# Head\n\nJanuary 5, 2023\n\n{BODY}",
        ".html": "<html><head><title>Head</title><meta name='date' content='2023-01-05'></head><body><article>"
        + "".join(f"<p>{p}</p>" for p in BODY.split("\n\n"))
        + "</article></body></html>",
        ".json": json.dumps([record]),
        ".jsonl": json.dumps(record) + "\n",
        ".csv": f'title,text,date\nHead,"{BODY}",2023-01-05\n',
        ".tsv": f'title\ttext\tdate\nHead\t"{BODY}"\t2023-01-05\n',
    }[ending].encode()


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gz"])
@pytest.mark.parametrize("ending", [".txt", ".md", ".html", ".json", ".jsonl", ".csv", ".tsv"])
def test_the_same_article_in_every_kind_of_file(tmp_path: Path, ending: str, packed: bool) -> None:
    raw = as_kind(ending)
    path = tmp_path / (f"a{ending.upper()}.gz" if packed else f"a{ending}")
    path.write_bytes(gzip.compress(raw) if packed else raw)
    (found,) = read(str(path))
    assert isinstance(found, Article)
    assert (found.title, found.text, found.published) == ("Head", BODY, "2023-01-05")
    assert found.source.startswith(str(path))


# ---- Sources that cannot be read


@pytest.mark.parametrize(
    ("name", "cure"),
    [
        ("missing.txt", "check the path"),
        ("missing\0.txt", "check the path"),
        ("a.txt/inner.txt", "check the path"),
        ("a.pdf", r"\.jsonl"),
        ("none", "nothing readable"),
        ("loop.txt", "symbolic link"),
        ("pipe.txt", "no regular file"),
        ("fake.txt.gz", "gzip"),
    ],
)
def test_a_source_that_cannot_be_read_is_one_line_with_its_cure(tmp_path: Path, name: str, cure: str) -> None:
    (tmp_path / "a.txt").write_text("x")
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.4")
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / ".hidden.txt").write_text("x")
    (tmp_path / "none" / "b.pdf").write_bytes(b"%PDF-1.4")
    (tmp_path / "loop.txt").symlink_to("loop.txt")
    os.mkfifo(tmp_path / "pipe.txt")
    (tmp_path / "fake.txt.gz").write_bytes(b"no gzip")
    with pytest.raises(SourceError, match=cure) as caught:
        list(read(os.fspath(tmp_path / name)))
    assert "\n" not in str(caught.value)
    assert Path(name).name.partition("\0")[0] in str(caught.value)


def test_a_field_that_nobody_knows_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no field is called 'texte'; fields are text, title"):
        read(str(tmp_path), fields={"texte": "x"})


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter, unlike pytest's own."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name)
        path.chmod(0o755)
        yield path


def test_a_file_without_permission(open_folder: Path) -> None:
    (open_folder / "a.txt").write_text(BODY)
    (open_folder / "b.txt").write_text(BODY)
    (open_folder / "b.txt").chmod(0)
    (open_folder / "a.txt").chmod(0o644)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)  # root may read everything: be nobody for a moment
    try:
        with pytest.raises(SourceError, match="permission denied; change its permissions"):
            read(str(open_folder / "b.txt"))
        items = list(read(str(open_folder)))
    finally:
        if root:
            os.seteuid(0)
    assert [type(item) for item in items] == [Article, Skipped]
    assert "permission denied" in str(items[1])


# ---- Folders


def test_a_folder_is_walked_in_order_once_and_hidden_files_are_left_out(tmp_path: Path) -> None:
    for name in ("b.txt", "a/z.txt", "a/y.md", ".hidden.txt", ".git/c.txt", "c.dat"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"Head {name}\n\n{BODY}")
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    (tmp_path / "d.txt").symlink_to(tmp_path / "b.txt")
    (tmp_path / "e.txt").symlink_to(tmp_path / "gone.txt")
    items = list(read(str(tmp_path)))
    assert [a.title for a in items if isinstance(a, Article)] == ["Head a/y.md", "Head a/z.txt", "Head b.txt"]
    assert {Path(s.source).name for s in items if isinstance(s, Skipped)} == {"c.dat", "e.txt"}


def test_one_bad_file_never_stops_the_rest(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4)
    (tmp_path / "b.json").write_text('[{"text": "x"},')
    (tmp_path / "c.txt.gz").write_bytes(b"no gzip")
    (tmp_path / "d.txt").write_text(" \n")
    (tmp_path / "e.csv").write_text("")
    (tmp_path / "f.html").write_text("")
    (tmp_path / "g.jsonl").write_text("")
    (tmp_path / "z.txt").write_text(BODY)
    items = list(read(str(tmp_path)))
    assert [a.source for a in items if isinstance(a, Article)] == [str(tmp_path / "z.txt")]
    reasons = {Path(s.source).name: s.reason for s in items if isinstance(s, Skipped)}
    assert reasons.keys() == {"a.txt", "b.json", "c.txt.gz", "d.txt", "e.csv", "f.html", "g.jsonl"}
    assert "looks binary" in reasons["a.txt"] and "broken JSON in line 1" in reasons["b.json"]
    assert "gzip" in reasons["c.txt.gz"] and "empty" in reasons["d.txt"] and "empty" in reasons["e.csv"]
    assert reasons["g.jsonl"] == "holds no record"


def test_names_that_are_no_utf8_are_told_as_text_and_stay_apart(tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/Stra\xdfe"))
    folder.mkdir()
    for name in (b"caf\xe9.txt", b"caf\xe8.txt", b"odd\xff.pdf", b"bad\xff.json", b"\xff.jsonl"):
        (folder / os.fsdecode(name)).write_text("{" if name.endswith(b".json") else json.dumps({"text": BODY}))
    (folder / os.fsdecode(b"gone\xff")).symlink_to("nowhere")
    items = list(read(str(folder)))
    assert len(items) == 6
    for item in items:
        assert item.source.encode().decode().startswith(f"{tmp_path}/Stra\ufffde/")
    found = [item for item in items if isinstance(item, Article)]
    assert len({a.id for a in found}) == len(found) == 3
    assert {a.source for a in found if a.source.endswith(".txt")} == {f"{tmp_path}/Stra\ufffde/caf\ufffd.txt"}
    alone = [a.id for name in (b"caf\xe9.txt", b"caf\xe8.txt") for a in articles(folder / os.fsdecode(name))]
    assert set(alone) < {a.id for a in found} and len(set(alone)) == 2
    for name in (b"odd\xff.pdf", b"missing\xff.txt"):
        with pytest.raises(SourceError) as caught:
            read(str(folder / os.fsdecode(name)))
        assert "\ufffd" in str(caught.value).encode().decode()


# ---- Encodings


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        ("Überschrift\n\nText mit Ümlauten.", "utf-8"),
        ("Überschrift\n\nText mit Ümlauten.", "utf-8-sig"),
        ("Überschrift\n\nText mit Ümlauten.", "utf-16"),
        ("Le président a été élu\n\nÀ Paris, il a déclaré que « la République est forte » et que l’été sera chaud.", "cp1252"),
        ("El señor López\n\nDijo que la situación económica mejoró en España según él. Mañana habrá más.", "latin-1"),
        ("Президент выступил в Москве\n\nОн сказал, что страна готова к переговорам и сотрудничеству.", "cp1251"),
        ("日本の首相の記者会見\n\n首相は東京で新しい経済政策について説明し、予算を増やすと述べた。", "shift_jis"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("ending", [".txt", ".jsonl", ".csv"])
def test_encodings(tmp_path: Path, body: str, encoding: str, ending: str) -> None:
    title, _, rest = body.partition("\n\n")
    written = {
        ".txt": body,
        ".jsonl": json.dumps({"title": title, "text": rest}, ensure_ascii=False) + "\n",
        ".csv": f'title,text\n{title},"{rest}"\n',
    }[ending]
    path = tmp_path / f"a{ending}"
    path.write_bytes(written.encode(encoding))
    (found,) = articles(path)
    assert (found.title, found.text) == (title, rest)
    guessed = not encoding.startswith("utf")
    assert [("not UTF-8, read as" in text) for text in remarks(path)] == [True] * guessed


def test_a_damaged_line_does_not_spoil_the_others(tmp_path: Path) -> None:
    good = json.dumps({"text": "Zürich été"}, ensure_ascii=False).encode()
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"\n".join([good, good.replace(b"\xc3\xbc", b"\xfc"), good]))
    found = articles(path)
    assert [a.text for a in found] == ["Zürich été", "Z\ufffdrich été", "Zürich été"]
    assert remarks(path) == ["damaged bytes replaced by \ufffd"]


def test_binary_named_txt_and_nul_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    for raw in (random.Random(1).randbytes(5000), b"\x7fELF\x02\x01" + b"\0" * 500, "Text".encode("utf-16-le") * 50):
        path.write_bytes(raw)
        assert ["looks binary" in s.reason for s in read(str(path)) if isinstance(s, Skipped)] == [True]
    path.write_bytes(b"Head\n\nA text with one \0 in it.")
    assert [a.text for a in articles(path)] == ["A text with one  in it."]
    assert remarks(path) == ["NUL characters dropped: 1"]


# ---- Bounds


def test_the_largest_article_passes_and_a_larger_one_is_skipped_with_the_limit(tmp_path: Path) -> None:
    big = "He said so in the house. " * 400_000  # 10 MB
    (tmp_path / "a.txt").write_text(f"Head\n\n{big}")
    (tmp_path / "b.txt").write_text("a" * 1_000_000)
    (tmp_path / "c.txt.gz").write_bytes(gzip.compress(b"a " * (17 * 2**20), 1))
    (tmp_path / "d.jsonl").write_text(json.dumps({"text": big}) + '\n{"text": "after"}\n')
    begun = time.perf_counter()
    items = list(read(str(tmp_path)))
    assert time.perf_counter() - begun < 5
    assert [len(a.text) for a in items if isinstance(a, Article)] == [len(big) - 1, 1_000_000, len(big) - 1, 5]
    assert ["32 MiB" in s.reason for s in items if isinstance(s, Skipped)] == [True]


def test_a_line_beyond_the_limit_is_skipped_without_being_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag.sources.files.MAX_RECORD", 1000)
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "one"}\n{"text": "' + "x" * 3_000_000 + '"}\n{"text": "three"}\n')
    items = list(read(str(path)))
    assert [getattr(i, "text", None) for i in items] == ["one", None, "three"]
    assert [i.source.rpartition("#")[2] for i in items if isinstance(i, Article | Skipped)] == [
        "line 1",
        "line 2",
        "line 3",
    ]


def test_gzip_that_is_cut_off_gives_what_it_has(tmp_path: Path) -> None:
    raw = gzip.compress("".join(json.dumps({"title": f"T{n}", "text": "x"}) + "\n" for n in range(20_000)).encode())
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(raw[: len(raw) // 2])
    items = list(read(str(path)))
    assert len(items) > 1000 and all(isinstance(i, Article) for i in items[:-1])
    last = items[-1]
    assert isinstance(last, Skipped) and f"after record {len(items) - 1} was not read" in last.reason


# ---- Identity


def test_ids_of_files_are_their_place_however_they_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.txt").write_text(BODY)
    monkeypatch.chdir(tmp_path)
    assert {a.id for name in ("a.txt", "./a.txt", str(tmp_path)) for a in articles(Path(name))} == {
        articles(tmp_path / "a.txt")[0].id
    }


def test_records_that_share_a_key_but_not_a_text_are_kept_apart(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps({"title": "T", "text": t}) + "\n" for t in ("1", "2", "1", "3")))
    ids = [a.id for a in articles(path)]
    assert ids[0] == ids[2] and len(set(ids)) == 3
    assert ids == [a.id for a in articles(path)]


records = st.lists(
    st.fixed_dictionaries(
        {"text": st.text(alphabet="abc .", min_size=1, max_size=8).filter(str.strip)},
        optional={
            "title": st.sampled_from(["A", "B"]),
            "url": st.sampled_from(["https://e.example/1", "http://e.example/2/", "no"]),
            "id": st.integers(1, 3),
            "date": st.sampled_from(["2023-01-05", "bad"]),
        },
    ),
    min_size=1,
    max_size=6,
)


@given(records, st.randoms())
def test_the_order_of_records_does_not_matter_for_ids(rows: list[dict[str, object]], shuffle: random.Random) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.json"
        path.write_text(json.dumps(rows))
        first = {a.id for a in articles(path)}
        shuffle.shuffle(rows)
        path.write_text(json.dumps(rows))
        assert {a.id for a in articles(path)} == first
        assert not skipped(path)


def test_how_many_articles_are_expected(tmp_path: Path) -> None:
    """Never fewer than are read; None where only reading would tell."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [{"title": f"Title {n}", "text": f"The harbour {n} closes in May."} for n in range(3)]
    (tmp_path / "a.jsonl").write_text("\n\n".join(map(json.dumps, rows)) + "\n")
    (tmp_path / "b.txt").write_text("Harbour\n\nThe harbour closes in May.")
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "c.parquet")
    (tmp_path / "d.pdf").write_text("no news")
    for source, most in (
        (tmp_path / "a.jsonl", 3),
        (tmp_path / "b.txt", 1),
        (tmp_path / "c.parquet", 3),
        (tmp_path, 7),
    ):
        assert expected(str(source)) == most
        assert sum(isinstance(item, Article) for item in read(str(source))) == most
    (tmp_path / "e.csv").write_text("title,text\nHarbour,Closed.\n")
    (tmp_path / "f.parquet").write_text("no table")
    unknown = ("e.csv", "f.parquet", "", "none.jsonl", "d.pdf", "a.db:SELECT 1 AS text", "nul\0.txt/x.jsonl")
    assert [expected(str(tmp_path / name)) for name in unknown] == [None] * len(unknown)
    assert expected("https://paper.example/page.html") is None

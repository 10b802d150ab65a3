"""The archive under use and misuse: nothing lost, nothing double, every error with its cure."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.embeddings import DeterministicFakeEmbedding

from rag import Archive, Article, Settings, Turn
from rag.answers import citations
from rag.errors import (
    ArchiveCorrupt,
    ArchiveError,
    ArchiveLocked,
    ArchiveMismatch,
    ArchiveMissing,
    ArchiveReadOnly,
    QuestionError,
)
from rag.indexing.pipeline import Indexer

Make = Callable[..., Article]
MINISTER = (
    "The minister, Ana Silva, said the harbour will close in May.\n\nThe mayor, Tom Reed, said it will stay open."
)


def store(path: Path) -> Path:
    """The folder of the current ledger and indexes."""
    return path / (path / "CURRENT").read_text().strip()


def passages(path: Path) -> set[str]:
    with Archive.open(path) as archive:
        return set(archive._ledger.passage_ids())  # pyright: ignore[reportPrivateUsage]


# Adding


def test_ingesting_again_does_nothing(tmp_path: Path, make_article: Make) -> None:
    articles = [make_article(f"a{n}", f"{MINISTER} Edition {n}.") for n in range(5)]
    with Archive.create(tmp_path) as archive:
        first = archive.add(articles)
    before = passages(tmp_path)
    with Archive.create(tmp_path) as archive:
        second = archive.add(articles)
        third = archive.add(articles * 2)
    assert (first.added, second.added, second.unchanged, third.unchanged) == (5, 0, 5, 10)
    assert passages(tmp_path) == before
    with Archive.open(tmp_path) as archive:
        assert archive.verify().ok


def test_a_changed_article_leaves_no_stale_passage(tmp_path: Path, make_article: Make) -> None:
    with Archive.create(tmp_path) as archive:
        archive.add([make_article("one", f"{MINISTER}\n\n" + "The old figure was 12 million crowns. " * 60)])
        report = archive.add([make_article("one", f"{MINISTER} The new figure is 15 million crowns.")])
    assert report.updated == 1
    with Archive.open(tmp_path) as archive:
        assert archive.verify().ok
        found = archive.search("What was the old figure?", 50)
        assert found and not any("12 million" in hit.passage.text for hit in found)
        assert archive.status().articles == 1


def test_an_older_version_does_not_replace_a_newer_one(tmp_path: Path, make_article: Make) -> None:
    old = make_article("one", "The toll is 4.", published="2024-02-01", modified="2024-02-01T10:00:00+00:00")
    new = make_article("one", "The toll is 11.", published="2024-02-01", modified="2024-02-03T10:00:00+00:00")
    for order in ([old, new], [new, old]):
        folder = tmp_path / order[0].text[-3:-1]
        with Archive.create(folder) as archive:
            archive.add(order)
            assert archive.article(old.id).text == "The toll is 11."


@settings(max_examples=5, deadline=None)
@given(st.permutations(range(4)), st.integers(1, 4))
def test_the_order_of_sources_does_not_matter(order: list[int], cut: int) -> None:
    import tempfile

    articles = [
        Article(id=f"{n:016x}", title=f"T{n}", text=f"{MINISTER} Part {n}.", outlet="Post", published="2024-05-01")
        for n in range(4)
    ]
    with tempfile.TemporaryDirectory() as folder:
        with Archive.create(folder) as archive:
            archive.add([articles[n] for n in order[:cut]])
            archive.add([articles[n] for n in order[cut:]])
        with Archive.open(folder) as archive:
            found = {(h.passage.id, round(h.score, 6)) for h in archive.search("harbour", 10)}
            ids = archive._ledger.passage_ids()  # pyright: ignore[reportPrivateUsage]
    assert (ids, found) == EXPECTED.setdefault("all", (ids, found))


EXPECTED: dict[str, object] = {}


def test_articles_that_are_one_huge_paragraph_or_one_letter(tmp_path: Path, make_article: Make) -> None:
    with Archive.create(tmp_path) as archive:
        report = archive.add([make_article("run", "a" * 1_000_000), make_article("letter", "b")])
        assert report.added == 2
    with Archive.open(tmp_path) as archive:
        assert archive.verify().ok


# Killed, damaged, locked, read-only


def test_what_a_killed_run_recorded_is_indexed_by_the_next(
    tmp_path: Path, make_article: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Archive.create(tmp_path) as archive:
        archive.add([make_article("one", MINISTER)])
        with monkeypatch.context() as patch:

            def killed(self: Indexer) -> int:
                raise KeyboardInterrupt

            patch.setattr(Indexer, "finish", killed)
            with pytest.raises(KeyboardInterrupt):
                archive.add([make_article("two", f"{MINISTER} Again."), make_article("one", "Changed: it is closed.")])
    with Archive.open(tmp_path) as archive:
        assert archive.status().pending > 0
        assert not archive.verify().ok
        assert archive.ask("Will the harbour close in May?").status == "not_in_archive", "half an article is not shown"
    monkeypatch.setattr("rag.indexing.embed.OnnxEmbedder.embed_passages", None)  # nothing may be embedded again
    with Archive.create(tmp_path):
        pass
    with Archive.open(tmp_path) as archive:
        assert archive.status().pending == 0
        assert archive.verify().ok
        assert archive.status().articles == 2


def test_a_reader_notices_what_was_ingested_meanwhile(tmp_path: Path, make_article: Make) -> None:
    with Archive.create(tmp_path) as archive:
        archive.add([make_article("one", MINISTER)])
    with Archive.open(tmp_path) as reader:
        assert len(reader.search("harbour", 10)) == 1
        code = (
            "from rag import Archive, Article; import sys\n"
            "with Archive.create(sys.argv[1]) as a: a.add([Article('f'*16, 'New', 'The harbour reopened on Sunday.')])"
        )
        subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
        assert len(reader.search("harbour", 10)) == 2
        assert reader.verify().ok


def test_a_second_writer_is_told_who_holds_the_archive(tmp_path: Path) -> None:
    with Archive.create(tmp_path):
        code = "from rag import Archive; import sys; Archive.create(sys.argv[1])"
        second = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False
        )
        assert "ArchiveLocked" in second.stderr and str(os.getpid()) in second.stderr
        with pytest.raises(ArchiveLocked, match="wait for it to end"):
            Archive.create(tmp_path)
    with Archive.create(tmp_path):
        pass  # free again


def test_the_lock_dies_with_its_process(tmp_path: Path) -> None:
    code = "from rag import Archive; import sys, os, signal; a = Archive.create(sys.argv[1]); os.kill(os.getpid(), 9)"
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False).returncode == -9
    with Archive.create(tmp_path):
        pass


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(ArchiveMissing, match=r"python ingest\.py"):
        Archive.open(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ArchiveMissing, match=r"python ingest\.py"):
        Archive.open(tmp_path / "empty")


def test_an_archive_open_for_reading_refuses_articles(seed: Archive, make_article: Make) -> None:
    with pytest.raises(ArchiveError, match=r"Archive\.create"):
        seed.add([make_article("one", MINISTER)])


@pytest.fixture
def copy(seed_archive: Path, tmp_path: Path) -> Path:
    """A copy of the seed's archive, to be broken."""
    return Path(shutil.copytree(seed_archive, tmp_path / "copy"))


def test_another_embedder_is_refused_and_rebuild_makes_it_fit(copy: Path) -> None:
    other = DeterministicFakeEmbedding(size=32)
    with pytest.raises(ArchiveMismatch, match=r"python -m rag rebuild"):
        Archive.open(copy, embeddings=other)
    with pytest.raises(ArchiveMismatch):
        Archive.create(copy, settings=Settings(passage_tokens=99))
    assert Archive.rebuild(copy, embeddings=other).passages > 0
    with Archive.open(copy, embeddings=other) as archive:
        assert archive.verify().ok
    with pytest.raises(ArchiveMismatch):
        Archive.open(copy)


def test_a_schema_from_the_future_is_refused(copy: Path) -> None:
    with sqlite3.connect(store(copy) / "ledger.sqlite3") as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(ArchiveMismatch, match="upgrade"):
        Archive.open(copy)


def test_a_corrupt_ledger_is_told(copy: Path) -> None:
    (store(copy) / "ledger.sqlite3").write_bytes(b"this is no database" * 400)
    with pytest.raises(ArchiveCorrupt, match="damaged"):
        Archive.open(copy)


@pytest.mark.parametrize("broken", ["chroma/chroma.sqlite3", "words/meta.json"])
def test_a_corrupt_index_is_told_by_verify_and_mended_by_rebuild(copy: Path, broken: str) -> None:
    (store(copy) / broken).write_bytes(b"garbage" * 100)
    with Archive.open(copy) as archive:
        found = archive.verify()
        assert not found.ok and "rebuild" in " ".join(found.problems)
        with pytest.raises(ArchiveCorrupt, match="rebuild"):
            archive.ask("What did Lavrov say about BRICS?")
    Archive.rebuild(copy)
    with Archive.open(copy) as archive:
        assert archive.verify().ok
        assert archive.ask("What did Lavrov say about BRICS?").status == "answered"


def test_missing_indexes_are_told_and_rebuilt(copy: Path) -> None:
    shutil.rmtree(store(copy) / "chroma")
    shutil.rmtree(store(copy) / "words")
    with Archive.open(copy) as archive:
        assert "rebuild" in " ".join(archive.verify().problems)
    Archive.rebuild(copy)
    with Archive.open(copy) as archive:
        assert archive.verify().ok


def test_verify_sees_a_passage_that_an_index_lost(copy: Path) -> None:
    with Archive.create(copy) as archive:
        indexer = archive._open_indexer()  # pyright: ignore[reportPrivateUsage]
        lost = archive._ledger.passage_ids()[0]  # pyright: ignore[reportPrivateUsage]
        indexer._lexical.put([], removed=[lost])  # pyright: ignore[reportPrivateUsage]
    (store(copy) / "SEAL").unlink()  # as a killed writer leaves it; of a sealed store the changed file would be told
    with Archive.open(copy) as archive:
        assert any("tantivy lacks 1" in p for p in archive.verify().problems)


def test_rebuild_leaves_one_index_and_the_same_answers(copy: Path) -> None:
    question = "What did Lavrov say about BRICS expansion?"
    before_store = store(copy)
    with Archive.open(copy) as archive:
        before = archive.ask(question)
    Archive.rebuild(copy)
    assert list(copy.glob("store-*")) == [store(copy)] != [before_store]
    with Archive.open(copy) as archive:
        after = archive.ask(question)
    assert (before.sentences, before.citations) == (after.sentences, after.citations)


def test_a_folder_that_may_not_be_written_is_told(copy: Path) -> None:
    for folder in [copy, *copy.parents]:
        if folder.is_relative_to("/tmp"):
            folder.chmod(folder.stat().st_mode | 0o055)
    # Root may write anywhere, so the attempt is made as nobody (after the imports, which nobody may not read).
    code = """
import os, sys
from rag.archive import Archive
if os.getuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
Archive.create(sys.argv[1])
"""
    told = subprocess.run(
        [sys.executable, "-c", code, str(copy / "new")], capture_output=True, text=True, check=False
    ).stderr
    assert "ArchiveReadOnly" in told and "--archive" in told
    with pytest.raises(ArchiveReadOnly):
        Archive.create("/proc/nothing")


def test_a_full_disk_is_told_and_nothing_acknowledged_is_lost(
    tmp_path: Path, make_article: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rag.stores.ledger import Ledger

    with Archive.create(tmp_path) as archive:
        archive.add([make_article("one", MINISTER)])

        def full(self: Ledger, *_: object) -> None:
            with self._telling():  # pyright: ignore[reportPrivateUsage]
                raise sqlite3.OperationalError("database or disk is full")

        with monkeypatch.context() as patch:
            patch.setattr(Ledger, "acknowledge", full)
            with pytest.raises(ArchiveReadOnly, match="free some room"):
                archive.add([make_article("two", f"{MINISTER} Two.")])
    with Archive.create(tmp_path) as archive:
        assert archive.add([make_article("two", f"{MINISTER} Two.")]).unchanged == 1
    with Archive.open(tmp_path) as archive:
        assert archive.verify().ok


def test_what_a_source_gives_twice_is_recorded_once(tmp_path: Path, make_article: Make) -> None:
    first, other, newer = (make_article(n, f"{MINISTER} {t}.") for n, t in (("a", "One"), ("b", "Two"), ("a", "Three")))
    with Archive.create(tmp_path) as archive:
        told = archive.add([first, first, other, newer, newer])
        assert (told.added, told.unchanged, told.updated) == (2, 2, 1)
        assert archive.article(first.id).text == newer.text


# Asking


def test_the_seed(seed: Archive) -> None:
    for question in ("What did Lavrov say about BRICS expansion?", "what did lavrov say about brics expansion"):
        answer = seed.ask(question)
        assert answer.status == "answered"
        assert "like-minded countries is increasing" in answer.text
        assert {s.speaker for s in answer.sentences} == {"Sergei Lavrov"}
        assert "Wang" not in answer.text
    wang = seed.ask("What did Wang Yi say about BRICS?")
    assert {s.speaker for s in wang.sentences} == {"Wang Yi"} and "expanded BRICS mechanism" in wang.text
    assert "Lavrov" not in wang.text
    macron = seed.ask("What did Macron say about BRICS?")
    assert macron.status == "not_in_archive" and macron.sentences == () and macron.nearest
    for answer in (wang, macron):
        assert citations.check(answer, seed.article) == []
        assert answer.coverage.articles == 1 and answer.coverage.outlets == {"Xinhua": 1}


def test_a_follow_up_is_completed_from_the_conversation(seed: Archive) -> None:
    history = [Turn("What did Lavrov say about BRICS expansion?", "…")]
    answer = seed.ask("and what did Wang say?", history=history)
    assert "BRICS" in answer.searched and {s.speaker for s in answer.sentences} == {"Wang Yi"}


def test_filters(seed: Archive) -> None:
    question = "What did Lavrov say about BRICS expansion?"
    assert seed.ask(question, since=date(2024, 6, 11), until=date(2024, 6, 11)).status == "answered"
    for filters in ({"since": date(2024, 6, 12)}, {"until": date(2024, 6, 10)}):
        answer = seed.ask(question, **filters)
        assert answer.status == "not_in_archive" and answer.coverage.articles == 0 and not answer.nearest
    assert seed.ask(question, outlets=["xinhua"]).status == "answered"
    with pytest.raises(QuestionError, match="it has: Xinhua"):
        seed.ask(question, outlets=["Reuters"])


@pytest.mark.parametrize("question", ["", "   \n ", "x" * 10_000])
def test_no_question_or_too_long_a_one(seed: Archive, question: str) -> None:
    with pytest.raises(QuestionError, match="ask"):
        seed.ask(question)
    with pytest.raises(QuestionError, match="swap"):
        seed.ask("What?", since=date(2024, 2, 1), until=date(2024, 1, 1))


def test_any_question_gets_a_checked_answer(seed: Archive) -> None:
    @settings(max_examples=50, deadline=None)
    @given(st.text(min_size=1, max_size=200).filter(lambda q: q.replace("\0", " ").split()))
    def check(question: str) -> None:
        answer = seed.ask(question)
        assert citations.check(answer, seed.article) == []
        assert (answer.status == "not_in_archive") == (not answer.sentences)
        answer.to_json()

    check()


def test_one_text_in_two_outlets_is_shown_once(tmp_path: Path, make_article: Make) -> None:
    text = "The harbour of Port Meridian will be closed for three weeks from 1 May, the port authority said on Monday."
    with Archive.create(tmp_path) as archive:
        archive.add([make_article("one", text, outlet="Post"), make_article("two", text, outlet="Gazette")])
    with Archive.open(tmp_path) as archive:
        answer = archive.ask("How long will the harbour of Port Meridian be closed?")
        assert len(answer.sentences) == 1
        assert {answer.citations[0].outlet, *answer.citations[0].also_in} == {"Post", "Gazette"}


def test_two_versions_of_one_url_with_one_date_in_one_source_settle(tmp_path: Path, make_article: Make) -> None:
    first, second, third = (make_article("one", f"The toll is {n}.", published="2024-02-01") for n in (4, 11, 12))
    with Archive.create(tmp_path) as archive:
        assert archive.add([first, second]).updated == 1
        for _ in range(3):
            report = archive.add([first, second])
            assert (report.added, report.updated, report.unchanged) == (0, 0, 2)
        assert archive.add([first, second, third]).updated == 1
        assert archive.add([first, second, third]).unchanged == 3
        assert archive.article(first.id).text == third.text
        # What one source gives alone is its present state, also when it had been that before.
        assert archive.add([make_article("one", "The toll is 13.", published="2024-02-01")]).updated == 1
        assert archive.add([third]).updated == 1
    with Archive.open(tmp_path) as archive:
        assert archive.verify().ok


@pytest.fixture(scope="module")
def tongues(tmp_path_factory: pytest.TempPathFactory, make_article: Make) -> Iterator[Archive]:
    """Two people on one quay, in two languages."""
    path = tmp_path_factory.mktemp("tongues") / "archive"
    said = (
        '"We will rebuild the quay by October," said Ines Corvo, the harbour master. The quay is 200 metres long.\n\n'
        '"The quay will cost far too much," said Tom Reed, the mayor.'
    )
    articles = [
        make_article("quay", said, outlet="Harbour Post", published="2024-03-08", language="en"),
        make_article(
            "crane", 'The crane fell. "The crane was old," said Tom Reed.', published="2024-03-09", language="en"
        ),
        make_article("quai", "Le quai de Port Marrow (the quay) sera reconstruit avant octobre.", language="fr"),
        make_article("unknown", "Quay.", outlet="Harbour Post"),
    ]
    with Archive.create(path) as archive:
        archive.add(articles)
    with Archive.open(path) as archive:
        yield archive


def test_a_language_filter_leaves_only_articles_in_it(tongues: Archive) -> None:
    assert tongues.languages() == {"en": 2, "": 1, "fr": 1}
    for wanted, expected in ((["en"], {"en"}), (["FR-ca"], {"fr"}), (["fr", "en"], {"fr", "en"})):
        hits = tongues.search("quay", languages=wanted)
        assert {hit.article.language for hit in hits} == expected
    answer = tongues.ask("What will happen to the quay by October?", languages=["fr"])
    assert answer.coverage.articles == 1 and not {c.outlet for c in answer.citations} - {""}
    with pytest.raises(QuestionError, match="it has: en, fr"):
        tongues.ask("What of the quay?", languages=["de"])


@pytest.mark.parametrize(
    "question",
    [
        "What will happen to the quay?",
        "How long is the quay?",
        "What did Tom Reed say about the quay?",
        "What did Ines Corvo and Tom Reed say about the quay?",
        "What did Corvo say about the quay, and how long is it?",
        "Who said that the quay will be rebuilt?",
        "What happened in March 2024?",
    ],
)
def test_a_speaker_filter_quotes_that_person_only(tongues: Archive, question: str) -> None:
    for who, name in (("Corvo", "Ines Corvo"), ("tom reed", "Tom Reed")):
        answer = tongues.ask(question, speakers=[who])
        assert {s.speaker for s in answer.sentences} <= {name}, answer.text
        assert {c.speaker for c in answer.citations} <= {name}
        assert {c.speaker for c in tongues.timeline(question, speakers=[who])} <= {name}


def test_a_speaker_filter_asks_for_their_words(tongues: Archive) -> None:
    answer = tongues.ask("What about the quay?", speakers=["Corvo"])
    assert answer.status == "answered" and "rebuild the quay by October" in answer.text
    other = tongues.ask("What did Tom Reed say about the quay?", speakers=["Corvo"])
    assert other.status == "not_in_archive" and "searched only in the words of Corvo" in other.notes
    assert "Tom Reed" in {s.speaker for s in tongues.ask("What about the quay?", speakers=["Corvo", "Reed"]).sentences}
    assert [h.article.title for h in tongues.search("crane", speakers=["Corvo"])] == ["Quay"]
    assert tongues.ask("What about the quay?", speakers=["Reed"], languages=["en"]).status == "answered"
    with pytest.raises(QuestionError, match="did you mean Ines Corvo"):
        tongues.ask("What about the quay?", speakers=["Ines Corvi"])
    with pytest.raises(QuestionError, match="quotes nobody named ''"):
        tongues.search("quay", speakers=[""])
    nothing = tongues.ask("What about the quay?", speakers=["Reed"], languages=["fr"])
    assert nothing.status == "not_in_archive" and nothing.coverage.articles == 0


def test_a_claim_is_checked_in_the_words_of_those_chosen_alone(tongues: Archive) -> None:
    claim = "The quay will cost far too much"
    his = tongues.check(claim, speakers=["Reed"])
    assert his.verdict == "supported" and {s.speaker for s in his.supporting} == {"Tom Reed"}
    hers = tongues.check(claim, speakers=["Corvo"])
    assert hers.verdict == "not_in_archive" and not hers.citations
    # What the article says in its own words is nobody's.
    assert tongues.check("The quay is 200 metres long").verdict == "supported"
    assert tongues.check("The quay is 200 metres long", speakers=["Corvo", "Reed"]).verdict == "not_in_archive"
    other = tongues.check("Tom Reed said that the quay will cost far too much", speakers=["Corvo"])
    assert other.verdict == "not_in_archive" and other.notes == ("searched only in the words of Corvo",)
    with pytest.raises(QuestionError, match="did you mean Ines Corvo"):
        tongues.check(claim, speakers=["Ines Corvi"])


def test_a_claim_is_checked_in_the_languages_chosen_alone(tongues: Archive) -> None:
    claim = "The quay is 200 metres long"
    assert tongues.check(claim, languages=["en"]).verdict == "supported"
    french = tongues.check(claim, languages=["fr"])
    assert french.verdict == "not_in_archive" and french.coverage.articles == 1


def test_a_choice_is_borne_out_by_the_words_of_those_chosen_alone(tongues: Archive) -> None:
    question, choices = "When will the quay be rebuilt?", ["By October", "By March"]
    hers = tongues.choose(question, choices, speakers=["Corvo"])
    assert hers.text == "By October" and "rebuild the quay by October" in hers.sentences[0].text
    for narrowed in (["Reed"], ["Corvo"]):
        found = tongues.choose("How is the quay?", ["200 metres long", "costly"], speakers=narrowed)
        assert "200 metres" not in " ".join(s.text for s in found.sentences)
    his = tongues.choose(question, choices, speakers=["Reed"])
    assert not any("October" in s.text for s in his.sentences) and his.scores[0] == pytest.approx(0.5, abs=0.01)
    judged = tongues.choose("True or false: the quay will cost far too much", ["True", "False"], speakers=["Corvo"])
    assert not judged.citations
    assert tongues.choose(question, choices, languages=["fr"]).coverage.articles == 1


def test_a_filter_that_does_not_exist_is_no_filter(tongues: Archive) -> None:
    for ask in (tongues.ask, tongues.search, tongues.check, tongues.timeline):
        with pytest.raises(TypeError, match="speaker"):
            ask("What about the quay?", speaker="Corvo")  # pyright: ignore[reportCallIssue]

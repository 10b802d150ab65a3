"""The attribution head: its arithmetic, its spans and their links; and what articles of any shape make of statements."""

from __future__ import annotations

import json
import time
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.indexing import attribution
from rag.indexing.attribution import FEATURES, TAGS, Floats, Head, Tagged, Words, head, runs, words_of
from rag.indexing.attributor import Attributor, TagReader, tags_of
from rag.indexing.embed import LangChainEmbedder, OnnxEmbedder
from rag.indexing.links import FILE, link
from rag.indexing.sentences import sentences
from rag.indexing.speakers import manner_of, statements
from rag.indexing.split import split
from rag.records import Article, Span, Statement
from rag.settings import Settings

SPOKEN = """Harbourton's council will buy the fish market, Mayor Ida Brandt said on Monday.

"We will never sell it," Brandt told reporters. The engineer, Tom Rask, denied that the roof leaks."""


@pytest.fixture(scope="module")
def embedder() -> OnnxEmbedder:
    return OnnxEmbedder(Settings.from_env().cache)


def said(article: Article, embedder: OnnxEmbedder) -> list[Statement]:
    found = statements(article, sentences(article.text), Attributor(embedder, 200).tags(article))
    for statement in found:
        for span in (statement.content, statement.cue, statement.source):
            assert span is None or 0 <= span.start < span.end <= len(article.text)
        assert 0 <= statement.confidence <= 1
    return found


def random_words(rng: np.random.Generator, length: int) -> Words:
    spans = [Span(2 * i, 2 * i + 1) for i in range(length)]
    features = rng.normal(size=(length, FEATURES)).astype(np.float32)
    return Words(spans, features, ["word"] * length, range(0, length, 5))


def test_the_head_is_small_and_holds_plain_arrays() -> None:
    assert attribution.FILE.stat().st_size <= 2_000_000
    with np.load(attribution.FILE, allow_pickle=False) as held:
        assert all(held[name].dtype == np.float16 for name in held.files)
    assert "" in json.loads(FILE.read_text())


def test_emissions_are_those_of_torch() -> None:
    torch = pytest.importorskip("torch")
    shipped = head()
    hidden = shipped.hidden
    gru = torch.nn.GRU(FEATURES, hidden, bidirectional=True, batch_first=True)
    for way, suffix in (("forward", "l0"), ("backward", "l0_reverse")):
        for name, mine in (
            ("weight_ih", "input"),
            ("weight_hh", "hidden"),
            ("bias_ih", "input_bias"),
            ("bias_hh", "hidden_bias"),
        ):
            getattr(gru, f"{name}_{suffix}").data = torch.from_numpy(shipped.w[f"{way}.{mine}"])
    words = random_words(np.random.default_rng(0), 17)
    with torch.no_grad():
        states = gru(torch.from_numpy(words.features)[None])[0][0].numpy()
    expected = states @ shipped.w["out"].T + shipped.w["out_bias"]
    assert np.allclose(shipped.emissions([words.features])[:, 0], expected, atol=1e-4)


def test_a_text_is_tagged_the_same_alone_and_beside_others() -> None:
    rng = np.random.default_rng(1)
    texts = [random_words(rng, n) for n in (5, 0, 19, 1, 8)]
    together = head().tag(texts)
    for text, found in zip(texts, together, strict=True):
        (alone,) = head().tag([text])
        assert [(t.role, t.span) for t in alone] == [(t.role, t.span) for t in found]
        assert np.allclose([t.sure for t in alone], [t.sure for t in found], atol=1e-3)


def test_the_path_is_the_best_of_all() -> None:
    rng = np.random.default_rng(2)
    small = Head({**head().w, "transitions": rng.normal(size=(TAGS, TAGS)), "start": rng.normal(size=TAGS)})
    scores = rng.normal(size=(4, 1, TAGS)).astype(np.float32)
    paths, sure = small._decode(scores, [4])  # pyright: ignore[reportPrivateUsage]
    every = np.stack(np.meshgrid(*[range(TAGS)] * 4, indexing="ij"), -1).reshape(-1, 4)
    total = small.w["start"][every[:, 0]] + scores[np.arange(4), 0, every].sum(1)
    total += sum(small.w["transitions"][every[:, i], every[:, i + 1]] for i in range(3))
    assert every[total.argmax()].tolist() == paths[0].tolist()
    share = np.exp(total - total.max()) / np.exp(total - total.max()).sum()
    expected = [[share[every[:, i] == tag].sum() for tag in range(TAGS)] for i in range(4)]
    assert np.allclose(sure[0], expected, atol=1e-4)


def plain_decode(scores: Floats, moves: Floats, start: Floats) -> tuple[list[int], Floats]:
    """Viterbi and forward-backward over one text, scores of shape (words, TAGS), as a textbook has them."""
    best, ahead, back = start + scores[0], [start + scores[0]], list[list[int]]()
    for row in scores[1:]:
        options = best[:, None] + moves
        back.append([int(options[:, tag].argmax()) for tag in range(TAGS)])
        best = options.max(0) + row
        ahead.append(logsum(ahead[-1][:, None] + moves) + row)
    path = [int(best.argmax())]
    for before in reversed(back):
        path.append(before[path[-1]])
    behind = [np.zeros(TAGS, np.float32)]
    for row in scores[:0:-1]:
        behind.append(logsum((moves + (row + behind[-1])[None]).T))
    path, behind = path[::-1], behind[::-1]
    total = np.stack(ahead) + np.stack(behind)
    share = np.exp(total - total.max(1, keepdims=True))
    return path, share / share.sum(1, keepdims=True)


def logsum(x: Floats) -> Floats:
    top = x.max(0, keepdims=True)
    return (np.log(np.exp(x - top).sum(0, keepdims=True)) + top)[0]


@settings(max_examples=60)
@given(st.lists(st.integers(1, 30), min_size=1, max_size=9), st.integers(0, 2**32 - 1))
def test_texts_decoded_together_are_decoded_as_one_by_one(lengths: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    lengths = sorted(lengths, reverse=True)
    scores = rng.normal(scale=3, size=(lengths[0], len(lengths), TAGS)).astype(np.float32)
    scores = np.round(scores, int(rng.integers(0, 3)))  # coarse ones tie
    shipped = head()
    paths, sure = shipped._decode(scores, lengths)  # pyright: ignore[reportPrivateUsage]
    for i, n in enumerate(lengths):
        path, share = plain_decode(scores[:n, i], shipped.w["transitions"], shipped.w["start"])
        assert paths[i].tolist() == path and np.array_equal(sure[i], share)


TEXT = st.text(st.sampled_from('aB7é漢“”«". ,-\n'), max_size=60)


@settings(max_examples=100, deadline=None)
@given(TEXT, TEXT, st.integers(0, 2**32 - 1))
def test_words_are_the_pieces_of_one_word_put_together(
    embedder: OnnxEmbedder, header: str, body: str, seed: int
) -> None:
    lead = len(header) + 1 if header else 0
    text = f"{header}\n{body}" if header else body
    encoding = embedder._tokenizer.encode(text)  # pyright: ignore[reportPrivateUsage]
    last, third = np.random.default_rng(seed).normal(size=(2, len(encoding.ids), 384)).astype(np.float32)
    words = words_of(text, encoding, last, third, lead, (lead, lead + 7))
    pieces: dict[int, list[int]] = {}
    for place, word in enumerate(encoding.word_ids):
        if word is not None and encoding.offsets[place][0] >= lead:
            pieces.setdefault(word, []).append(place)
    assert len(words.features) == len(words.spans) == len(words.folded) == len(pieces)
    begun = [words.spans[first].start for first in words.sentences]
    later = [span.start for span in words.spans if span.start >= 7][:1]
    assert begun == sorted({*[span.start for span in words.spans][:1], *later})
    before, quoted, ended = -1, False, True
    for span, row, places in zip(words.spans, words.features, pieces.values(), strict=True):
        assert (span.start, span.end) == (
            encoding.offsets[places[0]][0] - lead,
            encoding.offsets[places[-1]][1] - lead,
        )
        assert np.allclose(row[:768], np.concatenate([last[places].mean(0), third[places].mean(0)]), atol=1e-6)
        word = span.of(text[lead:])
        line = before < 0 or "\n" in text[lead + before : lead + span.start]
        quoted = quoted and not line
        if word in '“”«"':
            quoted = word in "“«" or (word == '"' and not quoted)
        shapes = [word[0].isupper(), len(word) > 1 and word.isupper(), word[0].isdigit(), word in '“”«"', quoted, line]
        assert row[768:774].tolist() == shapes
        assert row[774] == (span.start == before or (before < 0 and not lead and span.start == 0))
        ended = ended or line
        assert row[775] == ended
        ended = ended if word in '“”«"' else word == "."
        before = span.end


@settings(max_examples=100)
@given(st.lists(st.integers(0, TAGS - 1), max_size=12))
def test_runs_of_any_tags_are_in_order_and_do_not_overlap(tags: list[int]) -> None:
    spans = [Span(3 * i, 3 * i + 2) for i in range(len(tags))]
    found = runs(spans, tags, [0.5] * len(tags))
    assert all(a.span.end < b.span.start for a, b in pairwise(found))
    assert sum(tag > 0 for tag in tags) == sum((t.span.end - t.span.start + 1) // 3 for t in found)


ROLES = st.sampled_from(attribution.ROLES)


@settings(max_examples=100)
@given(st.lists(st.tuples(ROLES, st.integers(1, 9), st.integers(1, 9)), max_size=25), st.data())
def test_a_content_goes_to_one_cue_whatever_was_tagged(
    parts: list[tuple[attribution.Role, int, int]], data: st.DataObject
) -> None:
    tagged: list[Tagged] = []
    at = 0
    for role, gap, length in parts:
        tagged.append(Tagged(role, Span(at + gap, at + gap + length), 0.9))
        at += gap + length
    text = data.draw(st.text(alphabet='ab .“”"\n,', min_size=at + 1, max_size=at + 1))
    found = link(text, tagged, [0])
    assert len(found) == sum(t.role == "cue" for t in tagged)
    contents = [span for a in found for span in a.content]
    assert len(contents) == len(set(contents)) and all(len(a.source) <= 1 for a in found)


def test_tags_lie_in_the_article_and_confirm_the_rules(embedder: OnnxEmbedder) -> None:
    article = Article("a", "Fish market", SPOKEN, outlet="Harbour Post", published="2024-03-05", language="en")
    tags = Attributor(embedder, 200).tags(article)
    assert tags and {t.role for t in tags} == {"source", "cue", "content"}
    assert any(t.span.of(SPOKEN).endswith("Ida Brandt") for t in tags if t.role == "source")
    found = said(article, embedder)
    assert {s.speaker for s in found} == {"Ida Brandt", "Tom Rask"}
    assert [s.manner for s in found][-1] == "denied" and all(s.confidence > 0.5 for s in found[1:])


def test_the_header_of_a_passage_is_not_tagged(embedder: OnnxEmbedder) -> None:
    article = Article("a", "Mayor said: we will sell", "The market is old.", outlet="The Post said")
    (passage,) = split(article, sentences(article.text), 200, embedder.count, embedder.window)
    reader = TagReader.of([passage])
    embedder.embed_passages([passage.embedded], [()], reader)
    assert tags_of([passage], reader.tagged()) == []


def test_sentence_vectors_are_the_same_with_and_without_a_reader(embedder: OnnxEmbedder) -> None:
    spans = [sentences(SPOKEN)]
    plain = embedder.embed_passages([SPOKEN], spans)
    read = embedder.embed_passages([SPOKEN], spans, TagReader([SPOKEN], [0], [[0]]))
    assert np.array_equal(plain[0], read[0]) and np.array_equal(plain[1][0], read[1][0])


def test_an_embedder_without_token_vectors_leaves_it_to_the_rules() -> None:
    from langchain_core.embeddings import DeterministicFakeEmbedding

    article = Article("a", "Fish market", SPOKEN)
    other = LangChainEmbedder(DeterministicFakeEmbedding(size=8))
    tags = Attributor(other, 200).tags(article)
    assert tags is None
    assert {s.speaker for s in statements(article, sentences(SPOKEN), tags)} == {"Ida Brandt", "Tom Rask"}


@pytest.mark.parametrize(
    ("text", "cue", "manner"),
    [
        ("Lavrov said it was over.", "said", "stated"),
        ("Lavrov denied that he left.", "denied", "denied"),
        ("Lavrov declined to say whether he left.", "say", "refused"),
        ("She did not say how much it cost.", "say", "refused"),
        ("She is expected to say that it is over.", "say", "expected"),
        ("He has never said that.", "said", "denied"),
        ("“No,” he said.", "said", "stated"),
    ],
)
def test_manner(text: str, cue: str, manner: str) -> None:
    assert manner_of(text, Span(text.index(cue), text.index(cue) + len(cue))) == manner


# Bad input

TRANSCRIPT = "\n".join(
    f"{who}: Well, I think number {n} of the plan is a very good one, and we will do it."
    for n in range(40)
    for who in ("WALLACE", "CLINTON")
)
CROWD = "\n".join(
    f"“The harbour plan {n} is late,” said Alba{chr(97 + n % 26)}{chr(97 + n // 26)} Quist{chr(97 + n // 26)}{chr(97 + n % 26)}."
    for n in range(500)
)
BAD = {
    "all transcript": TRANSCRIPT,
    "unbalanced marks": "“We will go, said Ida Brandt. ” “ „ She “ said ” no « to » it.\n\n\"Never, Tom Rask said. He said \"no.",
    "500 speakers": CROWD,
    "speaker named Source": "Peter Source said the bridge is closed. “It is closed,” Source added. Anna Content told Peter Source that Cue was late.",
    "20,000 characters": "Ida Brandt said: “" + "We will build the harbour. " * 740 + "It stops here.”",
    "20,000 characters, one sentence": "Ida Brandt said: “" + "we will build the harbour and " * 667 + "stop.”",
    "mixed RTL": "Ida Brandt said “השלום will come” to the press. قال الوزير محمد إن السلام قريب. \u202eBrandt added that it was late.\u202c",
    "no speech": "The bridge is 40 metres long. It was built in 1990. The river is cold in May.",
    "another language": "Der Präsident sagte am Montag, er werde nicht zurücktreten. „Ich bleibe“, sagte Franz Huber.",
    "a lone mark": "”",
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_articles_of_any_shape(name: str, embedder: OnnxEmbedder) -> None:
    begun = time.perf_counter()
    article = Article("a", "Bad", BAD[name], language="de" if name == "another language" else "en")
    found = said(article, embedder)
    speakers = {s.speaker for s in found}
    if name == "no speech":
        assert not any(speakers)
    if name == "500 speakers":
        assert len(speakers) > 400
    if name == "all transcript":
        assert {s.kind for s in found} == {"direct"} and len(found) >= 80
    if name == "speaker named Source":
        assert speakers <= {"Peter Source", "Anna Content", ""} and "Peter Source" in speakers
    if name == "20,000 characters":
        assert speakers == {"Ida Brandt"} and sum(s.content.end - s.content.start for s in found) > 19_000
    if name == "20,000 characters, one sentence":
        assert speakers <= {"Ida Brandt", ""}
    if name == "another language":
        assert speakers <= {""} and all(s.confidence < 0.5 for s in found)
    assert time.perf_counter() - begun < 60

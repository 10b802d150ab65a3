"""The few best paths through a sentence, what a reading looks like, and which one is taken."""

from __future__ import annotations

import json
from itertools import pairwise, product

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.indexing import attribution, links, rerank
from rag.indexing.attribution import FEATURES, TAGS, Head, Words, head
from rag.indexing.rerank import Chooser, best_paths, cut, looks
from rag.records import Span


def test_the_weights_are_small_and_plain_arrays() -> None:
    files = attribution.FILE, links.FILE, rerank.FILE, rerank.NAMES
    assert sum(file.stat().st_size for file in files) <= 2_000_000
    with np.load(rerank.FILE, allow_pickle=False) as held:
        assert all(held[name].dtype == np.float16 for name in held.files)
        assert len(json.loads(rerank.NAMES.read_text())) == len(held["looks"])


@settings(max_examples=40)
@given(st.lists(st.integers(1, 4), min_size=1, max_size=4), st.integers(1, 9), st.integers(0, 2**32 - 1))
def test_the_best_paths_are_the_best_of_all(lengths: list[int], k: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    lengths = sorted(lengths, reverse=True)
    scores = rng.normal(size=(lengths[0], len(lengths), 3)).astype(np.float32)
    moves, leave = rng.normal(size=(3, 3)).astype(np.float32), rng.normal(size=(len(lengths), 3)).astype(np.float32)
    moves[0, 2] = -1e4  # barred
    for i, (found, tags) in enumerate(zip(*best_paths(scores, lengths, moves, leave, k), strict=True)):
        every = {
            path: float(
                sum(scores[t, i, tag] for t, tag in enumerate(path))
                + sum(moves[a, b] for a, b in pairwise(path))
                + leave[i, path[-1]]
            )
            for path in product(range(3), repeat=lengths[i])
        }
        best = sorted((score for score in every.values() if score > -5e3), reverse=True)[:k]
        assert np.allclose(found, best, atol=1e-4)
        made = [tuple(row) for row in tags.tolist()]
        assert len(set(made)) == len(made)
        assert np.allclose([every[path] for path in made], found, atol=1e-4)


def test_a_run_ends_with_its_line() -> None:
    lines = np.array([True, False, True, True, False])
    assert cut(np.array([2, 2, 2, 0, 6]), lines).tolist() == [1, 2, 1, 0, 6]


WORDS = ["“", "we", "sell", ",", "”", "brandt", "said", "."]


def test_a_look_names_roles_order_and_words_beside() -> None:
    marks = [word in "“”" for word in WORDS]
    capitals = [word == "brandt" for word in WORDS]
    seen = looks(WORDS, marks, capitals, [5, 6, 6, 6, 6, 1, 3, 0], 0, 8)
    assert {"P qsc", "n 1 1 1", "c is said", "s capital 1", "t first “", "c before ."} <= set(seen)
    # from the middle on: what goes on over the border is told apart from what begins there
    rest = looks(WORDS, marks, capitals, [5, 6, 6, 6, 6, 1, 3, 0], 3, 8)
    assert "P +qsc" in rest and "P qsc" not in rest


@given(st.lists(st.integers(0, TAGS - 1), min_size=1, max_size=40), st.data())
def test_any_tags_have_looks(tags: list[int], data: st.DataObject) -> None:
    n = len(tags)
    first = data.draw(st.integers(0, n - 1))
    last = data.draw(st.integers(first + 1, n))
    words = data.draw(st.lists(st.sampled_from(["said", "“", "a", "."]), min_size=n, max_size=n))
    seen = looks(words, [word == "“" for word in words], [False] * n, tags, first, last)
    assert seen[0].startswith("P ") and all(seen)


def chooser(**values: float) -> Chooser:
    """A network that minds nothing but the looks' own weights, and a path's score."""
    vectors = np.zeros((len(values), 3))
    vectors[:, 0] = list(values.values())
    zeros = {"hidden": np.zeros((4, 4)), "hidden_bias": np.zeros(4), "out": np.zeros(4)}
    return Chooser(list(values), {"looks": vectors, "path": np.array([1.0, 0.0]), **zeros})


def test_the_likeliest_path_is_taken_unless_another_looks_better() -> None:
    seen = [["bare"], ["whole"], ["unknown"]]
    assert chooser().best([0.0, -1.0, -2.0], seen) == 0
    assert chooser(whole=1.5).best([0.0, -1.0, -2.0], seen) == 1
    assert chooser(whole=0.5).best([0.0, -1.0, -2.0], seen) == 0
    assert chooser(bare=-3.0).best([0.0, -1.0, -2.5], seen) == 1


def test_only_doubtful_sentences_are_read_otherwise() -> None:
    class Second(Chooser):
        def best(self, scores: object, seen: object) -> int:
            return 1

    rng = np.random.default_rng(3)
    features = rng.normal(size=(30, FEATURES)).astype(np.float32)
    features[:, attribution.LINE] = 0
    text = Words([Span(2 * i, 2 * i + 1) for i in range(30)], features, ["word"] * 30, range(0, 30, 6))
    plain = Head(head().w)
    (path,), _, doubts = plain.read([text])
    assert doubts
    for one in doubts:
        assert one.scores[0] == 0 and -rerank.DOUBT < one.scores[1] <= 0
        assert np.array_equal(one.readings[0], path[one.first : one.last])
    (before,), (after,) = plain.tag([text]), Head(head().w, Second([], {})).tag([text])
    assert before != after
    told = [(one.first, one.last) for one in doubts]
    moved = {t.span for t in before} ^ {t.span for t in after}
    assert all(any(2 * a < span.end and span.start < 2 * b for a, b in told) for span in moved)

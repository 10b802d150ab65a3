"""Token vectors → where a passage names a source, reports and quotes: a bidirectional GRU and a linear-chain CRF.

The vectors are those that the embedder's own pass over the passages yields, so nothing is read twice. The weights are
trained by ``python -m evals train-attribution``; ``attribution.md`` beside them says on what, and where they fail.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from rag.indexing.embed import session
from rag.indexing.rerank import Chooser, Doubtful, Floats, Tags, cut, doubtful, longer, looks, shipped
from rag.records import Span

FILE = Path(__file__).with_name("attribution.npz")
Role = Literal["source", "cue", "content"]
ROLES: tuple[Role, ...] = ("source", "cue", "content")
TAGS = 1 + 2 * len(ROLES)  # outside; then begin and inside of each role
SHAPES = 8  # what an uncased model does not see of a word: see ``_shapes``
LINE = 2 * 384 + 5  # of these, that a word is the first of its line
CAPITAL, MARK = 2 * 384, 2 * 384 + 3
FEATURES = 2 * 384 + SHAPES
LETTERS = 10  # of a word, by which readings are compared

_OPEN, _CLOSE, _BOTH = "“«„", "”»", '"'
_MARKS = frozenset(_OPEN + _CLOSE + _BOTH)


@dataclass(frozen=True, slots=True)
class Tagged:
    """A run of words of a text that plays a role in reported speech; ``sure`` is the mean probability of its tags."""

    role: Role
    span: Span
    sure: float


@dataclass(frozen=True, slots=True)
class Attribution:
    """One source's cue and what it introduces; each may lie in several pieces, source and content may have none.

    ``sure`` is between 0 and 1: how sure the head is of the spans and of their belonging together.
    """

    source: tuple[Span, ...]
    cue: tuple[Span, ...]
    content: tuple[Span, ...]
    sure: float = 1.0


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one text as the head sees them: ``features`` has shape (words, FEATURES).

    ``folded`` are the words themselves, the first ten letters of each; ``sentences`` the words with which one begins.
    """

    spans: Sequence[Span]
    features: Floats
    folded: Sequence[str]
    sentences: Sequence[int]


def words_of(
    text: str, encoding: Any, last: Floats, third: Floats, lead: int = 0, starts: Sequence[int] = (0,)
) -> Words:
    """The words from character ``lead`` on, where a line begins, with spans that count from there.

    ``starts`` are the characters of ``text`` at which sentences begin; ``encoding`` is the tokenizer's; ``last`` and ``third`` are hidden states of its pieces, shape (pieces, 384). A
    word's vector is the mean of its pieces'.
    """
    # Only the special pieces at both ends belong to no word, so a word's pieces end where the next word's begin.
    owners = np.array([-1 if word is None else word for word in encoding.word_ids[: len(last)]])
    begins = np.flatnonzero((owners >= 0) & (np.diff(owners, prepend=-1) != 0))
    stop = int(np.count_nonzero(owners >= 0)) + (int(begins[0]) if len(begins) else 0)
    offsets = encoding.offsets
    begins = begins[bisect_left(begins.tolist(), lead, key=lambda piece: offsets[piece][0]) :]
    if not len(begins):
        return Words((), np.zeros((0, FEATURES), np.float32), (), ())
    counts = np.diff(begins, append=stop)
    spans = [
        Span(offsets[first][0] - lead, offsets[end - 1][1] - lead) for first, end in pairwise([*begins.tolist(), stop])
    ]
    features = np.empty((len(spans), FEATURES), np.float32)
    longer = np.flatnonzero(counts > 1)  # few words have more than one piece, hardly any more than three
    for states, columns in ((last, slice(0, 384)), (third, slice(384, 768))):
        rest = states[begins[longer] + 1]
        for more in range(2, int(counts.max())):
            still = np.flatnonzero(counts[longer] > more)
            rest[still] += states[begins[longer[still]] + more]
        sums = states[begins]
        sums[longer] += rest
        features[:, columns] = sums
    features[:, :768] /= counts.astype(np.float32)[:, None]
    body = text[lead:]
    features[:, 768:] = _shapes(body, spans, -1 if lead else 0)
    sentences = {bisect_left(spans, start - lead, key=lambda span: span.start) for start in starts}
    folded = [span.of(body).casefold()[:LETTERS] for span in spans]
    return Words(spans, features, folded, sorted(sentences - {len(spans)}))


def _shapes(text: str, spans: Sequence[Span], end: int) -> Floats:
    """Capital, all capitals, digit, mark of quotation, within a quotation, first of a line, glued to the word before
    (which ended at ``end``), first of a sentence; shape (words, SHAPES).
    """
    rows: list[tuple[bool, ...]] = []
    quoted, ended = False, True
    for span in spans:
        start, before, end = span.start, end, span.end
        word = text[start:end]
        line = not rows or (start > before and "\n" in text[before:start])
        if line:
            quoted, ended = False, True
        mark = word in _MARKS
        if mark:
            quoted = word in _OPEN or (word in _BOTH and not quoted)
        first = word[0]
        rows.append(
            (first.isupper(), len(word) > 1 and word.isupper(), first.isdigit(), mark, quoted, line, start == before, ended)
        )  # fmt: skip
        if not mark:
            ended = word in ".!?"
    return np.array(rows, np.float32).reshape(len(spans), SHAPES)


class Head:
    """The tagger, with no torch in the process. Weights are float16 in the file and float32 here.

    With a ``chooser`` the tags of a doubtful sentence are those that it takes, else those of the best path.
    """

    def __init__(self, weights: dict[str, NDArray[Any]], chooser: Chooser | None = None) -> None:
        self._chooser = chooser
        self.w = {name: np.ascontiguousarray(array, np.float32) for name, array in weights.items()}
        self.hidden = self.w["forward.hidden"].shape[1]

    def tag(self, texts: Sequence[Words]) -> list[list[Tagged]]:
        """For each text the runs of its words that play a role, in order."""
        order = [i for i in sorted(range(len(texts)), key=lambda i: -len(texts[i].spans)) if texts[i].spans]
        found: list[list[Tagged]] = [[] for _ in texts]
        if not order:
            return found
        paths, shares, doubts = self.read([texts[i] for i in order])
        if self._chooser is not None:
            for one in doubts:
                seen = looks_of(texts[order[one.text]], paths[one.text], one)
                paths[one.text][one.first : one.last] = one.readings[self._chooser.best(one.scores, seen)]
        for i, tags, share in zip(order, paths, shares, strict=True):
            found[i] = runs(texts[i].spans, tags, share[np.arange(len(tags)), tags])
        return found

    def read(self, texts: Sequence[Words]) -> tuple[list[Tags], list[Floats], list[Doubtful]]:
        """Of texts with words, longest first: the best path of each, the probability of its tags, shape (words, TAGS),
        and the doubtful sentences of all. No run goes on over the end of a paragraph.
        """
        scores = self.emissions([text.features for text in texts])
        paths, shares = self._decode(scores, [len(text.spans) for text in texts])
        lines = [text.features[:, LINE] > 0 for text in texts]
        sentences = [text.sentences for text in texts]
        moves, start = self.w["transitions"], self.w["start"]
        doubts = doubtful(scores, paths, shares, sentences, lines, moves, start)
        for share, line in zip(shares, lines, strict=True):  # what would go on there begins there
            share[line, 1::2] += share[line, 2::2]
        return [cut(path, line) for path, line in zip(paths, lines, strict=True)], shares, doubts

    @cached_property
    def _sessions(self) -> tuple[Any, Any]:
        """The recurrent part on ONNX Runtime, made of the weights: what a word's features bring to the gates, of all
        words at once, (words, FEATURES) → (words, 2 · 3 · hidden); then one step of both directions at once,
        (2, texts, 3 · hidden) and the state (2, texts, hidden) → the next state, and scores (2, texts, TAGS).
        ONNX's own GRU takes twice as long, and NumPy's products would take all cores from the embedder.
        """
        from onnx import helper

        both = ("forward", "backward")
        gates = [self.w[f"{way}.input"].T for way in both]
        biases = [self.w[f"{way}.input_bias"] for way in both]
        brought = _session(
            [helper.make_node("MatMul", ["x", "w"], ["xw"]), helper.make_node("Add", ["xw", "b"], ["y"])],
            {"x": ["words", FEATURES]},
            {"y": ["words", 6 * self.hidden]},
            {"w": np.concatenate(gates, 1), "b": np.concatenate(biases)},
        )
        step = _session(
            [
                helper.make_node("MatMul", ["h", "w"], ["hw"]),
                helper.make_node("Add", ["hw", "b"], ["kept"]),
                helper.make_node("Split", ["x", "sizes"], ["x_gates", "x_new"], axis=2),
                helper.make_node("Split", ["kept", "sizes"], ["h_gates", "h_new"], axis=2),
                helper.make_node("Add", ["x_gates", "h_gates"], ["open"]),
                helper.make_node("Sigmoid", ["open"], ["gates"]),
                helper.make_node("Split", ["gates"], ["reset", "update"], axis=2, num_outputs=2),
                helper.make_node("Mul", ["reset", "h_new"], ["h_reset"]),
                helper.make_node("Add", ["x_new", "h_reset"], ["sum"]),
                helper.make_node("Tanh", ["sum"], ["new"]),
                helper.make_node("Sub", ["h", "new"], ["change"]),
                helper.make_node("Mul", ["update", "change"], ["stays"]),
                helper.make_node("Add", ["new", "stays"], ["state"]),
                helper.make_node("MatMul", ["state", "out"], ["scores"]),
            ],
            {"x": [2, "texts", 3 * self.hidden], "h": [2, "texts", self.hidden]},
            {"state": [2, "texts", self.hidden], "scores": [2, "texts", TAGS]},
            {
                "w": np.stack([self.w[f"{way}.hidden"].T for way in both]),
                "b": np.stack([self.w[f"{way}.hidden_bias"][None] for way in both]),
                "out": np.stack(np.split(self.w["out"].T, 2)),
                "sizes": np.array([2 * self.hidden, self.hidden]),
            },
        )
        return brought, step

    def emissions(self, features: Sequence[Floats]) -> Floats:
        """Scores of the tags, shape (words of the longest, texts, TAGS), of the features of texts, longest first."""
        brought, step = self._sessions
        lengths = np.array([len(rows) for rows in features])
        begins = np.cumsum(lengths) - lengths
        x = brought.run(None, {"x": np.concatenate(features)})[0].reshape(-1, 2, 3 * self.hidden)
        scores = np.tile(self.w["out_bias"], (lengths[0], len(features), 1))
        state = np.zeros((2, len(features), self.hidden), np.float32)
        for t, k in enumerate(longer(lengths)):
            back = lengths[:k] - 1 - t  # the word of each text that the backward direction has come to
            now = x[[begins[:k] + t, begins[:k] + back], [[0], [1]]]
            state, (ahead, behind) = step.run(None, {"x": now, "h": state[:, :k]})
            scores[t, :k] += ahead
            scores[back, np.arange(k)] += behind
        return scores

    def _decode(self, scores: Floats, lengths: Sequence[int]) -> tuple[list[Tags], list[Floats]]:
        """Viterbi's path of each text (longest first), and the probability of each word's tags (forward-backward)."""
        steps, count, _ = scores.shape
        moves, start = self.w["transitions"], self.w["start"]
        left = [*longer(lengths), 0]  # texts that have a word t
        best = start + scores[0]
        ahead = best.copy()
        back = np.zeros((steps, count, TAGS), np.int64)
        forward = np.zeros_like(scores)
        forward[0] = ahead
        for t in range(1, steps):
            k = left[t]
            options = best[:k, :, None] + moves
            back[t, :k] = options.argmax(1)
            best[:k] = options.max(1) + scores[t, :k]
            ahead[:k] = _logsum(ahead[:k, :, None] + moves) + scores[t, :k]
            forward[t, :k] = ahead[:k]
        behind = np.zeros((count, TAGS), np.float32)
        backward = np.zeros_like(scores)
        path = np.zeros((steps, count), np.int64)
        ends = best.argmax(1)
        for t in range(steps - 1, -1, -1):
            k = left[t + 1]
            path[t, k : left[t]] = ends[k : left[t]]
            if k:
                path[t, :k] = back[t + 1, np.arange(k), path[t + 1, :k]]
                behind[:k] = _logsum((moves + (scores[t + 1, :k] + behind[:k])[:, None, :]).transpose(0, 2, 1))
                backward[t, :k] = behind[:k]
        total = forward + backward
        total -= total.max(2, keepdims=True)
        share = np.exp(total)
        share /= share.sum(2, keepdims=True)
        return [path[:n, i] for i, n in enumerate(lengths)], [share[:n, i] for i, n in enumerate(lengths)]


def _session(
    nodes: Sequence[Any],
    inputs: dict[str, list[Any]],
    outputs: dict[str, list[Any]],
    constants: dict[str, NDArray[Any]],
) -> Any:
    """A session of a graph of float32 (``inputs`` and ``outputs`` by shape)."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    def values(shapes: dict[str, list[Any]]) -> list[Any]:
        return [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()]

    held = [numpy_helper.from_array(np.ascontiguousarray(array), name) for name, array in constants.items()]
    graph = helper.make_graph(nodes, "head", values(inputs), values(outputs), held)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    model.ir_version = 8
    onnx.checker.check_model(model)
    return session(model.SerializeToString())


def _logsum(x: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """log Σ exp over the second axis of shape (texts, from, to)."""
    top = x.max(1, keepdims=True)
    return (np.log(np.exp(x - top).sum(1, keepdims=True)) + top)[:, 0]


def runs(
    spans: Sequence[Span], tags: Sequence[int] | NDArray[np.int64], sure: Sequence[float] | Floats
) -> list[Tagged]:
    """The runs that tags spell out: 0 outside, 1 + 2r begins and 2 + 2r continues role r."""
    found: list[Tagged] = []
    begun = -1
    plain = [*map(int, tags), 0]
    for i, tag in enumerate(plain):
        if begun >= 0 and (tag == 0 or tag % 2 == 1 or (tag - 1) // 2 != (plain[begun] - 1) // 2):
            role = ROLES[(plain[begun] - 1) // 2]
            found.append(Tagged(role, Span(spans[begun].start, spans[i - 1].end), float(np.mean(sure[begun:i]))))
            begun = -1
        if tag and begun < 0:
            begun = i
    return found


def looks_of(text: Words, path: Tags, one: Doubtful) -> list[list[str]]:
    """What the sentence looks like in each of its readings, its text's other words having the tags of ``path``."""
    marks, capitals = ((text.features[:, column] > 0).tolist() for column in (MARK, CAPITAL))
    before, after = path[: one.first].tolist(), path[one.last :].tolist()
    return [
        looks(text.folded, marks, capitals, [*before, *reading.tolist(), *after], one.first, one.last)
        for reading in one.readings
    ]


@cache
def head() -> Head:
    """The head that is shipped."""
    with np.load(FILE, allow_pickle=False) as held:
        return Head({name: held[name] for name in held.files}, shipped())

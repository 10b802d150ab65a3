"""Token vectors → where a passage names a source, reports and quotes: a bidirectional GRU and a linear-chain CRF.

The vectors are those that the embedder's own pass over the passages yields, so nothing is read twice. The weights are
trained by ``python -m evals train-attribution``; ``attribution.md`` beside them says on what, and where they fail.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from rag.indexing.embed import session
from rag.records import Span

FILE = Path(__file__).with_name("attribution.npz")
Role = Literal["source", "cue", "content"]
ROLES: tuple[Role, ...] = ("source", "cue", "content")
TAGS = 1 + 2 * len(ROLES)  # outside; then begin and inside of each role
SHAPES = 8  # what an uncased model does not see of a word: see ``_shapes``
LINE = 2 * 384 + 5  # of these, that a word is the first of its line
FEATURES = 2 * 384 + SHAPES

Floats = NDArray[np.float32]

_OPEN, _CLOSE, _BOTH = "“«„", "”»", '"'


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
    """The words of one text as the head sees them: ``features`` has shape (words, FEATURES)."""

    spans: Sequence[Span]
    features: Floats

    def behind(self, lead: int) -> Words:
        """The words from character ``lead`` on, with spans that count from there."""
        first = next((k for k, span in enumerate(self.spans) if span.start >= lead), len(self.spans))
        moved = [Span(span.start - lead, span.end - lead) for span in self.spans[first:]]
        return Words(moved, self.features[first:])


def words_of(text: str, encoding: Any, last: Floats, third: Floats) -> Words:
    """``encoding`` is the tokenizer's; ``last`` and ``third`` are hidden states of its pieces, shape (pieces, 384).

    A word's vector is the mean of its pieces'.
    """
    starts: list[int] = []
    spans: list[Span] = []
    before = None
    for place, (word, (start, end)) in enumerate(zip(encoding.word_ids, encoding.offsets, strict=True)):
        if word is None or place >= len(last):
            continue
        if word == before:
            spans[-1] = Span(spans[-1].start, end)
        else:
            starts.append(place)
            spans.append(Span(start, end))
        before = word
    if not spans:
        return Words((), np.zeros((0, FEATURES), np.float32))
    stop = starts[-1] + sum(1 for word in encoding.word_ids[starts[-1] : len(last)] if word == before)
    counts = np.diff([*starts, stop]).astype(np.float32)[:, None]
    both = np.concatenate([last[:stop], third[:stop]], axis=1)
    return Words(
        spans,
        np.concatenate(
            [(np.add.reduceat(both, starts, axis=0) / counts).astype(np.float32), _shapes(text, spans)], axis=1
        ),
    )


def _shapes(text: str, spans: Sequence[Span]) -> Floats:
    """Capital, all capitals, digit, mark of quotation, within a quotation, first of a line, glued to the word before,
    first of a sentence; shape (words, SHAPES).
    """
    out = np.zeros((len(spans), SHAPES), np.float32)
    quoted, end, ended = False, 0, True
    for i, span in enumerate(spans):
        word = span.of(text)
        line = i == 0 or "\n" in text[end : span.start]
        if line:
            quoted = False
        mark = word in _OPEN or word in _CLOSE or word in _BOTH
        if mark:
            quoted = word in _OPEN or (word in _BOTH and not quoted)
        ended = ended or line
        first = word[0]
        out[i] = (
            first.isupper(), len(word) > 1 and word.isupper(), first.isdigit(), mark, quoted, line, span.start == end,
            ended,
        )  # fmt: skip
        if not mark:
            ended = word in ".!?"
        end = span.end
    return out


class Head:
    """The tagger, with no torch in the process. Weights are float16 in the file and float32 here."""

    def __init__(self, weights: dict[str, NDArray[Any]]) -> None:
        self.w = {name: np.ascontiguousarray(array, np.float32) for name, array in weights.items()}
        self.hidden = self.w["forward.hidden"].shape[1]

    def tag(self, texts: Sequence[Words]) -> list[list[Tagged]]:
        """For each text the runs of its words that play a role, in order."""
        order = [i for i in sorted(range(len(texts)), key=lambda i: -len(texts[i].spans)) if texts[i].spans]
        found: list[list[Tagged]] = [[] for _ in texts]
        if not order:
            return found
        lengths = [len(texts[i].spans) for i in order]
        scores = self.emissions([texts[i].features for i in order])
        for i, n, tags, sure in zip(order, lengths, *self._decode(scores, lengths), strict=True):
            # No run goes on over the end of a paragraph.
            cut = (texts[i].features[:, LINE] > 0) & (tags > 0) & (tags % 2 == 0)
            found[i] = runs(texts[i].spans, tags - cut, sure[:n])
        return found

    @cached_property
    def _session(self) -> Any:
        """The recurrent part on ONNX Runtime, made of the weights: (words, texts, FEATURES) → (words, 2, texts, hidden)."""
        import onnx
        from onnx import TensorProto, helper, numpy_helper

        def gates(array: Floats) -> Floats:
            """Reset, update, new → update, reset, new."""
            reset, update, new = np.split(array, 3)
            return np.concatenate([update, reset, new])

        both = ("forward", "backward")
        kernels = {
            "W": np.stack([gates(self.w[f"{way}.input"]) for way in both]),
            "R": np.stack([gates(self.w[f"{way}.hidden"]) for way in both]),
            "B": np.stack([np.concatenate([gates(self.w[f"{way}.input_bias"]), gates(self.w[f"{way}.hidden_bias"])])
                           for way in both]),
        }  # fmt: skip
        gru = helper.make_node(
            "GRU", ["x", "W", "R", "B", "lengths"], ["y"], hidden_size=self.hidden, direction="bidirectional",
            linear_before_reset=1,
        )  # fmt: skip
        graph = helper.make_graph(
            [gru],
            "head",
            [
                helper.make_tensor_value_info("x", TensorProto.FLOAT, ["words", "texts", FEATURES]),
                helper.make_tensor_value_info("lengths", TensorProto.INT32, ["texts"]),
            ],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["words", 2, "texts", self.hidden])],
            [numpy_helper.from_array(np.ascontiguousarray(array), name) for name, array in kernels.items()],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
        model.ir_version = 8
        onnx.checker.check_model(model)
        return session(model.SerializeToString())

    def emissions(self, features: Sequence[Floats]) -> Floats:
        """Scores of the tags, shape (words of the longest, texts, TAGS)."""
        lengths = np.array([len(f) for f in features], np.int32)
        x = np.zeros((lengths.max(), len(features), FEATURES), np.float32)
        for i, rows in enumerate(features):
            x[: len(rows), i] = rows
        states = self._session.run(["y"], {"x": x, "lengths": lengths})[0]
        flat = states.transpose(0, 2, 1, 3).reshape(len(x) * len(features), -1)
        return (flat @ self.w["out"].T + self.w["out_bias"]).reshape(len(x), len(features), TAGS)

    def _decode(self, scores: Floats, lengths: Sequence[int]) -> tuple[list[NDArray[np.int64]], list[Floats]]:
        """Viterbi's path of each text, and the probability of each of its tags (forward-backward)."""
        steps, count, _ = scores.shape
        moves, start = self.w["transitions"], self.w["start"]
        ends = np.asarray(lengths)
        best = start + scores[0]
        ahead = best.copy()
        back = np.zeros((steps, count, TAGS), np.int64)
        forward = np.zeros_like(scores)
        forward[0] = ahead
        for t in range(1, steps):
            k = int((ends > t).sum())
            options = best[:k, :, None] + moves
            back[t, :k] = options.argmax(1)
            best[:k] = options.max(1) + scores[t, :k]
            ahead[:k] = _logsum(ahead[:k, :, None] + moves) + scores[t, :k]
            forward[t, :k] = ahead[:k]
        behind = np.zeros((count, TAGS), np.float32)
        backward = np.zeros_like(scores)
        for t in range(steps - 2, -1, -1):
            k = int((ends > t + 1).sum())
            behind[:k] = _logsum((moves + (scores[t + 1, :k] + behind[:k])[:, None, :]).transpose(0, 2, 1))
            backward[t, :k] = behind[:k]
        total = forward + backward
        total -= total.max(2, keepdims=True)
        share = np.exp(total)
        share /= share.sum(2, keepdims=True)
        paths: list[NDArray[np.int64]] = []
        sure: list[Floats] = []
        for i, n in enumerate(lengths):
            path = np.zeros(n, np.int64)
            path[-1] = int(best[i].argmax())
            for t in range(n - 1, 0, -1):
                path[t - 1] = back[t, i, path[t]]
            paths.append(path)
            sure.append(share[np.arange(n), i, path])
        return paths, sure


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
    for i in range(len(spans) + 1):
        tag = int(tags[i]) if i < len(spans) else 0
        if begun >= 0 and (tag == 0 or tag % 2 == 1 or (tag - 1) // 2 != (int(tags[begun]) - 1) // 2):
            role = ROLES[(int(tags[begun]) - 1) // 2]
            found.append(Tagged(role, Span(spans[begun].start, spans[i - 1].end), float(np.mean(sure[begun:i]))))
            begun = -1
        if tag and begun < 0:
            begun = i
    return found


@cache
def head() -> Head:
    """The head that is shipped."""
    with np.load(FILE, allow_pickle=False) as held:
        return Head({name: held[name] for name in held.files})

"""Which reading of a doubtful sentence is taken: not always the one whose tags are likeliest one after another.

The head's CRF sees two tags at a time. Of the few best paths through a sentence a small network takes one by what stands
in it as a whole: which roles, in which order, between which words. Its weights are learned together with the head's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

FILE = Path(__file__).with_name("rerank.npz")
NAMES = Path(__file__).with_name("rerank.json")
READINGS = 8  # of a sentence, at most
DOUBT = 3.0  # a sentence is doubtful where the second path's score is less than this below the best one's
SURE = 0.97  # and where the best path has a tag less probable than this; without one there is no such second path
BESIDE = 25  # words on either side of a sentence in which runs are seen

Floats = NDArray[np.float32]
Tags = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Doubtful:
    """A sentence, words ``first`` to ``last`` (past the end) of text number ``text`` of a batch, and the tags that it may
    have, best first, with each one's score less the best one's.
    """

    text: int
    first: int
    last: int
    readings: Sequence[Tags]
    scores: Sequence[float]


def cut(tags: Tags, lines: NDArray[np.bool_]) -> Tags:
    """The tags, where no run goes on over the beginning of a line."""
    return tags - (lines & (tags > 0) & (tags % 2 == 0))


def doubtful(
    scores: Floats,
    paths: Sequence[Tags],
    shares: Sequence[Floats],
    sentences: Sequence[Sequence[int]],
    lines: Sequence[NDArray[np.bool_]],
    moves: Floats,
    start: Floats,
) -> list[Doubtful]:
    """The doubtful sentences of texts, in any order; what stands around each keeps its text's best path.

    ``scores`` are the head's, shape (words, texts, tags); of each text there is the path, shape (words,), the
    probability of its tags (words, tags), the words with which sentences begin, and whether a word begins a line.
    """
    places: list[tuple[int, int, int]] = []
    for i, path in enumerate(paths):
        sure = shares[i][np.arange(len(path)), path]
        borders = sorted({0, *sentences[i], len(path)})
        places += [(i, a, b) for a, b in pairwise(borders) if sure[a:b].min() < SURE]
    if not places:
        return []
    places.sort(key=lambda place: place[1] - place[2])
    lengths = [b - a for _, a, b in places]
    own = np.zeros((lengths[0], len(places), scores.shape[2]), np.float32)
    leave = np.zeros((len(places), scores.shape[2]), np.float32)
    for n, (i, a, b) in enumerate(places):
        own[: b - a, n] = scores[a:b, i]
        own[0, n] += moves[paths[i][a - 1]] if a else start
        if b < len(paths[i]):
            leave[n] = moves[:, paths[i][b]]
    found: list[Doubtful] = []
    for (i, a, b), best, tags in zip(places, *best_paths(own, lengths, moves, leave, READINGS), strict=True):
        different: dict[bytes, tuple[float, Tags]] = {}
        for score, reading in zip((best - best[0]).tolist(), tags, strict=True):
            reading = cut(reading, lines[i][a:b])
            different.setdefault(reading.tobytes(), (score, reading))
        kept = list(different.values())
        if len(kept) > 1 and kept[1][0] > -DOUBT:
            found.append(Doubtful(i, a, b, [tags for _, tags in kept], [score for score, _ in kept]))
    return found


def longer(lengths: Sequence[int] | NDArray[np.int64]) -> list[int]:
    """For each place in the longest text how many texts have a word there; ``lengths`` are the longest first."""
    return (np.asarray(lengths)[:, None] > np.arange(lengths[0])).sum(0).tolist()


def best_paths(
    scores: Floats, lengths: Sequence[int], moves: Floats, leave: Floats, k: int
) -> tuple[list[Floats], list[Tags]]:
    """The ``k`` best paths of each row (or all that it has), best first: their scores, shape (paths,), and their tags,
    (paths, words).

    ``scores`` has shape (words, rows, tags), the longest row first; ``leave`` (rows, tags) is what its last tag brings.
    """
    steps, count, tags = scores.shape
    left = longer(lengths)
    nowhere = np.float32(-1e6)
    best = np.full((count, tags, k), nowhere, np.float32)
    best[:, :, 0] = scores[0]
    back = np.zeros((steps, count, tags, k), np.int16)  # the state before: tag · k + rank
    for t in range(1, steps):
        n = left[t]
        options = (best[:n, None] + moves.T[None, :, :, None]).reshape(n, tags, tags * k)
        back[t, :n] = kept = np.argpartition(options, -k, axis=2)[:, :, -k:]
        best[:n] = np.take_along_axis(options, kept, 2) + scores[t, :n, :, None]
    ends = (best + leave[:, :, None]).reshape(count, tags * k)
    state = np.argsort(-ends, axis=1, kind="stable")[:, :k]
    final = np.take_along_axis(ends, state, 1)
    path = np.zeros((steps, count, k), np.int64)
    rows = np.arange(count)[:, None]
    for t in range(steps - 1, -1, -1):
        n = left[t]
        path[t, :n] = state[:n] // k
        state[:n] = back[t, rows[:n], path[t, :n], state[:n] % k]
    # Barred moves are worth -1e4.
    there = [max(1, int(np.count_nonzero(row > -5e3))) for row in final]
    found = [path[:length, i, :m].T for i, (length, m) in enumerate(zip(lengths, there, strict=True))]
    return [row[:m] for row, m in zip(final, there, strict=True)], found


def looks(words: Sequence[str], marks: Sequence[bool], capitals: Sequence[bool], tags: Sequence[int],
          first: int, last: int) -> list[str]:  # fmt: skip
    """What a sentence, words ``first`` to ``last`` of a text, looks like with these tags of the whole text.

    ``words`` are folded; ``marks`` are which of them are marks of quotation, ``capitals`` which begin with a capital.
    """
    n = len(words)
    low, high = max(0, first - BESIDE), min(n, last + BESIDE)
    while low and tags[low] and tags[low] % 2 == 0:
        low -= 1
    runs: list[tuple[int, int, str]] = []
    before, after = "." if first else "^", "." if last < n else "$"
    at = low
    while at < high:
        tag = tags[at]
        begun = at
        at += 1
        if not tag:
            continue
        role = (tag - 1) // 2
        while at < high and tags[at] == 2 + 2 * role:
            at += 1
        if at <= first:
            before = "sct"[role]
        elif begun >= last:
            after = "sct"[role]
            break
        else:
            runs.append((begun, at, "sct"[role]))
    shapes = [
        ("+" if begun < first or tags[begun] % 2 == 0 else "")
        + ("q" if role == "t" and (marks[begun] or (begun and marks[begun - 1])) else role)
        + ("_" if end > last else "")
        for begun, end, role in runs
    ]
    roles = [role for _, _, role in runs]
    sources, cues, contents = (roles.count(role) for role in "sct")
    pattern = "".join(shapes)
    found = [
        f"P {pattern[:12]}",
        f"P {pattern[:10]} {before}{after}",
        f"< {before} {''.join(shapes[:2])}",
        f"> {''.join(shapes[-2:])} {after}",
        f"n {min(sources, 4)} {min(cues, 4)} {min(contents, 4)}",
        f"more {cues - contents} {cues - sources}",
    ]
    for i, (begun, end, role) in enumerate(runs):
        follows = words[end] if end < n else "$"
        found += [
            f"{role} first {words[begun]}",
            f"{role} last {words[end - 1]}",
            f"{role} after {words[begun - 1] if begun else '^'}",
            f"{role} before {follows}",
            f"{role} long {(end - begun).bit_length()}",
        ]
        if role == "s":
            found.append(f"s {'capital' if capitals[begun] else 'small'} {min(4, end - begun)}")
        elif role == "c":
            beside = shapes[i - 1] if i else "-", shapes[i + 1] if i + 1 < len(runs) else "-"
            found += [
                f"c is {' '.join(words[begun : min(end, begun + 4)])}",
                f"c {beside[0]} {words[end - 1]} {beside[1]}",
            ]
        else:
            odd = sum(marks[begun:end]) % 2
            stop = words[end - 1] in (".", "!", "?", "”", '"')
            found.append(f"{shapes[i]} odd {odd} stop {stop:d} {follows if len(follows) == 1 else 'w'}")
        if i:
            gap = " ".join(words[runs[i - 1][1] : begun])
            far = begun - runs[i - 1][1]
            found.append(f"{shapes[i - 1]} {gap if len(gap) < 16 else f'#{far.bit_length()}'} {role}")
            if i > 1:
                near = min(2, far), min(2, runs[i - 1][0] - runs[i - 2][1])
                found.append(f"{shapes[i - 2]}{shapes[i - 1]}{role} {near[1]}{near[0]}")
    return found


class Chooser:
    """A vector for each look, summed; one hidden layer over the sum and the path's score."""

    def __init__(self, names: Sequence[str], weights: Mapping[str, NDArray[Any]]) -> None:
        self._place = {name: i for i, name in enumerate(names)}
        self._w = {name: np.asarray(array, np.float32) for name, array in weights.items()}

    def best(self, scores: Sequence[float], seen: Sequence[Sequence[str]]) -> int:
        """The place of the reading to be taken, of their scores and looks."""
        w, place = self._w, self._place
        sums = np.stack([w["looks"][[place[name] for name in names if name in place]].sum(0) for names in seen])
        path = np.array([[score, n == 0] for n, score in enumerate(scores)], np.float32)
        hidden = np.maximum(0, np.concatenate([path, sums[:, 1:]], 1) @ w["hidden"].T + w["hidden_bias"])
        return int((sums[:, 0] + path @ w["path"] + hidden @ w["out"]).argmax())


def shipped() -> Chooser:
    """The network that is shipped."""
    with np.load(FILE, allow_pickle=False) as held:
        return Chooser(json.loads(NAMES.read_text()), {name: held[name] for name in held.files})

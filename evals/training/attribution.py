"""The attribution head's weights, learned from PolNeAR's train split over the frozen embedder's token vectors.

Windows are the passages of an ingest, so training sees what serving sees. Deterministic for a seed and a machine.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize  # pyright: ignore[reportUnknownVariableType]

from evals.datasets import polnear
from evals.datasets.polnear import Marked
from evals.training import rerank
from evals.training.windows import Window, windows
from rag.indexing.attribution import FEATURES, FILE, ROLES, TAGS, Head, Role, Tagged
from rag.indexing.links import FILE as LINKS
from rag.indexing.links import pairs
from rag.indexing.rerank import Chooser, Floats
from rag.indexing.sentences import sentences
from rag.records import Span
from rag.settings import Settings

HIDDEN = 128


@dataclass(frozen=True, slots=True)
class Round:
    """Passes over the windows, at a learning rate that rises to ``rate`` and falls to nothing."""

    epochs: int
    batch: int
    rate: float
    dropout: float


# The second goes on from where the first ends, with less dropped and in smaller steps.
ROUNDS = (Round(8, 64, 5e-3, 0.4), Round(7, 32, 3e-3, 0.25))


def allowed() -> Floats:
    """0 where a tag may follow another, else a large negative number; shape (TAGS, TAGS)."""
    moves = np.zeros((TAGS, TAGS), np.float32)
    for role in range(len(ROLES)):
        inside = 2 + 2 * role
        for before in range(TAGS):
            if before not in (inside - 1, inside):
                moves[before, inside] = -1e4
    return moves


def fit(
    train: Sequence[Window], rounds: Sequence[Round], seed: int, told: Callable[[int, Head], None]
) -> dict[str, NDArray[np.float16]]:
    """The weights, float16: their mean over the steps of the last round. ``told`` is shown each epoch's number, counted
    over all rounds, and the head of the mean so far.
    """
    import torch
    from torch import nn

    torch.manual_seed(seed)
    torch.set_num_threads(1)  # more of them wait for one another in the many small steps
    draw = np.random.default_rng(seed)
    gru = nn.GRU(FEATURES, HIDDEN, bidirectional=True, batch_first=True)
    out = nn.Linear(2 * HIDDEN, TAGS)
    moves, start = nn.Parameter(torch.zeros(TAGS, TAGS)), nn.Parameter(torch.zeros(TAGS))
    barred = torch.from_numpy(allowed())
    weights = [*gru.parameters(), *out.parameters(), moves, start]
    means: dict[Any, Any] = {weight: weight.detach().clone() for weight in weights}
    drop = nn.Dropout()

    def loss(batch: Sequence[Window]) -> Any:
        lengths = torch.tensor([len(w.spans) for w in batch])
        longest = int(lengths.max())
        x = torch.zeros(len(batch), longest, FEATURES)
        gold = torch.zeros(len(batch), longest, dtype=torch.long)
        for i, window in enumerate(batch):
            x[i, : len(window.spans)] = torch.from_numpy(window.features.astype(np.float32))
            gold[i, : len(window.spans)] = torch.from_numpy(window.tags)
        mask = torch.arange(longest)[None] < lengths[:, None]
        packed = nn.utils.rnn.pack_padded_sequence(drop(x), lengths, batch_first=True, enforce_sorted=False)
        states, _ = nn.utils.rnn.pad_packed_sequence(gru(packed)[0], batch_first=True)
        scores = out(drop(states))
        full = moves + barred
        alpha = start + scores[:, 0]
        for t in range(1, longest):
            step = torch.logsumexp(alpha[:, :, None] + full, 1) + scores[:, t]
            alpha = torch.where(mask[:, t, None], step, alpha)
        total = torch.logsumexp(alpha, 1)
        path = start[gold[:, 0]] + (scores.gather(2, gold[:, :, None])[:, :, 0] * mask).sum(1)
        path = path + (full[gold[:, :-1], gold[:, 1:]] * mask[:, 1:]).sum(1)
        return (total - path).sum() / mask.sum()

    def state() -> dict[str, NDArray[np.float16]]:
        named: dict[str, Any] = {"out": means[out.weight], "out_bias": means[out.bias], "start": means[start]}
        named["transitions"] = means[moves] + barred
        for way, suffix in (("forward", "l0"), ("backward", "l0_reverse")):
            named[f"{way}.input"] = means[getattr(gru, f"weight_ih_{suffix}")]
            named[f"{way}.hidden"] = means[getattr(gru, f"weight_hh_{suffix}")]
            named[f"{way}.input_bias"] = means[getattr(gru, f"bias_ih_{suffix}")]
            named[f"{way}.hidden_bias"] = means[getattr(gru, f"bias_hh_{suffix}")]
        return {name: value.numpy().astype(np.float16) for name, value in named.items()}

    epoch = 0
    for each in rounds:
        drop.p = each.dropout
        steps = each.epochs * -(-len(train) // each.batch)
        optimizer = torch.optim.AdamW(weights, lr=each.rate, weight_decay=0.01)
        rate = torch.optim.lr_scheduler.OneCycleLR(optimizer, each.rate, total_steps=steps, pct_start=0.1)
        taken = 0
        for _ in range(each.epochs):
            # Windows of like length share a batch; the batches come in any order.
            order = sorted(range(len(train)), key=lambda i: len(train[i].spans) + draw.normal() * 8)
            batches = [order[at : at + each.batch] for at in range(0, len(order), each.batch)]
            draw.shuffle(batches)
            for batch in batches:
                taken += 1
                optimizer.zero_grad()
                value = loss([train[i] for i in batch])
                value.backward()
                nn.utils.clip_grad_norm_(weights, 1.0)
                optimizer.step()
                rate.step()
                for weight, mean in means.items():
                    mean.lerp_(weight.detach(), 1 / taken)
            epoch += 1
            told(epoch, Head(dict(state())))
    return state()


def span_f1(head: Head, held: Sequence[Window], marked: Sequence[Marked]) -> dict[str, float]:
    """Exact-match F1 of each role's spans."""
    found: dict[str, set[tuple[int, int, int]]] = {role: set() for role in ROLES}
    for at in range(0, len(held), 64):
        some = held[at : at + 64]
        tagged = head.tag([w.words() for w in some])
        for window, runs in zip(some, tagged, strict=True):
            for run in runs:
                found[run.role].add((window.article, run.span.start, run.span.end))
    out: dict[str, float] = {}
    for role in ROLES:
        gold = {(n, *span) for n, each in enumerate(marked) for span in each.spans(role)}
        right = len(gold & found[role])
        out[role] = 2 * right / max(1, len(gold) + len(found[role]))
    return out


def train(data: Path, folder: Path, settings: Settings, seed: int, told: Callable[[str], None]) -> dict[str, float]:
    """Train on the split "train", write attribution.npz, links.json and rerank.npz and .json to ``folder``; exact F1 on
    the split "dev".
    """
    begun = time.perf_counter()
    learned, held = polnear.load(data, "train"), polnear.load(data, "dev")
    weighed = fit_links(learned)
    (folder / LINKS.name).write_text(json.dumps(dict(sorted(weighed.items())), ensure_ascii=False, indent=0) + "\n")
    seen = windows(learned, settings, told)
    kept = windows(held, settings, told)

    def tell(epoch: int, head: Head) -> None:
        scores = span_f1(head, kept, held)
        shown = ", ".join(f"{role} {score:.3f}" for role, score in scores.items())
        told(f"epoch {epoch}: {shown} ({time.perf_counter() - begun:.0f} s)")

    weights = fit(seen, ROUNDS, seed, tell)
    with (folder / FILE.name).open("wb") as file:
        np.savez(file, allow_pickle=False, **weights)
    told("again on half of the articles, for the readings of the others")
    half = fit([window for window in seen if window.article % 2 == 0], ROUNDS, seed + 1, tell)
    unseen = [window for window in seen if window.article % 2]
    names, chosen = rerank.fit(rerank.cases(Head(dict(half)), unseen, learned, weighed), seed)
    rerank.write(names, chosen, folder)
    return span_f1(Head(dict(weights), Chooser(names, chosen)), kept, held)


# Links


def fit_links(marked: Sequence[Marked], penalty: float = 1.0) -> dict[str, float]:
    """The weights of ``rag.indexing.links``, learned from the marked spans: a logistic regression with an L2 penalty."""
    rows: list[list[int]] = []
    gold: list[float] = []
    index: dict[str, int] = {"": 0}
    for each in marked:
        runs, linked = marked_runs(each)
        text = each.article.text
        for i, j, features in pairs(text, runs, [s.start for s in sentences(text)]):
            rows.append([0, *(index.setdefault(f, len(index)) for f in features)])
            gold.append(float((i, j) in linked))
    width = max(map(len, rows))
    # Rows are padded with a column that weighs nothing.
    table = np.array([row + [len(index)] * (width - len(row)) for row in rows])
    right = np.array(gold)

    def loss(w: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        score = np.append(w, 0.0)[table].sum(1)
        share = 1 / (1 + np.exp(-score))
        value = np.logaddexp(0, score).sum() - (right * score).sum() + penalty * (w[1:] @ w[1:]) / 2
        slope = np.zeros(len(w) + 1)
        np.add.at(slope, table, (share - right)[:, None])
        slope[1:-1] += penalty * w[1:]
        return float(value), slope[:-1]

    found: Any = minimize(loss, np.zeros(len(index)), jac=True, method="L-BFGS-B", options={"maxiter": 200})
    return {name: round(float(found.x[i]), 3) for name, i in index.items() if name == "" or abs(found.x[i]) > 0.02}


def marked_runs(marked: Marked) -> tuple[list[Tagged], set[tuple[int, int]]]:
    """The marked spans in reading order, and which of their places belong together (cue first)."""
    roles: dict[tuple[int, int], Role] = {
        (s.start, s.end): role for role in ROLES for a in marked.attributions for s in getattr(a, role)
    }
    order = sorted(roles)
    place = {span: n for n, span in enumerate(order)}
    linked = {
        (place[(c.start, c.end)], place[(s.start, s.end)])
        for a in marked.attributions
        for c in a.cue
        for s in (*a.source, *a.content)
    }
    return [Tagged(roles[span], Span(*span), 1.0) for span in order], linked

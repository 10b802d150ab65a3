"""The training of how likely the archive answers: questions that it does and does not answer, and how the sentences look
that were found for each.

Learned from are newsroom's dev questions and those of ``asked`` and ``worlds`` whose split is train: all that say
whether they can be answered. What the ranker makes of a question is what one makes that was trained without it. The
network is the ranker's, its loss the cross-entropy of one yes or no a question.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from evals.training.ranker import FOLDS, NETWORKS, Example, Network, folds, joined
from rag.answers.answerable import row
from rag.answers.extractive import ENOUGH
from rag.indexing.embed import Vectors
from rag.retrieval.ranker import FAR, Ranker

EPOCHS, BATCH, RATE, DECAY, DROPOUT = 20, 32, 3e-3, 0.1, 0.2
Labels = NDArray[np.bool_]


def rows(of: Sequence[Example], rankers: Mapping[str, Ranker]) -> tuple[Vectors, Labels, list[str]]:
    """A row a question that has anything to quote, whether it can be answered, and its group. ``rankers`` are by group."""
    seen: list[Vectors] = []
    labels: list[bool] = []
    groups: list[str] = []
    for example in of:
        kept = np.flatnonzero(example.quotable)
        if example.group.startswith("realtimeqa") or not len(kept):
            continue
        scores = rankers[example.group].scores(example.rows[kept])
        order = np.argsort(-scores, kind="stable")
        strengths = [example.strengths[n] for n in kept[order]]
        seen.append(row(scores[order], strengths, example.rows[kept[order]], example.unnamed))
        labels.append(example.answerable)
        groups.append(example.group)
    return np.stack(seen), np.array(labels), groups


def fit(seen: Vectors, labels: Labels, seed: int = 0) -> Ranker:
    """Its scores are log-odds. The same rows and seed give the same weights, on one machine to the last digit."""
    mean, deviation = seen.mean(0), seen.std(0) + 1e-3
    x = torch.from_numpy(np.clip((seen - mean) / deviation, -FAR, FAR))
    y = torch.from_numpy(labels.astype(np.float32))
    return joined([_trained(x, y, seed + n) for n in range(NETWORKS)], mean, deviation)


def _trained(x: torch.Tensor, y: torch.Tensor, seed: int) -> Network:
    torch.manual_seed(seed)
    order = np.random.default_rng(seed)
    network = Network(x.shape[1], DROPOUT)
    optimiser = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=DECAY)
    for _ in range(EPOCHS):
        for part in np.array_split(order.permutation(len(x)), max(len(x) // BATCH, 1)):
            loss = nn.functional.binary_cross_entropy_with_logits(network(x[part]), y[part])
            optimiser.zero_grad()
            loss.backward()  # pyright: ignore[reportUnknownMemberType]
            optimiser.step()
    return network.eval()


def cross_validate(seen: Vectors, labels: Labels, groups: Sequence[str], seed: int = 0) -> dict[str, dict[str, float]]:
    """Of groups held out, by data set: how many questions, the area under the ROC curve, and the shares refused of those
    that can and cannot be answered, at the likelihood that the product answers from.
    """
    of_group = folds(groups, seed)
    fold = np.array([of_group[g] for g in groups])
    odds = np.zeros(len(labels))
    for n in range(FOLDS):
        odds[fold == n] = fit(seen[fold != n], labels[fold != n], seed).scores(seen[fold == n])
    likely = 1 / (1 + np.exp(-odds))
    found: dict[str, dict[str, float]] = {}
    for name in sorted({g.split()[0] for g in groups}):
        mine = np.array([g.startswith(f"{name} ") for g in groups])
        yes, no = likely[mine & labels], likely[mine & ~labels]
        above = (yes[:, None] > no[None]).mean() + (yes[:, None] == no[None]).mean() / 2
        found[name] = {
            "questions": int(mine.sum()),
            "area": round(float(above), 4),
            "refused_answerable": round(float((yes < ENOUGH).mean()), 4),
            "refused_unanswerable": round(float((no < ENOUGH).mean()), 4),
        }
    return found


def table(measured: Mapping[str, Mapping[str, Any]]) -> str:
    """A line a data set."""
    lines = ["Refused of the answerable and the unanswerable questions held out:"]
    for name, of in measured.items():
        shares = " ".join(f"{100 * of[f'refused_{which}']:5.1f}" for which in ("answerable", "unanswerable"))
        lines.append(f"  {name:12} {of['questions']:5} questions  {shares}  area {of['area']:.3f}")
    return "\n".join(lines)

"""The learned ranker: how likely each sentence answers, from the rows of ``features``.

A network of one hidden layer, small enough to be read: its weights are numbers in ``ranker.json``, made by
``python -m evals train`` (which says from what) and run with numpy. It was trained with a softmax over the sentences of
each question (ListNet's top-one probability; Cao et al., ICML 2007), so only differences of scores within one question
mean something.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from rag.errors import SettingsError
from rag.indexing.embed import Vectors
from rag.retrieval.features import NAMES

FILE = Path(__file__).with_name("ranker.json")
# Rows are standardised; what lies further out than this was not seen in training.
FAR = 4.0


@dataclass(frozen=True, slots=True)
class Ranker:
    """``mean`` and ``deviation`` standardise a row; ``hidden`` has shape (features, units), ``bias`` and ``out`` (units,),
    ``direct`` (features,).
    """

    mean: Vectors
    deviation: Vectors
    hidden: Vectors
    bias: Vectors
    out: Vectors
    direct: Vectors

    def scores(self, rows: Vectors) -> Vectors:
        """A score a row, shape (rows,): the higher, the likelier the sentence answers."""
        x = np.clip((rows - self.mean) / self.deviation, -FAR, FAR)
        # Not "@": OpenBLAS would wake its threads for so little, and they then spin for some 25 ms, in the way of the rest.
        hidden = np.tanh(np.einsum("rf,fu->ru", x, self.hidden) + self.bias)
        scores = np.einsum("rf,f->r", x, self.direct) + np.einsum("ru,u->r", hidden, self.out)
        return scores.astype(np.float32)


@cache
def load(path: Path = FILE, names: tuple[str, ...] = NAMES) -> Ranker:
    """Raises SettingsError where the weights are of other features than the program's ``names``."""
    held: dict[str, Any] = json.loads(path.read_text())
    if tuple(held["features"]) != names:
        raise SettingsError(f"{path} was made for other features; make it anew: python -m evals train --data PATH")
    return Ranker(*(np.asarray(held[name], dtype=np.float32) for name in Ranker.__slots__))

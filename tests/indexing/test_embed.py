from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from langchain_core.embeddings import DeterministicFakeEmbedding

from rag.errors import SettingsError
from rag.indexing.embed import LangChainEmbedder, OnnxEmbedder, SentenceTransformersEmbedder, open_embedder
from rag.records import Span
from rag.settings import DEFAULT_EMBEDDER, Settings

TEXTS = ["What did Lavrov say?", "Der Haushalt. Ein zweiter Satz.", "x", "long " * 240]


def test_the_export_agrees_with_sentence_transformers() -> None:
    ours, reference = OnnxEmbedder(Settings().cache), SentenceTransformersEmbedder(DEFAULT_EMBEDDER)
    cosines = (ours.embed(TEXTS) * reference.embed(TEXTS)).sum(axis=1)
    assert cosines.min() >= 0.9999
    assert ours.window == reference.window == 256
    assert [ours.count(t) for t in TEXTS] == [reference.count(t) for t in TEXTS]


def test_vectors_are_of_length_one_and_do_not_depend_on_their_neighbours() -> None:
    embedder = OnnxEmbedder(Settings().cache)
    together = embedder.embed(TEXTS)
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    alone = np.stack([embedder.embed([t])[0] for t in TEXTS])
    assert (together * alone).sum(axis=1).min() > 0.9999


@pytest.mark.parametrize(
    "embedder", [OnnxEmbedder(Settings().cache), LangChainEmbedder(DeterministicFakeEmbedding(size=16))]
)
def test_every_sentence_has_a_vector(embedder: OnnxEmbedder | LangChainEmbedder) -> None:
    text = "The budget passed. The opposition protested loudly."
    spans = [[Span(0, 18), Span(19, len(text))], []]
    vectors, parts = embedder.embed_passages([text, "nothing"], spans)
    assert vectors.shape[0] == 2 and [len(p) for p in parts] == [2, 0]
    assert np.allclose(np.linalg.norm(parts[0], axis=1), 1, atol=1e-5)
    question = embedder.embed(["Who protested?"])[0]
    if isinstance(embedder, OnnxEmbedder):
        assert parts[0][1] @ question > parts[0][0] @ question


def test_an_unknown_model_is_told_in_one_line() -> None:
    embedder = open_embedder(Settings(embedder="/no/such/model"))
    with pytest.raises(SettingsError, match="RAG_EMBEDDER"):
        embedder.embed(["a"])


def test_the_default_embedder_runs_without_torch() -> None:
    code = (
        "import sys; from rag.settings import Settings; from rag.indexing.embed import open_embedder;"
        "open_embedder(Settings.from_env()).embed(['a']); sys.exit('torch' in sys.modules)"
    )
    OnnxEmbedder(Settings().cache).embed(["the export exists by now"])
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from langchain_core.embeddings import DeterministicFakeEmbedding

from rag import Archive
from rag.errors import ArchiveMismatch, SettingsError
from rag.indexing import embed
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


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A cache that holds the export and nothing else."""
    exact = OnnxEmbedder(Settings.from_env().cache)
    exact.embed(["the export exists by now"])
    (tmp_path / exact.path.name).symlink_to(exact.path)
    return tmp_path


def test_int8_is_made_once_and_near_to_fp32(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    exact, ours = OnnxEmbedder(cache), open_embedder(Settings(cache=cache, precision="int8"))
    alone = [float(ours.embed_question(t) @ exact.embed_question(t)) for t in TEXTS]
    assert min(alone) > 0.98 and max(alone) < 0.9999
    together = (ours.embed(TEXTS) * exact.embed(TEXTS)).sum(axis=1)
    assert together.min() > 0.95, "beside one of another length it is rounded more coarsely"
    assert ours.fingerprint == f"{exact.fingerprint}:int8"
    made = {path.name: path.stat().st_size for path in cache.iterdir()}
    assert set(made) == {exact.path.name, exact.path.name.replace(".onnx", "-int8.onnx")}
    assert min(made.values()) < 0.7 * max(made.values())
    monkeypatch.setattr(embed, "quantise", None)
    again = open_embedder(Settings(cache=cache, precision="int8"))
    assert again.embed(TEXTS) == pytest.approx(ours.embed(TEXTS))


def test_int8_is_refused_where_it_is_too_coarse(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def ruined(model: Any, path: Path, **_: Any) -> None:
        for weights in model.graph.initializer:
            if len(weights.dims) == 2 and weights.dims[0] == 384:
                weights.CopyFrom(
                    onnx.numpy_helper.from_array(np.round(onnx.numpy_helper.to_array(weights)), weights.name)
                )
        onnx.save(model, path)

    monkeypatch.setattr("onnxruntime.quantization.quantize_dynamic", ruined)
    before = set(cache.iterdir())
    with pytest.raises(SettingsError, match="RAG_EMBEDDER_PRECISION to fp32"):
        open_embedder(Settings(cache=cache, precision="int8")).embed(["a"])
    assert set(cache.iterdir()) == before


def test_int8_without_its_extra_names_the_command(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(SettingsError, match=r"needs onnx: pip install -e '\.\[int8\]'") as told:
        open_embedder(Settings(cache=cache, precision="int8")).embed(["a"])
    assert "\n" not in str(told.value)


def test_int8_is_for_the_default_embedder_and_one_archive_has_one_precision(seed_archive: Path) -> None:
    with pytest.raises(SettingsError, match="RAG_EMBEDDER_PRECISION=int8 is for all-MiniLM"):
        open_embedder(Settings(embedder="other", precision="int8"))
    with pytest.raises(SettingsError, match="fp32 or int8"):
        Settings.from_env({"RAG_EMBEDDER_PRECISION": "int4"})
    settings = Settings.from_env({"RAG_EMBEDDER_PRECISION": "int8"})
    with pytest.raises(ArchiveMismatch, match=":int8'; set it back"):
        Archive.open(seed_archive, settings=settings)

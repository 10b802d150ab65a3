"""One frozen Settings; ``Settings.from_env`` is the only reader of the environment (variables ``RAG_*``)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rag.errors import SettingsError

DEFAULT_EMBEDDER = "all-MiniLM-L6-v2"

Precision = Literal["fp32", "int8"]


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a user can set.

    ``archive``: folder of the archive (RAG_ARCHIVE). ``embedder``: the name or path of a sentence-transformers model
    (RAG_EMBEDDER). ``precision``: "int8" runs the default embedder in whole numbers, faster and a little less exact
    (RAG_EMBEDDER_PRECISION). ``passage_tokens``: upper bound of a passage in tiktoken's cl100k tokens (RAG_PASSAGE_TOKENS).
    ``model``: the language model that writes answers as ``provider:name``, "" for quoted answers (RAG_MODEL).
    ``model_url``: base URL of an OpenAI-compatible or Ollama server (RAG_MODEL_URL). ``model_timeout``: seconds until
    a silent model counts as failed (RAG_MODEL_TIMEOUT). ``cache``: folder of exported embedders (RAG_CACHE).
    ``chroma_url``: a Chroma server that keeps the vectors, "" to keep them in the archive (RAG_CHROMA_URL).
    ``ray_address``: the Ray cluster that several workers embed on, "" for this machine (Ray's own RAY_ADDRESS).
    """

    archive: Path = Path(".archive")
    embedder: str = DEFAULT_EMBEDDER
    precision: Precision = "fp32"
    passage_tokens: int = 200
    model: str = ""
    model_url: str = ""
    model_timeout: float = 60.0
    cache: Path = Path.home() / ".cache" / "dateline"
    chroma_url: str = ""
    ray_address: str = ""

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> Settings:
        """Settings with every ``RAG_*`` variable applied. Raises SettingsError on a value that cannot be one."""
        default = cls()

        def number(name: str, value: float, least: float) -> float:
            raw = environ.get(name, "")
            try:
                found = float(raw) if raw else value
            except ValueError:
                raise SettingsError(f"{name}={raw!r} is not a number; set it to one, such as {value:g}") from None
            if not least <= found < 1e9:
                raise SettingsError(f"{name}={raw!r} is out of range; set it to {least:g} or more, such as {value:g}")
            return found

        chroma_url = environ.get("RAG_CHROMA_URL", "")
        if chroma_url and not chroma_url.startswith(("http://", "https://")):
            raise SettingsError(f"RAG_CHROMA_URL={chroma_url!r} is no URL; set it to one such as http://127.0.0.1:8000")
        precision = environ.get("RAG_EMBEDDER_PRECISION") or default.precision
        if precision not in ("fp32", "int8"):
            raise SettingsError(f"RAG_EMBEDDER_PRECISION={precision!r} is none; set it to fp32 or int8")
        cache_home = environ.get("XDG_CACHE_HOME")
        cache = Path(cache_home) / "dateline" if cache_home else default.cache
        return cls(
            archive=Path(environ.get("RAG_ARCHIVE") or default.archive),
            embedder=environ.get("RAG_EMBEDDER") or default.embedder,
            precision=precision,
            passage_tokens=int(number("RAG_PASSAGE_TOKENS", default.passage_tokens, 32)),
            model=environ.get("RAG_MODEL", ""),
            model_url=environ.get("RAG_MODEL_URL", ""),
            model_timeout=number("RAG_MODEL_TIMEOUT", default.model_timeout, 0.001),
            cache=Path(environ.get("RAG_CACHE") or cache),
            chroma_url=chroma_url,
            ray_address=environ.get("RAY_ADDRESS", ""),
        )

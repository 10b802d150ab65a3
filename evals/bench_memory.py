"""How much memory an ingest takes at its peak: N articles, and ten times as many, each in a process of its own.

python -m evals.bench_memory FILE ARCHIVE is what such a process runs.
"""

from __future__ import annotations

import hashlib
import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from langchain_core.embeddings import Embeddings

from rag import Archive
from rag.settings import Settings

ARTICLES = 20_000
TIMES = 10
DIMENSIONS = 384
_FIELDS = ("title", "text", "url", "outlet", "published")


class Hashed(Embeddings):
    """A vector of fixed length from a text's hash: what the embedder itself takes does not depend on how much it is given,
    so that it can be left out, and hours with it.
    """

    model = "hashed"

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [self.embed_query(text) for text in texts]

    def embed_query(self, text: str) -> list[float]:
        seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
        return np.random.default_rng(seed).standard_normal(DIMENSIONS).tolist()


def memory(data: Path | None, most: int = ARTICLES) -> dict[str, Any]:
    """Peak resident memory (MiB) of ingesting ``most`` articles, and a tenth of them, of newsroom (or RealTime QA's from
    ``data``) and perturbed copies of them, with a hashed embedder.
    """
    from evals import bench

    found = bench.texts(data)
    peaks: dict[int, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as made:
        for count in (max(most // TIMES, 1), most):
            source = Path(made) / f"{count}.jsonl"
            with source.open("w") as out:
                for article in islice(bench.copies(found.articles), count):
                    out.write(json.dumps({name: getattr(article, name) for name in _FIELDS}) + "\n")
            command = [sys.executable, "-m", "evals.bench_memory", str(source), str(Path(made) / f"archive-{count}")]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            peaks[count] = json.loads(done.stdout)
    few, many = peaks
    return bench.result(
        "memory",
        f"{found.name} and perturbed copies, hashed vectors",
        {
            "articles": many,
            "passages": peaks[many]["passages"],
            "peak_mib": peaks[many]["peak_mib"],
            "tenth_peak_mib": peaks[few]["peak_mib"],
            "ratio": peaks[many]["peak_mib"] / peaks[few]["peak_mib"],
            "runs": {str(count): peak for count, peak in peaks.items()},
        },
    )


def child(argv: Sequence[str]) -> None:
    source, archive = argv
    with Archive.create(archive, settings=Settings(), embeddings=Hashed()) as opened:
        before = _peak()
        report = opened.ingest([source])
    (one,) = report.sources
    assert not one.failed, one.failed
    print(json.dumps({"articles": report.articles, "passages": report.passages, "seconds": round(report.seconds, 1),
                      "at_start_mib": before, "peak_mib": _peak()}))  # fmt: skip


def _peak() -> float:
    """The most memory that this process has had resident, in MiB."""
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


if __name__ == "__main__":
    child(sys.argv[1:])

"""How much memory an ingest takes at its peak: N articles, and ten times as many, each in a process of its own.

python -m evals.bench_memory FILE ARCHIVE own|hashed is what such a process runs.
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
SAMPLE = 300
"""Articles over which the archive's own embedder is looked at: more than it has in work at a time."""
DIMENSIONS = 384
_FIELDS = ("title", "text", "url", "outlet", "published")


class Hashed(Embeddings):
    """A vector of fixed length from a text's hash. What the archive's own embedder takes does not depend on how much it is
    given, so that it is measured over a few articles and left out of the others, and hours with it.
    """

    model = "hashed"

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [self.embed_query(text) for text in texts]

    def embed_query(self, text: str) -> list[float]:
        seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
        return np.random.default_rng(seed).standard_normal(DIMENSIONS).tolist()


def memory(data: Path | None, most: int = ARTICLES) -> dict[str, Any]:
    """Peak resident memory (MiB) of ingesting ``most`` articles, and a tenth of them, of newsroom (or RealTime QA's from
    ``data``) and perturbed copies of them, with a hashed embedder; what the archive's own takes beside that, over a few;
    and the ratio of the two peaks with that added to both (``ratio_hashed`` without).
    """
    from evals import bench

    found = bench.texts(data)
    few = max(most // TIMES, 1)
    sample = min(few, SAMPLE)
    with tempfile.TemporaryDirectory() as made:

        def peak(count: int, embedder: str) -> dict[str, float]:
            source = Path(made) / f"{count}.jsonl"
            with source.open("w") as out:
                for article in islice(bench.copies(found.articles), count):
                    out.write(json.dumps({name: getattr(article, name) for name in _FIELDS}) + "\n")
            archive = tempfile.mkdtemp(dir=made)
            command = [sys.executable, "-m", "evals.bench_memory", str(source), archive, embedder]
            return json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)

        runs = {f"{count} {how}": peak(count, how) for count, how in (
            (sample, "own"), (sample, "hashed"), (few, "hashed"), (most, "hashed"),
        )}  # fmt: skip
    own = runs[f"{sample} own"]["peak_mib"] - runs[f"{sample} hashed"]["peak_mib"]
    less, more = (runs[f"{count} hashed"]["peak_mib"] for count in (few, most))
    return bench.result(
        "memory",
        f"{found.name} and perturbed copies, hashed vectors",
        {
            "articles": most,
            "passages": runs[f"{most} hashed"]["passages"],
            "peak_mib": more,
            "tenth_peak_mib": less,
            "embedder_mib": own,
            "ratio": (more + own) / (less + own),
            "ratio_hashed": more / less,
            "runs": runs,
        },
    )


def child(argv: Sequence[str]) -> None:
    source, archive, embedder = argv
    with Archive.create(archive, settings=Settings(), embeddings=Hashed() if embedder == "hashed" else None) as opened:
        before = _peak()
        report = opened.ingest([source])
    (one,) = report.sources
    assert not one.failed, one.failed
    print(json.dumps({"articles": report.articles, "passages": report.passages, "seconds": round(report.seconds, 1),
                      "at_start_mib": before, "peak_mib": _peak()}))  # fmt: skip


def _peak() -> float:
    """The most memory that this process has had resident, in MiB. Where Linux tells, of this program alone: what getrusage
    tells begins with the process that started it.
    """
    if sys.platform == "linux":
        status = Path("/proc/self/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) / 2**10
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


if __name__ == "__main__":
    child(sys.argv[1:])

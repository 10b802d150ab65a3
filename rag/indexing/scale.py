"""Lots embedded by processes instead of threads, on this machine or on a Ray cluster.

Reading, splitting and writing stay where they are: one process that alone holds the archive, so that nothing is lost or
doubled whatever happens to the others. They are Ray's actors and no Ray Data pipeline, since what is read is not a data
set that lies ready: whether an article is wanted hinges on those before it, which the writer alone knows.
"""

from __future__ import annotations

import logging
import os
import shutil
import socket
import tempfile
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.errors import RagError, SettingsError, WorkerError
from rag.indexing.embed import Embedder, cores, open_embedder
from rag.indexing.pipeline import LOTS, Draft, prepare
from rag.settings import Settings
from rag.stores.ledger import Prepared

if TYPE_CHECKING:
    from langchain_core.embeddings import Embeddings

# More workers than this on one core only take each other's time and memory.
MOST_ON_A_CORE = 4
# Seconds until a cluster's door must open, and until all workers must have loaded their model.
REACHED, LOADED = 5, 120
# Ray's shared memory, for each worker: what its lots are and become, a few megabytes each, with room for wide vectors.
MEMORY = 128 << 20

KEPT = "what was finished is kept, and the next run goes on from there"


def share(nodes: Sequence[int], workers: int) -> int:
    """The cores that each of ``workers`` gets, where machines have these numbers of cores: as many as leave room for
    all, at least 1.
    """
    return next((k for k in range(max(nodes), 1, -1) if sum(node // k for node in nodes) >= workers), 1)


class _Worker:
    """What runs in each process: an embedder of its own, on its share of the cores."""

    def __init__(self, settings: Settings, embeddings: Embeddings | None, threads: int) -> None:
        os.environ.update(RAYON_NUM_THREADS=str(threads))  # the tokenizer's
        if not settings.cache.exists():  # another machine, where the cache lies elsewhere
            settings = replace(settings, cache=Settings.from_env().cache)
        self._embedder = open_embedder(settings, embeddings, threads=threads)

    def made_with(self) -> tuple[str, str]:
        """The versions of Dateline and of the embedder, once it is loaded."""
        self._embedder.embed_question("load")
        return version("dateline"), self._embedder.fingerprint

    def prepare(self, lot: Sequence[Draft]) -> list[Prepared]:
        return prepare(self._embedder, lot)


class RayWorkers:
    """``count`` processes that embed (a ``rag.indexing.pipeline.Workers``), on the cluster at ``settings.ray_address``,
    else on this machine. They start when the first lot is sent, and end with ``close``. (Where Ray's
    own daemons die, Ray ends this process: what was finished is kept then, too.)

    Raises SettingsError where Ray is not installed or the cluster does not answer, WorkerError when a worker dies.
    """

    def __init__(self, count: int, embedder: Embedder, settings: Settings, embeddings: Embeddings | None) -> None:
        """``embeddings`` are those that ``embedder`` wraps, if any: they must be fit to be pickled."""
        self._count = count
        self._embedder = embedder
        self._settings = settings
        self._embeddings = embeddings
        self._address = settings.ray_address or "local"
        if find_spec("ray") is None:
            raise SettingsError(f"{count} workers need Ray; pip install -e '.[scale]', or leave --workers out")
        if self._address == "local" and count > MOST_ON_A_CORE * cores():
            raise SettingsError(
                f"{count} workers are more than this machine's {cores()} cores can use; give at most "
                f"{MOST_ON_A_CORE * cores()}, or name a Ray cluster in RAY_ADDRESS"
            )
        self._actors: list[Any] = []
        self._work: list[list[Future[list[Prepared]]]] = []
        self._folder: str | None = None
        self._ours = False

    @property
    def most(self) -> int:
        return LOTS * self._count

    def send(self, lot: Sequence[Draft]) -> Future[list[Prepared]]:
        """To the worker that has least to do."""
        if not self._actors:
            self._start()
        self._work = [[future for future in sent if not future.done()] for sent in self._work]
        least = min(range(self._count), key=lambda i: len(self._work[i]))
        found: Future[list[Prepared]] = Future()

        def arrived(done: Future[list[Prepared]]) -> None:
            if error := done.exception():
                found.set_exception(_told(error))
            else:
                found.set_result(done.result())

        self._actors[least].prepare.remote(list(lot)).future().add_done_callback(arrived)
        self._work[least].append(found)
        return found

    def stop(self) -> None:
        """The lots in work are few: their workers finish them before they turn to others."""

    def close(self) -> None:
        """End the workers, and Ray where it was started here. Takes a second or two."""
        if self._actors or self._ours:
            import ray

            for actor in self._actors:
                ray.kill(actor)
            self._actors, self._work = [], []
            if self._ours:
                self._ours = False
                ray.shutdown()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def _start(self) -> None:
        self._embedder.embed_question("load")  # what cannot be loaded is told here, and an export made once
        try:
            self._connect()
            self._load()
        except BaseException:
            self.close()
            raise

    def _connect(self) -> None:
        """Ray tells nobody of itself, and on this machine alone it listens on loopback only."""
        os.environ.update(
            RAY_USAGE_STATS_ENABLED="0",
            RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO="0",  # or Ray warns of its own plans
        )
        started: dict[str, Any] = {"address": self._address}
        if self._address == "local":
            # What Ray calls this on Linux, too: off, all its servers bind to 127.0.0.1.
            os.environ.update(RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER="0")
            # A short path (Ray puts sockets there), which goes when we go.
            self._folder = tempfile.mkdtemp(prefix="dateline-", dir="/tmp" if Path("/tmp").is_dir() else None)
            started |= {
                "num_cpus": max(cores(), self._count),
                "object_store_memory": MEMORY * (self._count + 1),
                "include_dashboard": False,
                "_temp_dir": self._folder,
            }
        else:
            _reach(self._address)
            os.environ.update(RAY_NUM_REDIS_GET_RETRIES="1")  # what listens but is no Ray: a minute, not ten
        import ray

        if ray.is_initialized():  # by the program that uses us
            return
        self._ours = True
        # What Ray has to tell of a dead worker it would print among our JSON; we tell it by ourselves.
        ray._private.worker._worker_logs_enabled = False  # pyright: ignore[reportPrivateUsage, reportAttributeAccessIssue, reportPrivateImportUsage]
        try:
            ray.init(log_to_driver=False, logging_level=logging.ERROR, **started)
        except (ConnectionError, RuntimeError, OSError, ValueError, TimeoutError) as error:
            what = (
                "Ray did not start" if self._address == "local" else f"RAY_ADDRESS={self._address!r} gives no cluster"
            )
            raise SettingsError(f"{what}: {_line(error)}; mend that, or leave --workers out") from error

    def _load(self) -> None:
        import ray
        from ray.exceptions import GetTimeoutError, RayError

        nodes = [int(node["Resources"].get("CPU", 0)) for node in ray.nodes() if node["Alive"]]
        if sum(nodes) < self._count:
            raise SettingsError(f"{self._count} workers are more than the Ray cluster's {sum(nodes)} cores; give fewer")
        threads = max(1, cores() // self._count) if self._address == "local" else share(nodes, self._count)
        room: dict[str, Any] = {"num_cpus": threads, "max_concurrency": LOTS, "scheduling_strategy": "SPREAD"}
        made: Any = ray.remote(**room)(_Worker)
        try:
            self._actors = [
                made.remote(self._settings, self._embeddings, threads)  # pyright: ignore[reportAttributeAccessIssue]
                for _ in range(self._count)
            ]
        except TypeError as error:
            raise SettingsError("these embeddings cannot be sent to workers (pickled); leave workers out") from error
        self._work = [[] for _ in self._actors]
        try:
            loaded: list[tuple[str, str]] = ray.get(
                [actor.made_with.remote() for actor in self._actors], timeout=LOADED
            )
        except GetTimeoutError:
            raise WorkerError(
                f"no room for {self._count} workers within {LOADED} s; give fewer --workers, or free the cluster's cores"
            ) from None
        except RayError as error:
            raise _told(error) from error
        ours = version("dateline"), self._embedder.fingerprint
        for theirs in loaded:
            if theirs != ours:
                raise SettingsError(
                    f"a worker has Dateline {theirs[0]} with {theirs[1]}, not {ours[0]} with {ours[1]}; install the same "
                    "on every machine of the cluster"
                )


def _reach(address: str) -> None:
    """Raises SettingsError where nothing listens: Ray itself would try for a minute, and end the process."""
    if address == "auto":
        return
    host, _, port = address.removeprefix("ray://").rpartition(":")
    cure = "start it with: ray start --head, or unset RAY_ADDRESS to use this machine alone"
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=REACHED).close()
    except (OSError, ValueError, OverflowError) as error:
        raise SettingsError(f"no Ray cluster answers at RAY_ADDRESS={address!r} ({_line(error)}); {cure}") from error


def _told(error: BaseException) -> RagError:
    """What a user is told of a lot that did not come back."""
    from ray.exceptions import RayActorError, RayTaskError

    if isinstance(error, RayTaskError):
        cause = error.cause
        return cause if isinstance(cause, RagError) else WorkerError(f"a worker failed: {_line(cause)}; {KEPT}")
    if isinstance(error, RayActorError):
        if error.actor_init_failed:
            why = str(error).strip().splitlines()[-1]
            return WorkerError(f"a worker could not start ({why}); install the same Dateline where it runs")
        return WorkerError(f"a worker is gone (killed, or out of memory?); {KEPT}")
    return WorkerError(f"Ray failed: {_line(error)}; {KEPT}")


def _line(error: object) -> str:
    """The first line of an error's text."""
    text = str(error).strip()
    return text.splitlines()[0].rstrip(".:") if text else type(error).__name__

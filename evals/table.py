"""The README's table of figures, from result files that are committed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from evals import agreement, runfile
from evals.measures import Value
from evals.systems import NAMES, WRITERS
from rag.errors import RagError, SettingsError

PLAIN = ("AnswerWords", "WrongMouthWords", "p50", "p95")
"""Measures in words or milliseconds; the others are shares, printed as percentages."""
_MARKED = re.compile(r"<!-- figures:(?P<name>[\w.-]+) -->\n(?P<table>.*?)<!-- /figures -->", re.DOTALL)


def cell(name: str, raw: Mapping[str, Any] | None) -> str:
    """A measure's value with its interval, "–" where it applied to nothing."""
    value = Value(**raw) if raw else None
    if value is None or value.value is None or value.low is None or value.high is None:
        return "–"
    by = 1 if name in PLAIN else 100
    return f"{value.value * by:.1f} ({value.low * by:.1f} to {value.high * by:.1f})"


def table(runs: Sequence[Mapping[str, Any]]) -> str:
    """Measures by system as a Markdown table. Raises RagError where the runs are not over the same data."""
    if len({run["data_hash"] for run in runs}) != 1:
        names = ", ".join(sorted({f"{run['dataset']} {run['data_hash'][:8]}" for run in runs}))
        raise RagError(f"the runs are over different data ({names}); make a table of each")
    runs = sorted(runs, key=_order)
    measures = list(dict.fromkeys(name for run in runs for name in run["measures"]))
    lines = [
        "| measure | " + " | ".join(str(run["system"]) for run in runs) + " |",
        "|---|" + "--:|" * len(runs),
    ]
    lines += [f"| {m} | " + " | ".join(cell(m, run["measures"].get(m)) for run in runs) + " |" for m in measures]
    first = runs[0]
    lines += [
        "",
        f"{first['asked']:,} questions over {first['articles']:,} articles; shares in per cent, with 95 % intervals.",
    ]
    for run in runs:
        if missing := run.get("counts", {}).get("not_judged_sentences"):
            lines += ["", f"{run['system']}: {missing:,} sentences were not judged for Faithful."]
    return "\n".join(lines) + "\n"


def _order(run: Mapping[str, Any]) -> tuple[int, str]:
    """The systems in the order of NAMES, each before what a model writes for it, and that before it unguarded."""
    name, _, model = str(run["system"]).partition("+")
    of = "ours" if name in WRITERS else name
    return (NAMES.index(of) if of in NAMES else len(NAMES)) * 2 + bool(model), f"{model} {name}"


def keep(runs: Sequence[Mapping[str, Any]], name: str, folder: Path = runfile.RESULTS) -> list[Path]:
    """Write the figures of runs, without their questions, as NAME.SYSTEM.json."""
    if not re.fullmatch(r"[\w-]+", name):
        raise SettingsError(f"{name!r} cannot name figures; use letters, digits and hyphens, such as realtimeqa-2023")
    written: list[Path] = []
    for run in runs:
        system = re.sub(r"[^\w-]+", "-", run["system"])
        path = folder / f"{name}.{system}.json"
        if path in written:
            raise RagError(f"two runs are of {run['system']}; keep one of each system")
        runfile.write(path, runfile.kept(run))
        written.append(path)
    return written


def named(name: str, folder: Path = runfile.RESULTS) -> list[dict[str, Any]]:
    """The kept runs of that name. Raises RagError where there are none."""
    paths = sorted(folder.glob(f"{name}.*.json"))
    if not paths:
        raise RagError(f"no figures are kept as {name}; run: python -m evals table RUN… --keep {name}")
    return [runfile.read(path) for path in paths]


def _printed(name: str, folder: Path) -> str:
    """The table of that name: of kept runs, or of the agreement of judges with labels."""
    if name == "agreement":
        return agreement.table(agreement.read(folder / agreement.KEPT.name))
    return table(named(name, folder))


def drifted(text: str, folder: Path = runfile.RESULTS) -> list[str]:
    """The names of the tables between figures:NAME markers that are not what the kept figures say."""
    return [m["name"] for m in _MARKED.finditer(text) if m["table"].strip() != _printed(m["name"], folder).strip()]

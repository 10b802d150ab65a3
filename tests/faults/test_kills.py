"""Writers killed at random instants (see kills.py): a few in every run of the tests, a hundred with ``make faults``."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.kills import ROOT
from tests.faults.world import environment


def kills(count: int, ingest: int, folder: Path) -> None:
    # In a process of its own, since it forks, which one that has opened an index must not.
    command = ["-m", "tests.faults.kills", "--kills", str(count), "--ingest", str(ingest), "--folder", str(folder)]
    done = subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, check=False, cwd=ROOT, env=environment()
    )
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"
    report = json.loads(done.stdout)
    assert report["writer"]["kills"] >= count and report["ingest"]["kills"] >= ingest


def test_a_few_kills_lose_nothing(tmp_path: Path) -> None:
    kills(5, 0, tmp_path)


@pytest.mark.faults
def test_a_hundred_kills_lose_nothing(tmp_path: Path) -> None:
    kills(100, 3, tmp_path)

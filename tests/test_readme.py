"""The README's own commands and scripts, run as they stand."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w+)([^\n]*)\n(.*?)^```$", README, re.M | re.S)
COMMANDS = [
    line.split(" #")[0].strip()
    for language, mark, body in BLOCKS
    if language == "sh" and "no-test" not in mark
    for line in body.splitlines()
    if line.startswith("python")
]
SHOWN = [body for language, _, body in BLOCKS if language == "text"]
SCRIPTS = [body for language, mark, body in BLOCKS if language == "python" and "no-test" not in mark]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that stands for the project's: what the commands write lands here."""
    folder = tmp_path_factory.mktemp("readme")
    for name in ("seeds", "evals", "rag", "ingest.py"):
        (folder / name).symlink_to(ROOT / name)
    return folder


def run(arguments: list[str], home: Path) -> subprocess.CompletedProcess[str]:
    environ = {k: v for k, v in os.environ.items() if not k.startswith("RAG_") or k == "RAG_CACHE"}
    return subprocess.run(arguments, capture_output=True, text=True, check=False, cwd=home, env=environ)


def test_there_are_commands() -> None:
    assert len(COMMANDS) >= 10 and len(SCRIPTS) >= 2


# In one test, since later commands use what earlier ones made.
def test_the_commands_and_scripts_of_the_readme(home: Path) -> None:
    outputs: list[str] = []
    for command in COMMANDS:
        done = run([sys.executable, *shlex.split(command)[1:]], home)
        outputs.append(done.stdout)
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        assert done.stdout.strip(), command
    assert all(shown in outputs for shown in SHOWN), "an output that the README shows is not the true one"
    for script in SCRIPTS:
        done = run([sys.executable, "-c", script], home)
        assert done.returncode == 0, f"{script}\n{done.stderr}"


def test_the_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"(?:^|`)make ([\w-]+)", README, re.M):
        assert re.search(rf"^{target}:", makefile, re.M), target


def test_every_setting_is_documented_and_exists() -> None:
    settings = (ROOT / "rag" / "settings.py").read_text()
    assert set(re.findall(r"RAG_\w+", README)) == set(re.findall(r"RAG_[A-Z]\w+", settings))


def test_nothing_loads_from_elsewhere() -> None:
    assert not re.findall(r"!\[[^\]]*\]\(https?:", README), "pictures are in the repository"

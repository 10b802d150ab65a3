"""The container and its compose file name only what exists: files, services, volumes, settings, commands."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from rag import Settings

ROOT = Path(__file__).parent.parent
DOCKER = (ROOT / "Dockerfile").read_text()
BIN = Path(sys.executable).parent


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    yaml = pytest.importorskip("yaml")
    return yaml.safe_load((ROOT / "compose.yaml").read_text())


def environment(service: dict[str, Any]) -> dict[str, str]:
    """What a service is given where the user's shell sets nothing."""
    return {k: re.sub(r"\$\{\w+:?-([^}]*)\}", r"\1", v) for k, v in service.get("environment", {}).items()}


def test_the_image_holds_what_the_page_needs() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    copied = {
        name
        for line in re.findall(r"^COPY (.+)$", DOCKER, re.M)
        if "--from" not in line
        for name in line.split()[:-1]
        if not name.startswith("--")
    }
    assert {"rag", "web", "ingest.py", "ui.py", "seeds", "constraints.txt"} <= copied
    ignored = (ROOT / ".dockerignore").read_text().split()
    for name in copied:
        assert (ROOT / name).exists() and name not in ignored, name
    assert set(re.findall(r"\.\[([\w,]+)\]", DOCKER)[0].split(",")) <= set(project["optional-dependencies"])
    python = re.findall(r"^FROM python:(\d+\.\d+)", DOCKER, re.M)
    assert python and all(f">={version}" == project["requires-python"] for version in python)


def test_a_service_uses_only_what_is_declared(compose: dict[str, Any]) -> None:
    services = compose["services"]
    assert set(services) == {"page", "ingest", "chroma"}
    for name, service in services.items():
        assert (ROOT / service["build"] / "Dockerfile").is_file(), name
        assert set(service.get("depends_on", {})) <= set(services)
        assert {volume.split(":")[0] for volume in service["volumes"]} <= set(compose["volumes"])
        assert set(service["networks"]) <= {"default", *compose["networks"]}
        # A volume that is mounted where the image has a folder of its own takes over that folder's owner.
        assert all(volume.endswith(":/data") for volume in service["volumes"])
        command = service.get("command", ["python"])
        assert (BIN / command[0]).exists() and (command[0] != "python" or all((ROOT / c).exists() for c in command[1:]))


def test_page_and_ingest_find_the_server_and_nobody_else_does(compose: dict[str, Any]) -> None:
    services = compose["services"]
    chroma = services["chroma"]
    options = dict(zip(chroma["command"][2::2], chroma["command"][3::2], strict=True))
    assert options["--path"] in [volume.split(":")[1] for volume in chroma["volumes"]]
    helped = subprocess.run([BIN / "chroma", "run", "--help"], capture_output=True, text=True, check=True).stdout
    assert all(option in helped for option in options)
    for name in ("page", "ingest"):
        given = environment(services[name])
        assert set(given) <= set(re.findall(r"RAG_[A-Z_]+", (ROOT / "rag" / "settings.py").read_text()))
        url = urlsplit(Settings.from_env(given).chroma_url)
        assert (url.hostname, str(url.port)) == ("chroma", options["--port"])
        assert services[name]["depends_on"]["chroma"]["condition"] == "service_healthy"
        assert set(services[name]["networks"]) & set(chroma["networks"])
    assert f"127.0.0.1:{options['--port']}/api/v2/heartbeat" in chroma["healthcheck"]["test"][-1]
    assert "ports" not in chroma and all(compose["networks"][n]["internal"] for n in chroma["networks"])
    port = re.findall(r'"--port", "(\d+)"', DOCKER)[0]
    assert services["page"]["ports"] == [f"127.0.0.1:{port}:{port}"], "on this machine only"
    assert f"EXPOSE {port}" in DOCKER

"""python ui.py: serve the page."""

from __future__ import annotations

import argparse
import importlib.util
import ipaddress
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from dataclasses import replace
from io import TextIOWrapper
from pathlib import Path

from rag.errors import RagError, SettingsError
from rag.settings import Settings


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(
        prog="python ui.py",
        description="Serve the page on which an archive is asked. Only this machine can reach it unless --host names "
        "an address that others reach; whoever reaches it may ask.",
    )
    found.add_argument("--archive", metavar="DIR", help="the archive (default: RAG_ARCHIVE, else .archive)")
    found.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s, loopback)")
    found.add_argument("--port", type=int, help="port to listen on (default: the first free one from 7860 on)")
    found.add_argument(
        "--auth", type=Path, metavar="FILE", help="let in only whom this file names: a line each, NAME:PASSWORD"
    )
    found.add_argument(
        "--root-path", default="", metavar="PATH", help="the path at which a proxy serves the page, as /news"
    )
    found.add_argument(
        "--allow-ingest",
        action="store_true",
        help="let readers add articles although the page is served beyond this machine (on it, they may)",
    )
    found.add_argument("--mcp", action="store_true", help="also serve ask, search and quotes as tools of an MCP server")
    found.add_argument("--model", help="language model as provider:name (default: RAG_MODEL, else none: quotes)")
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """0 when it was stopped, 2 when it could not start."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character shows another in its place.
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    args = parser().parse_args(argv)
    try:
        settings = Settings.from_env()
        if args.archive:
            settings = replace(settings, archive=Path(args.archive))
        if args.model is not None:
            settings = replace(settings, model=args.model)
        if settings.model:
            from rag.answers.generative import open_model

            open_model(settings.model, settings)  # a wrong one is told once, here, and not at each question
        check_address(args.host, args.port)
        serve(settings, args)
    except RagError as error:
        print(f"ui.py: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nstopped")
    return 0


def check_address(host: str, port: int | None) -> None:
    """Raises SettingsError when the address cannot be listened on."""
    if port is not None and not 0 < port < 65536:
        raise SettingsError(f"--port {port} is no port; choose one from 1024 to 65535")
    try:
        family = socket.getaddrinfo(host, port)[0][0]
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port or 0))
    except OSError as error:
        where = f"{host}:{port}" if port else host
        raise SettingsError(
            f"cannot listen on {where}: {error.strerror or error}; stop what listens there, name another with --port, "
            "or leave --port and --host out"
        ) from None


def users(path: Path) -> list[tuple[str, str]]:
    """The names and passwords of a file. Raises SettingsError."""
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"--auth {path} cannot be read ({error}); write a text file of lines NAME:PASSWORD"
        ) from None
    found = [(name, password) for name, _, password in (line.partition(":") for line in lines)]
    if not found or not all(name and password for name, password in found):
        raise SettingsError(f"--auth {path}: every line must be NAME:PASSWORD")
    return found


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(socket.getaddrinfo(host, None)[0][4][0]).is_loopback
    except (OSError, ValueError):
        return False


def serve(settings: Settings, args: argparse.Namespace) -> None:
    """Serve until interrupted (SIGINT or SIGTERM). Raises SettingsError."""
    auth = users(args.auth) if args.auth else None
    if args.root_path and not args.root_path.startswith("/"):
        raise SettingsError(f"--root-path {args.root_path!r} must begin with a slash, as in /news")
    if args.mcp and importlib.util.find_spec("mcp") is None:
        raise SettingsError("--mcp needs an extra; install it with: pip install -e '.[mcp]'")
    from web.page import Desk, build, launch

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    desk = Desk(settings, adding=args.allow_ingest or is_loopback(args.host))
    page = build(desk)
    try:
        address = launch(
            page,
            args.host,
            args.port,
            uploads=desk.adding,
            auth=auth,
            root_path=args.root_path.rstrip("/"),
            mcp=args.mcp,
        )
        print(f"Dateline is at {address}", flush=True)
        threading.Thread(target=desk.warm, daemon=True).start()
        threading.Event().wait()
    finally:
        page.close(verbose=False)
        desk.close()


if __name__ == "__main__":
    sys.exit(main())

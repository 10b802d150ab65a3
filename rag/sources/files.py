"""Files and folders: what to read, in which order, and their bytes and text within bounds."""

from __future__ import annotations

import codecs
import gzip
import io
import os
import stat
import zlib
from collections.abc import Iterator
from pathlib import Path

from rag.records import Skipped

MAX_WHOLE = 256 * 2**20
"""Bytes, after decompression, of a file that must be held whole (a JSON document)."""
MAX_DOCUMENT = 32 * 2**20
"""Bytes, after decompression, of a file that is one article."""
MAX_RECORD = 64 * 2**20
"""Bytes of one line of JSON Lines: an article within its own limit, its escapes and its other fields."""

_SAMPLE = 2**18
_LEGACY = [
    "cp1252", "latin_1", "iso8859_15", "cp1250", "iso8859_2", "cp1251", "koi8_r", "cp1253", "cp1254", "cp1255",
    "cp1256", "cp1257", "gb18030", "big5", "shift_jis", "euc_jp", "euc_kr", "cp874",
]  # fmt: skip
_MAGIC = {
    b"%PDF-": "a PDF", b"\x89PNG": "a picture", b"\xff\xd8\xff": "a picture", b"GIF8": "a picture",
    b"PK\x03\x04": "a ZIP archive or an Office document", b"\x1f\x8b": "gzip: name it .gz", b"\x7fELF": "a program",
    b"MZ": "a program", b"SQLite format 3": "a database", b"\xd0\xcf\x11\xe0": "an old Office document",
}  # fmt: skip
_CONTROLS = bytes(c for c in range(32) if c not in b"\t\n\v\f\r\x1b")


CHANGED = "was changed while it was read; ingest it again"


class Unreadable(ValueError):
    """A file whose bytes are no text, or too many; the message says why, in one line."""


def ending(path: Path) -> str:
    """The ending that tells how to read a file, in lower case and without ".gz": ".jsonl"."""
    return (Path(path.stem) if path.suffix.lower() == ".gz" else path).suffix.lower()


def name_of(path: Path) -> str:
    """The path as text to show and to store; bytes in it that are no UTF-8 become U+FFFD."""
    return os.fsencode(path).decode("utf-8", "replace")


def walk(folder: Path) -> Iterator[Path | Skipped]:
    """The files below a folder in sorted order. Hidden ones are left out; links are followed, each place once."""
    seen: set[Path] = set()

    def visit(place: Path) -> Iterator[Path | Skipped]:
        real = place.resolve()
        if real in seen:
            return
        seen.add(real)
        try:
            entries = sorted(os.scandir(place), key=lambda entry: entry.name)
        except OSError as error:
            yield Skipped(name_of(place), f"cannot be read: {reason(error)}")
            return
        for entry in entries:
            if entry.name.startswith("."):
                continue
            path = place / entry.name
            try:
                mode = path.stat().st_mode
            except OSError as error:
                yield Skipped(name_of(path), f"cannot be read: {reason(error)}")
                continue
            if stat.S_ISDIR(mode):
                yield from visit(path)
            elif not stat.S_ISREG(mode):
                yield Skipped(name_of(path), "is no regular file")
            elif (target := path.resolve()) not in seen:
                seen.add(target)
                yield path

    return visit(folder)


def reason(error: OSError | EOFError | zlib.error) -> str:
    """What went wrong with a file, in a few words."""
    if isinstance(error, EOFError | zlib.error | gzip.BadGzipFile):
        return "its gzip data is damaged or cut off; get the file again"
    strerror = error.strerror or str(error)
    return {
        "Permission denied": "permission denied; change its permissions (chmod +r)",
        "Too many levels of symbolic links": "its symbolic link points back to itself",
    }.get(strerror, strerror.lower())


def open_bytes(path: Path) -> gzip.GzipFile | io.BufferedReader:
    """The file's bytes, decompressed when its name ends in ".gz"."""
    return gzip.open(path, "rb") if path.suffix.lower() == ".gz" else path.open("rb")


def read_whole(path: Path, limit: int) -> bytes:
    """All bytes, at most ``limit`` of them. Raises `Unreadable` above it, OSError, EOFError or zlib.error."""
    before = version(path)
    with open_bytes(path) as file:
        raw = file.read(limit + 1)
    if len(raw) > limit:
        raise Unreadable(f"larger than {limit // 2**20} MiB, the limit for one file of this kind; split it")
    if version(path) != before:
        raise Unreadable(CHANGED)
    return raw


def version(path: Path) -> tuple[int, int, int]:
    """What changes when a file is written to or replaced."""
    told = path.stat()
    return told.st_mtime_ns, told.st_size, told.st_ino


def encoding_of(raw: bytes) -> str:
    """The encoding of a text's bytes (or of the first part of them). Raises `Unreadable` when they look binary.

    A byte order mark decides; else UTF-8, also where a few lines are damaged; else charset-normalizer's guess.
    """
    for mark, name in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if raw.startswith(mark):
            return name
    for magic, what in _MAGIC.items():
        if raw.startswith(magic):
            raise Unreadable(f"looks binary ({what})")
    controls = len(raw) - len(raw.translate(None, _CONTROLS))
    if controls > len(raw) // 50 + 8:
        raise Unreadable("looks binary (or is UTF-16 without its byte order mark: convert it to UTF-8)")
    if is_utf8(raw):
        return "utf-8"
    odd = [line for line in raw.split(b"\n")[:-1] or [raw] if not line.isascii()]
    if sum(map(is_utf8, odd)) * 2 >= len(odd) > 0:
        return "utf-8"  # damaged here and there: another encoding would spoil all the rest
    from charset_normalizer import from_bytes

    text = b"\n".join(line for line in raw.split(b"\n") if not line.isascii())[:_SAMPLE] or raw[:_SAMPLE]
    matches = from_bytes(text, cp_isolation=_LEGACY)
    best = matches.best()
    if best is None:
        raise Unreadable("looks binary (no encoding fits its bytes); save it as UTF-8 text")
    # Western and Central European code pages tie on most texts; the Western one is by far the more common in news.
    tied = [m for m in matches if m.chaos <= best.chaos + 0.001 and m.coherence >= best.coherence - 0.01]
    return "cp1252" if any("cp1252" in m.could_be_from_charset for m in tied) else best.encoding


def is_utf8(raw: bytes) -> bool:
    """Whether these bytes are UTF-8, a character cut off at the end aside."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(raw)
    except UnicodeDecodeError:
        return False
    return True


def decode(raw: bytes) -> tuple[str, str]:
    """Bytes as text, and a remark where it may not say what was written ("" otherwise)."""
    encoding = encoding_of(raw)
    return _decoded(raw, encoding)


def _decoded(raw: bytes, encoding: str) -> tuple[str, str]:
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError:
        return raw.decode(encoding, "replace"), "damaged bytes replaced by \ufffd"
    guessed = not encoding.startswith("utf") and not raw.isascii()
    return text, f"not UTF-8, read as {encoding}; save it as UTF-8 if letters look wrong" if guessed else ""


def _sample(path: Path) -> bytes:
    """The first part of a file; of one whose gzip data break off, what can be had of it."""
    found = b""
    with open_bytes(path) as file:
        try:
            while len(found) < _SAMPLE and (more := file.read1(_SAMPLE - len(found))):
                found += more
        except (EOFError, zlib.error):
            if not found:
                raise
    return found


def lines(path: Path) -> Iterator[tuple[int, str | Unreadable, str]]:
    """The file's lines with their numbers from 1 and a remark ("" for most), never all of them at once.

    A line longer than `MAX_RECORD` comes as `Unreadable`. Raises `Unreadable` where the file looks binary.
    """
    encoding = encoding_of(_sample(path))
    with open_bytes(path) as file:
        if encoding == "utf-16":
            for number, line in enumerate(codecs.getreader("utf-16")(file, "replace"), 1):
                yield number, line, "damaged bytes replaced by \ufffd" if "\ufffd" in line else ""
            return
        number = 0
        while raw := file.readline(MAX_RECORD + 1):
            number += 1
            if len(raw) > MAX_RECORD:
                while raw and not raw.endswith(b"\n"):
                    raw = file.readline(2**20)
                yield number, Unreadable(f"longer than {MAX_RECORD // 2**20} MiB, the limit for one record"), ""
            else:
                yield number, *_decoded(raw.removeprefix(codecs.BOM_UTF8) if number == 1 else raw, encoding)

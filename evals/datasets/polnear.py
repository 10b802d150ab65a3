"""PolNeAR (Newell et al., LREC 2018): news articles with who said what marked by hand, in brat's standoff format.

A folder of that layout holds SPLIT.tar.gz or SPLIT/ with text/NAME.txt and attributions/NAME_ANNOTATOR.ann.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import regex

from rag.errors import SourceError
from rag.indexing.attribution import Attribution, Role
from rag.records import Article, Span

_NAME = regex.compile(r"(?P<outlet>.+)_(?P<day>\d{4}-\d{2}-\d{2})_(?P<title>.+)")
OUTLETS = {
    "huff-post": "The Huffington Post", "breitbart": "Breitbart", "nyt": "The New York Times", "politico": "Politico",
    "wash-post": "The Washington Post", "west-journal": "Western Journalism", "usa-today": "USA Today",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Marked:
    """An article and every attribution that was marked in it."""

    article: Article
    attributions: tuple[Attribution, ...]

    def spans(self, role: str) -> set[tuple[int, int]]:
        return {(s.start, s.end) for a in self.attributions for s in getattr(a, role)}


def load(folder: Path, split: str) -> list[Marked]:
    """The articles of a split, by name. Raises SourceError where the folder holds none."""
    texts: dict[str, str] = {}
    marks: dict[str, str] = {}
    for path, text in _files(folder, split):
        name = Path(path).name
        if name.endswith(".txt"):
            texts[name.removesuffix(".txt")] = text
        elif name.endswith(".ann"):
            marks.setdefault(name.removesuffix(".ann").rpartition("_")[0], text)
    if not texts:
        raise SourceError(f"{folder} holds no articles of the split {split!r}; give a folder with {split}.tar.gz, or "
                          f"{split}/text/*.txt and {split}/attributions/*.ann")  # fmt: skip
    return [
        Marked(_article(name, text), _attributions(marks.get(name, ""), text)) for name, text in sorted(texts.items())
    ]


def _files(folder: Path, split: str) -> Iterator[tuple[str, str]]:
    packed = folder / f"{split}.tar.gz"
    if packed.is_file():
        try:
            with tarfile.open(packed) as archive:
                for member in archive:
                    if member.isfile() and (held := archive.extractfile(member)):
                        yield member.name, held.read().decode("utf-8", "replace")
        except (tarfile.TarError, EOFError, OSError) as error:
            raise SourceError(f"{packed} cannot be read ({error}); fetch it anew") from error
        return
    root = folder / split if (folder / split).is_dir() else folder
    for path in sorted([*(root / "text").glob("*.txt"), *(root / "attributions").glob("*.ann")]):
        # newline="": offsets are counted in the file as it is
        yield path.name, path.read_bytes().decode("utf-8", "replace")


def _article(name: str, text: str) -> Article:
    named = _NAME.fullmatch(name)
    outlet, day, title = named.group("outlet", "day", "title") if named else ("", "", name)
    first = text.lstrip().split("\n", 1)[0].strip()
    title = first if 0 < len(first) <= 160 else title.strip("-").replace("-", " ")
    return Article(name, title, text, source=name, outlet=OUTLETS.get(outlet, outlet), published=day, language="en")


def _attributions(marks: str, text: str) -> tuple[Attribution, ...]:
    pieces: dict[str, tuple[str, tuple[Span, ...]]] = {}
    linked: list[dict[str, list[str]]] = []
    for line in marks.splitlines():
        fields = line.split("\t")
        if line.startswith("T") and len(fields) >= 2:
            role, _, places = fields[1].partition(" ")
            spans = [Span(*map(int, place.split())) for place in places.split(";")]
            pieces[fields[0]] = role.casefold(), tuple(s for span in spans if (s := _trimmed(text, span)))
        elif line.startswith("E") and len(fields) >= 2:
            roles: dict[str, list[str]] = {}
            for part in fields[1].split():
                role, _, key = part.partition(":")
                roles.setdefault(role.casefold().rstrip("0123456789"), []).append(key)
            linked.append(roles)
    return tuple(_linked(roles, pieces) for roles in linked)


def _linked(roles: Mapping[str, list[str]], pieces: Mapping[str, tuple[str, tuple[Span, ...]]]) -> Attribution:
    def held(role: Role) -> tuple[Span, ...]:
        spans = (s for key in roles.get(role, ()) for s in pieces.get(key, ("", ()))[1])
        return tuple(sorted(spans, key=lambda s: s.start))

    return Attribution(held("source"), held("cue"), held("content"))


def _trimmed(text: str, span: Span) -> Span | None:
    words = span.of(text)
    start = span.start + len(words) - len(words.lstrip())
    end = span.start + len(words.rstrip())
    return Span(start, end) if start < end else None

"""Coverage as a picture: articles over time by outlet, as lines of text, on a terminal, as SVG and as PNG."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import regex

from rag.errors import SettingsError

if TYPE_CHECKING:
    from rich.console import Console

Days = Mapping[str, Mapping[str, int]]
"""Articles by the day they were published on (ISO) and by outlet."""
Unit = Literal["day", "week", "month", "year", "decade", "century"]
_UNITS: tuple[Unit, ...] = ("day", "week", "month", "year", "decade", "century")
_YEARS = {"year": 1, "decade": 10, "century": 100}
# Outlets that are told apart; the others are drawn together.
SHOWN = 7
OTHERS, _NAMELESS = "other outlets", "(no outlet)"
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b8860b", "#56b4e9", "#7b3f9e", "#8c8c8c")
_BLOCKS = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of days, from ``first`` to ``last`` inclusive, and the articles that each outlet published in it."""

    first: date
    last: date
    outlets: Mapping[str, int]

    @property
    def total(self) -> int:
        return sum(self.outlets.values())


def runs(days: Days, most: int) -> tuple[Unit, list[Run]]:
    """The finest unit of which at most ``most`` cover all days (a century, where none does), and each of these without
    a gap, empty ones too. The first and last end where the archive does.
    """
    if not days:
        return "day", []
    known = {date.fromisoformat(day): outlets for day, outlets in days.items()}
    begin, end = min(known), max(known)
    unit, starts = _UNITS[-1], list[date]()
    for unit in _UNITS:
        starts: list[date] = []
        for start in _starts(unit, begin, end):
            starts.append(start)
            if len(starts) > most:
                break
        if len(starts) <= most:
            break
    counts: list[dict[str, int]] = [{} for _ in starts]
    at = 0
    for day in sorted(known):
        while at + 1 < len(starts) and starts[at + 1] <= day:
            at += 1
        for outlet, n in known[day].items():
            counts[at][outlet] = counts[at].get(outlet, 0) + n
    ends = [*(start - timedelta(days=1) for start in starts[1:]), end]
    return unit, [Run(max(a, begin), b, c) for a, b, c in zip(starts, ends, counts, strict=True)]


def _starts(unit: Unit, begin: date, end: date) -> Iterator[date]:
    """The first days of the units from the one that holds ``begin`` to the one that holds ``end``."""
    if unit in ("day", "week"):
        step = 1 if unit == "day" else 7
        first = begin.toordinal() - (begin.weekday() if unit == "week" else 0)
        yield from map(date.fromordinal, range(max(first, 1), end.toordinal() + 1, step))
    elif unit == "month":
        for month in range(begin.year * 12 + begin.month - 1, end.year * 12 + end.month):
            yield date(month // 12, month % 12 + 1, 1)
    else:
        step = _YEARS[unit]
        for year in range(begin.year // step * step, end.year + 1, step):
            yield date(max(year, 1), 1, 1)


def plain(days: Days, most: int = 31) -> list[str]:
    """A line for each stretch of time in which something was published: when, how many, of which outlets."""
    unit, found = runs(days, most)
    lines = [f"articles a {unit}:"] if found else []
    for run in found:
        ranked = sorted(run.outlets.items(), key=lambda pair: (-pair[1], pair[0]))
        told = [f"{name or _NAMELESS} {n:,}" for name, n in ranked[:SHOWN]]
        told += [f"{len(ranked) - SHOWN:,} more outlets"] if len(ranked) > SHOWN else []
        if told:
            lines.append(f"  {_label(unit, run):<10}  {run.total:>8,}  {', '.join(told)}")
    return lines


def show(days: Days, outlets: Mapping[str, int], console: Console, most: int) -> None:
    """Draw a row of bars for each of the first ``most`` outlets on a terminal, all to one scale."""
    from rich.table import Table
    from rich.text import Text

    names = list(outlets)[:most]
    widest = min(max((len(name or _NAMELESS) for name in names), default=0), 30)
    unit, found = runs(days, max(10, min(120, console.width - widest - 16)))
    top = max((run.outlets.get(name, 0) for run in found for name in names), default=0)
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right")
    table.add_column(max_width=30, overflow="ellipsis", no_wrap=True)
    table.add_column(no_wrap=True)
    for i, name in enumerate(names):
        bars = "".join(_block(run.outlets.get(name, 0), top) for run in found)
        colour = _COLOURS[min(i, SHOWN)]
        table.add_row(Text(f"{outlets[name]:,}"), Text(name or _NAMELESS), Text(bars, style=colour))
    console.print(table)
    if found:
        console.print(Text(f"{found[0].first} to {found[-1].last}, a {unit} a bar, at most {top:,}", "dim"))


def _block(n: int, top: int) -> str:
    return _BLOCKS[-(-n * len(_BLOCKS) // top) - 1] if n else " "


def _label(unit: Unit, run: Run) -> str:
    length = {"month": 7, "year": 4, "decade": 4, "century": 4}.get(unit, 10)
    return run.first.isoformat()[:length]


# Pictures


@dataclass(frozen=True, slots=True)
class _Bar:
    """A filled rectangle; lengths in pixels from the upper left corner."""

    left: float
    top: float
    wide: float
    high: float
    colour: str
    told: str = ""


@dataclass(frozen=True, slots=True)
class _Words:
    """A line of text whose baseline begins, or with ``end`` ends, at a point."""

    x: float
    y: float
    text: str
    size: int = 13
    end: bool = False


_WIDE, _HIGH, _LEFT, _TOP, _FLOOR = 960, 440, 64, 56, 340
_PAPER, _INK, _RULE = "#ffffff", "#222222", "#cccccc"


def write(path: Path, days: Days, title: str) -> None:
    """Write the picture as what the file's ending says, .svg or .png. Raises SettingsError on another ending, and
    where the file cannot be written.
    """
    ending = path.suffix.lower()
    if ending not in (".svg", ".png"):
        raise SettingsError(f"cannot draw {path.name!r}; name a file that ends in .svg or .png")
    shapes = _shapes(days, title)
    try:
        if ending == ".svg":
            path.write_text(_svg(shapes, title), encoding="utf-8")
        else:
            _png(path, shapes)
    except OSError as error:
        raise SettingsError(f"cannot write {path}: {error.strerror or error}; choose another place") from error


def _shapes(days: Days, title: str) -> list[_Bar | _Words]:
    """Stacked bars over time with an axis, and which colour is whose."""
    unit, found = runs(days, 120)
    shapes: list[_Bar | _Words] = [_Words(_LEFT, 30, title, 18)]
    if not found:
        return [*shapes, _Words(_LEFT, _FLOOR / 2, "no article has a date")]
    sums: dict[str, int] = {}
    for run in found:
        for name, n in run.outlets.items():
            sums[name] = sums.get(name, 0) + n
    ranked = sorted(sums, key=lambda name: (-sums[name], name))
    named = ranked if len(ranked) <= SHOWN + 1 else ranked[:SHOWN]
    colours = dict(zip(named, _COLOURS, strict=False))
    top, plot = max(run.total for run in found), _FLOOR - _TOP
    for share in (0.0, 0.5, 1.0):
        y = _FLOOR - share * plot
        shapes.append(_Bar(_LEFT, y, _WIDE - 20 - _LEFT, 1, _RULE))
        if share * top == int(share * top):
            shapes.append(_Words(_LEFT - 8, y + 4, f"{int(share * top):,}", end=True))
    step = (_WIDE - 20 - _LEFT) / len(found)
    for i, run in enumerate(found):
        y = float(_FLOOR)
        parts = [(name or _NAMELESS, run.outlets.get(name, 0), colours[name]) for name in named]
        parts.append((OTHERS, run.total - sum(n for _, n, _ in parts), _COLOURS[-1]))
        for name, n, colour in parts:
            if n:
                y -= (high := n / top * plot)
                told = f"{name}, {_label(unit, run)}: {n:,}"
                shapes.append(_Bar(_LEFT + i * step, y, max(step - 1, step * 0.8), high, colour, told))
    shapes += [
        _Words(_LEFT, _FLOOR + 18, found[0].first.isoformat()),
        _Words((_LEFT + _WIDE - 20) / 2 - 50, _FLOOR + 18, f"articles a {unit}"),
        _Words(_WIDE - 20, _FLOOR + 18, found[-1].last.isoformat(), end=True),
    ]
    others = sum(sums.values()) - sum(sums[name] for name in named)
    key = [(name or _NAMELESS, sums[name], colours[name]) for name in named]
    key += [(f"{len(ranked) - len(named):,} {OTHERS}", others, _COLOURS[-1])] if others else []
    for i, (name, n, colour) in enumerate(key):
        x, y = _LEFT + i % 4 * 220, _FLOOR + 52 + i // 4 * 26
        short = name if len(name) <= 22 else name[:21] + "…"
        shapes += [_Bar(x, y - 11, 12, 12, colour), _Words(x + 18, y, f"{short} ({n:,})")]
    return shapes


def _svg(shapes: Sequence[_Bar | _Words], title: str) -> str:
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDE}" height="{_HIGH}" viewBox="0 0 {_WIDE} {_HIGH}" '
        f'role="img" font-family="sans-serif" fill="{_INK}"><title>{_escaped(title)}</title>',
        f'<rect width="{_WIDE}" height="{_HIGH}" fill="{_PAPER}"/>',
    ]
    for s in shapes:
        if isinstance(s, _Bar):
            box = f'<rect x="{s.left:.2f}" y="{s.top:.2f}" width="{s.wide:.2f}" height="{s.high:.2f}" fill="{s.colour}"'
            lines.append(f"{box}><title>{_escaped(s.told)}</title></rect>" if s.told else f"{box}/>")
        else:
            anchor = ' text-anchor="end"' if s.end else ""
            lines.append(f'<text x="{s.x:.2f}" y="{s.y:.2f}" font-size="{s.size}"{anchor}>{_escaped(s.text)}</text>')
    return "\n".join([*lines, "</svg>", ""])


def _escaped(text: str) -> str:
    """Without what XML may not hold at all, escaped or not."""
    return html.escape(regex.sub(r"[^\t\n\r\x20-\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF]", "\ufffd", text))


def _png(path: Path, shapes: Sequence[_Bar | _Words], scale: int = 2) -> None:
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("RGB", (_WIDE * scale, _HIGH * scale), _PAPER)
    draw = ImageDraw.Draw(image)
    for s in shapes:
        if isinstance(s, _Bar):
            left, top = round(s.left * scale), round(s.top * scale)
            right, floor = round((s.left + s.wide) * scale), round((s.top + s.high) * scale)
            draw.rectangle((left, top, max(left, right - 1), max(top, floor - 1)), fill=s.colour)
        else:
            font = ImageFont.load_default(s.size * scale)
            anchor = "rs" if s.end else "ls"
            draw.text((s.x * scale, s.y * scale), s.text.replace("\n", " "), _INK, font, anchor)
    image.save(path, "PNG")

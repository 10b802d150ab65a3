"""robots.txt as RFC 9309 reads it: the group of our name, the longest rule that fits, "Allow" where two are as long."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

MAX_DELAY = 60.0
"""Seconds: a longer Crawl-delay than this is taken for a mistake and cut to it."""


@dataclass(frozen=True, slots=True)
class Robots:
    """What a site allows us. ``rules`` are (allowed, pattern of a path), ``delay`` the seconds it wants between requests."""

    rules: tuple[tuple[bool, str], ...] = ()
    delay: float = 0.0

    def allows(self, path: str) -> bool:
        """Whether a path (with its query) may be fetched."""
        best = (0, True)
        for allowed, pattern in self.rules:
            if _fits(pattern, path):
                best = max(best, (len(pattern), allowed))
        return best[1]


EVERYTHING = Robots()
NOTHING = Robots(((False, "/"),))


def parse(raw: bytes, agent: str) -> Robots:
    """The rules of a robots.txt for the product name ``agent``, else those for everybody."""
    groups: list[tuple[list[str], list[tuple[bool, str]], list[float]]] = []
    names_open = False
    for line in raw.decode("utf-8", "replace").removeprefix("\ufeff").splitlines():
        name, colon, value = line.partition("#")[0].partition(":")
        name, value = name.strip().lower(), value.strip()
        if not colon:
            continue
        if name == "user-agent":
            if not names_open:
                groups.append(([], [], []))
            groups[-1][0].append(value.lower())
            names_open = True
            continue
        if name not in ("allow", "disallow", "crawl-delay"):
            continue  # a sitemap's address belongs to no group and ends none
        names_open = False
        if not groups or not value:
            continue
        if name == "crawl-delay":
            if re.fullmatch(r"\d{1,6}(?:\.\d+)?", value):
                groups[-1][2].append(min(float(value), MAX_DELAY))
        else:
            groups[-1][1].append((name == "allow", _escaped(value)))
    for wanted in (agent.lower(), "*"):
        ours = [group for group in groups if wanted in group[0]]
        if ours:
            rules = tuple(rule for _, found, _ in ours for rule in found)
            return Robots(rules, max((d for _, _, delays in ours for d in delays), default=0.0))
    return EVERYTHING


def _escaped(path: str) -> str:
    return quote(path, safe="/%?=&*$:;,@!~'()+[]-._")


def _fits(pattern: str, path: str) -> bool:
    """Whether a pattern with "*" (anything) and a last "$" (the end) fits the beginning of a path."""
    whole = pattern.endswith("$")
    first, *parts = _escaped(pattern.removesuffix("$")).split("*")
    path = _escaped(path)
    if not path.startswith(first):
        return False
    at = len(first)
    if not parts:
        return at == len(path) if whole else True
    # Each part where it first stands is the best choice for those after it: no backtracking, whatever the pattern.
    for part in parts[:-1]:
        found = path.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    last: Sequence[str] = parts[-1]
    if whole:
        return path.endswith(str(last)) and len(path) - len(last) >= at
    return path.find(str(last), at) >= 0

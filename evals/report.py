"""Runs as one HTML file that loads nothing: figures, plots, and the questions that were answered wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from evals.datasets import realtimeqa
from evals.measures import parse_measure
from evals.table import cell
from rag.errors import RagError

COLOURS = ("#0b5cad", "#c2410c", "#15803d", "#7e22ce", "#a16207", "#be123c", "#0f766e", "#475569")
_WIDTH, _HEIGHT, _LEFT, _BOTTOM = 460, 280, 46, 40
_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a;background:#fff}
table{border-collapse:collapse;margin:1rem 0;font-variant-numeric:tabular-nums}
td,th{padding:.25rem .7rem;border-bottom:1px solid #ddd;text-align:right;vertical-align:top}
td:first-child,th:first-child{text-align:left}
.plots{display:flex;flex-wrap:wrap;gap:2rem}
details{border-top:1px solid #ddd;padding:.5rem 0}summary{cursor:pointer}
blockquote{margin:.4rem 0;padding-left:.8rem;border-left:3px solid #bbb}
.gold{border-color:#15803d}.small{color:#555;font-size:.87rem}
.scroll{overflow-x:auto}
"""

GOLD = '<blockquote class="gold">'

Points = Sequence[tuple[float, float]]


def report(runs: Sequence[Mapping[str, Any]], failing: int = 100) -> str:
    """The page. ``failing`` bounds the wrong questions that are shown of each run; how many there are is said."""
    if len({run["data_hash"] for run in runs}) != 1:
        raise RagError("the runs are over different data; make a report of each data set")
    first, names = runs[0], _names(runs)
    title = f"{first['dataset']}: {', '.join(names)}"
    parts = [
        f"<h1>{escape(title)}</h1>",
        f"<p>{first['asked']:,} questions over {first['articles']:,} articles. Shares in per cent, with 95 % intervals.</p>",
        _figures("Measures", "measures", runs, names),
        _figures("Over the questions that the archive can answer", "measures_in_archive", runs, names),
        _figures("Answered right, by trap", "traps", runs, names),
        _counts(runs, names),
        _published(first),
        '<div class="plots">',
        plot(
            "Passages that hold an answer among the k best",
            "k",
            "R@k",
            [
                (n, [(k, v) for k, v in enumerate(r["recall"], 1) if v is not None])
                for n, r in zip(names, runs, strict=True)
            ],
            len(first["recall"]),
        ),
        plot(
            "Risk and coverage",
            "questions answered, the surest first",
            "wrong among them",
            [(n, [(x, y) for x, y, _ in r["calibration"]["curve"]]) for n, r in zip(names, runs, strict=True)],
        ),
        "</div>",
        _calibration(runs, names),
        *(_failing(run, name, failing) for run, name in zip(runs, names, strict=True)),
        _made(runs, names),
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>\n"
        + "\n".join(parts)
        + "\n</body></html>\n"
    )


def _names(runs: Sequence[Mapping[str, Any]]) -> list[str]:
    """The systems, numbered where one comes twice."""
    systems = [str(run["system"]) for run in runs]
    return [s if systems.count(s) == 1 else f"{s} ({n})" for n, s in enumerate(systems, 1)]


def _rows(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of plain text; everything is escaped here."""
    top = "".join(f"<th>{escape(each)}</th>" for each in head)
    body = "".join("<tr>" + "".join(f"<td>{escape(each)}</td>" for each in row) + "</tr>" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def _figures(title: str, key: str, runs: Sequence[Mapping[str, Any]], names: Sequence[str]) -> str:
    measures = list(dict.fromkeys(name for run in runs for name in run[key]))
    if not measures or (key == "measures_in_archive" and all(run[key] == run["measures"] for run in runs)):
        return ""
    rows: list[list[str]] = []
    for name in measures:
        asked = max(run[key].get(name, {}).get("n", 0) for run in runs)
        rows.append([name, f"{asked:,}", *(cell(name, run[key].get(name)) for run in runs)])
    meanings = "".join(f"<li><b>{escape(m)}</b>: {escape(parse_measure(m).means)}</li>" for m in measures)
    explained = f"<details><summary>What they mean</summary><ul>{meanings}</ul></details>" if key == "measures" else ""
    return f"<h2>{escape(title)}</h2>{_rows(['measure', 'n', *names], rows)}{explained}"


def _counts(runs: Sequence[Mapping[str, Any]], names: Sequence[str]) -> str:
    """Counts over all questions: of sentences, and of what the check did to those that a language model wrote."""
    counted = dict.fromkeys(name for run in runs for name in run["counts"])
    rows = [
        [name.replace("_", " "), *("–" if (c := run["counts"].get(name)) is None else f"{c:,}" for run in runs)]
        for name in counted
    ]
    return f"<h2>Counts</h2>{_rows(['', *names], rows)}"


def _published(run: Mapping[str, Any]) -> str:
    if run["dataset"] != "realtimeqa":
        return ""
    ours = run["measures"]
    rows = [
        [p.system, str(p.year), *(f"{share:.1f}" for share in (p.em, p.f1, p.contains, p.choice))]
        for p in realtimeqa.PUBLISHED
    ]
    mine = [
        f"{100 * v:.1f}" if (v := ours.get(m, {}).get("value")) is not None else "–"
        for m in ("EM", "F1", "Contains", "Choice")
    ]
    asked = run["settings"].get("year") or run["settings"].get("weeks") or "all"
    rows.insert(0, [f"{run['system']} (this run)", str(asked), *mine])
    note = (
        "As published for RealTime QA, over the questions of the year given: only the same year can be set beside it."
    )
    head = ["system", "questions of", "EM", "F1", "Contains", "Choice"]
    return f'<h2>Published figures</h2>{_rows(head, rows)}<p class="small">{note}</p>'


def _calibration(runs: Sequence[Mapping[str, Any]], names: Sequence[str]) -> str:
    rows: list[list[str]] = []
    for name, run in zip(names, runs, strict=True):
        c = run["calibration"]
        if c["AURC"] is None:
            rows.append([name, "–", "–", "–", f"{c['covered']:.1%}"])
        else:
            area = f"{c['AURC']:.3f} ({c['low']:.3f} to {c['high']:.3f})"
            rows.append([name, area, f"{c['best']:.3f}", f"{c['random']:.3f}", f"{c['covered']:.1%}"])
    head = ["system", "area under the curve", "in the best order", "in any order", "answered"]
    return f"<h2>Does confidence tell right from wrong?</h2>{_rows(head, rows)}"


# Plots


def plot(title: str, x: str, y: str, lines: Sequence[tuple[str, Points]], x_max: float = 1.0) -> str:
    """Lines as SVG; y and, unless ``x_max`` says otherwise, x run from 0 to 1."""
    width, height = _WIDTH - _LEFT - 20, _HEIGHT - _BOTTOM - 10

    def at(point: tuple[float, float]) -> str:
        return f"{_LEFT + point[0] / x_max * width:.1f},{10 + (1 - point[1]) * height:.1f}"

    parts: list[str] = []
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        level, along = 10 + (1 - tick) * height, _LEFT + tick * width
        parts.append(f'<path d="M{_LEFT} {level:.1f}h{width}" stroke="#ddd"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{level + 4:.1f}" text-anchor="end">{tick:.0%}</text>')
        label = f"{tick:.0%}" if x_max == 1 else f"{tick * x_max:.0f}"
        parts.append(f'<text x="{along:.1f}" y="{_HEIGHT - _BOTTOM + 16}" text-anchor="middle">{label}</text>')
    for n, (_, points) in enumerate(lines):
        if points:
            colour = COLOURS[n % len(COLOURS)]
            shown = " ".join(map(at, points))
            parts.append(f'<polyline points="{shown}" fill="none" stroke="{colour}" stroke-width="2"/>')
    parts.append(f'<text x="{_LEFT + width / 2}" y="{_HEIGHT - 4}" text-anchor="middle">{escape(x)}</text>')
    keys = " · ".join(
        f'<span style="color:{COLOURS[n % len(COLOURS)]}">{escape(name)}</span>' for n, (name, _) in enumerate(lines)
    )
    return (
        f"<figure><figcaption><b>{escape(title)}</b> ({escape(y)}): {keys}</figcaption>"
        f'<svg role="img" aria-label="{escape(title)}" width="{_WIDTH}" height="{_HEIGHT}" '
        f'font-family="sans-serif" font-size="11">{"".join(parts)}</svg></figure>'
    )


# Questions


def _failing(run: Mapping[str, Any], name: str, most: int) -> str:
    if "questions" not in run:
        return f'<p class="small">{escape(name)}: the file holds figures only; give the whole run to see its questions.</p>'
    wrong = [q for q in run["questions"] if not q["scores"]["Right"]]
    shown = wrong[:most]
    few = f"; the first {most:,} are shown" if len(wrong) > most else ""
    head = f"<h2>{escape(name)}: {len(wrong):,} of {run['asked']:,} questions not answered right{few}</h2>"
    return head + "\n".join(map(_question, shown))


def _question(q: Mapping[str, Any]) -> str:
    due = "; ".join(q["gold"]) if q["answerable"] else "(not in the archive)"
    if q["gold"] and not q["answerable"]:
        due = f"{'; '.join(q['gold'])} (stands in no article)"
    said = [f"<p>{escape(s['text'])}{_judged(s)}</p>" for s in q["sentences"]] or [
        f"<p>({escape(q['error'] or 'not answered')})</p>"
    ]
    asked = " / ".join([*q["history"], q["question"]])
    facts = [
        q["id"],
        q["trap"],
        f"asked {q['now']}" if q["now"] else "",
        f"confidence {q['confidence']}",
        f"{q['milliseconds']} ms",
    ]
    facts.append(f"first passage that answers: {q['gold_ranks'][0] if q['gold_ranks'] else 'not found'}")
    passages = [
        f"{GOLD if p['gold'] else '<blockquote>'}<p>{escape(p['text'])}</p>"
        f'<p class="small">{p["rank"]}. {escape(" · ".join(filter(None, (p["title"], p["outlet"], p["published"][:10]))))}'
        f"{' · answers' if p['gold'] else ''}</p></blockquote>"
        for p in q["passages"]
    ]
    return (
        f"<details><summary>{escape(asked)} <b>{escape(due)}</b></summary>"
        f'<p class="small">{escape(" · ".join(filter(None, facts)))}</p><h4>Answer</h4>{"".join(said)}'
        f"<h4>Passages</h4>{''.join(passages) or '<p>none</p>'}</details>"
    )


def _judged(sentence: Mapping[str, Any]) -> str:
    """What a judge said of a sentence, where one was asked."""
    if (judged := sentence.get("judged")) is None:
        return ""
    verdict = "faithful" if judged["supported"] and judged["attributed"] else "not supported"
    if judged["supported"] and not judged["attributed"]:
        verdict = "the wrong mouth"
    return f' <span class="small">(judge: {escape(judged["failure"] or verdict)})</span>'


def _made(runs: Sequence[Mapping[str, Any]], names: Sequence[str]) -> str:
    rows: list[list[str]] = []
    for name, run in zip(names, runs, strict=True):
        code, machine = run["code"], run["machine"]
        settings = ", ".join(f"{key} {value}" for key, value in run["settings"].items() if value is not None)
        on = f"{machine['cores']} cores, {machine['platform']}, Python {machine['python']}"
        rows.append([name, f"{code['version']} {code['commit'][:10]}", settings, on, f"{run['errors']:,}"])
    missing = [(name, run["counts"].get("not_judged_sentences", 0)) for name, run in zip(names, runs, strict=True)]
    unjudged = [f"{name}: {count:,} sentences were not judged for Faithful" for name, count in missing if count]
    left_out = [f"{count:,} × {reason}" for reason, count in runs[0]["excluded"].items()]
    notes = "".join(f"<li>{escape(each)}</li>" for each in [*runs[0]["notes"], *left_out, *unjudged])
    head = ["system", "code", "settings", "machine", "errors"]
    return f"<h2>How this was made</h2>{_rows(head, rows)}<ul>{notes}</ul>"

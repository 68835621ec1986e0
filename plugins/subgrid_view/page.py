"""Building blocks of a page that stands alone: everything is in the one file, and nothing in it is executed.

Text is escaped where it enters the page, and the page forbids itself scripts and requests of any kind.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from html import escape

POLICY = (
    "default-src 'none'; img-src data:; media-src data:; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'"
)

MANY = 8
"""Columns above which a table is set in smaller type, and in type that fits the paper when it is printed."""

UPRIGHT, SIDEWAYS = 510.0, 757.0
"""Width of an A4 page between its margins [points], upright and turned."""

LETTER = 0.66
"""Width of a digit beside the size of its type, at most."""

LARGEST_TYPE, SMALLEST_TYPE = 8.5, 6.5
"""Sizes of the type of a printed table [points]; one that needs smaller letters is printed sideways."""

STYLE = """
:root { --ink: #1e2126; --soft: #5b6270; --line: #d7dade; --tint: #f3f5f7; --blue: #2f6db3; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 62rem; padding: 1.2rem 1rem 3rem; color: var(--ink); background: white;
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 0.3rem; }
h2 { font-size: 1.2rem; margin: 2rem 0 0.6rem; border-bottom: 1px solid var(--line); padding-bottom: 0.2rem; }
p.lead { color: var(--soft); margin: 0.2rem 0 0.8rem; }
.facts { display: flex; flex-wrap: wrap; gap: 0.4rem 1.4rem; padding: 0; margin: 0.6rem 0; list-style: none; }
.facts b { font-variant-numeric: tabular-nums; }
.badge { display: inline-block; white-space: nowrap; border-radius: 1rem; padding: 0 0.7rem; color: white;
  background: #6b7280; }
.badge.good { background: #1d7a46; } .badge.bad { background: #b3261e; } .badge.open { background: #8a6100; }
.wide { overflow-x: auto; margin: 0.5rem 0; }
.many table { font-size: 0.85rem; } .many th, .many td { padding-right: 0; padding-left: 0.7rem; }
.many th:first-child, .many td:first-child { position: sticky; left: 0; padding-left: 0; background: white; }
table { border-collapse: collapse; width: 100%; font-size: 0.92rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: 0.25rem 0.7rem 0.25rem 0; border-bottom: 1px solid var(--line); vertical-align: top;
  overflow-wrap: normal; }
td.number, th.number { text-align: right; white-space: nowrap; }
thead th { color: var(--soft); font-weight: 600; vertical-align: bottom; }
.track { background: var(--tint); min-width: 6rem; height: 0.8rem; border-radius: 2px; }
.fill { background: var(--blue); height: 100%; border-radius: 2px; }
figure { margin: 0.8rem 0; } figure img, figure video { max-width: 100%; height: auto; display: block; margin: 0 auto; }
figcaption { color: var(--soft); font-size: 0.9rem; }
.charts, .strip, .broad { display: grid; gap: 0.8rem; }
.charts { grid-template-columns: repeat(auto-fit, minmax(min(100%, 19rem), 1fr)); }
.strip { grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); }
.broad { grid-template-columns: 1fr; }
.charts figure, .strip figure, .broad figure { margin: 0; break-inside: avoid; }
pre { background: var(--tint); padding: 0.7rem; overflow-x: auto; white-space: pre-wrap; font-size: 0.85rem; }
details { margin: 0.6rem 0; } summary { cursor: pointer; color: var(--blue); }
footer { margin-top: 2rem; color: var(--soft); font-size: 0.85rem; }
@media screen and (max-width: 42rem) {
  .stacked thead { display: none; }
  .stacked tr { display: block; padding: 0.4rem 0; border-bottom: 1px solid var(--line); }
  .stacked td { display: block; border: 0; padding: 0; text-align: left; white-space: normal; overflow-wrap: anywhere; }
  .stacked td:empty { display: none; }
  .stacked td[data-label]::before { content: attr(data-label) ": "; color: var(--soft); }
}
@media print {
  body { max-width: none; padding: 0; font-size: 10.5pt; } video, .screen { display: none; }
  table { font-size: 8.5pt; } th.number, td.number { white-space: normal; padding-right: 0.35rem; }
  .across { page: landscape; } .many table { font-size: var(--type); }
  .many th, .many td { padding-left: 0.7em; }
  .many th.number, .many td.number { white-space: nowrap; padding-right: 0; }
  h2 { break-after: avoid; } tr, figure, pre.short { break-inside: avoid; } .wide { overflow: visible; }
  .strip { grid-template-columns: 1fr 1fr; } .charts { grid-template-columns: 1fr 1fr; }
  .badge, .fill, .track { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
@page { margin: 15mm; }
@page landscape { size: A4 landscape; margin: 15mm; }
"""


def document(title: str, parts: Iterable[str]) -> str:
    """The whole page."""
    head = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
    )
    return head + "\n".join(part for part in parts if part) + "\n</body>\n</html>\n"


def header(title: str, lead: str, content: str = "") -> str:
    """The title of the page, a line below it, and markup of this module."""
    return f"<header><h1>{escape(title)}</h1>{paragraph(lead, 'lead')}{content}</header>"


def section(title: str, *parts: str) -> str:
    """A heading with what stands under it; nothing where there is nothing."""
    content = "\n".join(part for part in parts if part)
    return f"<section>\n<h2>{escape(title)}</h2>\n{content}\n</section>" if content else ""


def paragraph(text: str, kind: str = "") -> str:
    return f"<p{_kind(kind)}>{escape(text)}</p>"


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """Short facts in a row: name and value."""
    items = "".join(f"<li>{escape(name)} <b>{escape(value)}</b></li>" for name, value in pairs)
    return f'<ul class="facts">{items}</ul>'


def badge(text: str, kind: str) -> str:
    """A coloured word; ``kind`` is good, bad, open or empty."""
    return f'<span class="badge {escape(kind)}">{escape(text)}</span>'


def table(
    headings: Sequence[str],
    rows: Iterable[Sequence[str]],
    numbers: Sequence[int] = (),
    raw: Sequence[int] = (),
    stacked: bool = False,
) -> str:
    """A table of text; columns in ``numbers`` stand to the right, those in ``raw`` are markup of this module.

    On a narrow screen a ``stacked`` table shows the cells of a row below each other, others can be moved sideways in
    their box while the first column stays. Tables of many columns are printed across. Headings may have several lines.
    """

    def cell(tag: str, i: int, text: str) -> str:
        kind = ' class="number"' if i in numbers else ""
        label = f' data-label="{escape(headings[i])}"' if stacked and tag == "td" and headings[i] else ""
        content = text if i in raw and tag == "td" else "<br>".join(map(escape, text.split("\n")))
        return f"<{tag}{kind}{label}>{content}</{tag}>"

    head = "".join(cell("th", i, heading) for i, heading in enumerate(headings))
    rows = list(rows)
    body = "\n".join("<tr>" + "".join(cell("td", i, text) for i, text in enumerate(row)) + "</tr>" for row in rows)
    kind = ' class="stacked"' if stacked else ""
    width, style = "wide", ""
    if len(headings) > MANY:
        size, sideways = _printed(headings, rows, numbers)
        width, style = "wide many across" if sideways else "wide many", f' style="--type: {size:.2f}pt"'
    content = f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>"
    return f'<div class="{width}"><table{kind}{style}>\n{content}\n</table></div>' if body else ""


def _printed(headings: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[int]) -> tuple[float, bool]:
    """Size of type [points] in which a table fits the paper, and whether the paper is turned for it."""
    letters = 0.0
    for i, heading in enumerate(headings):
        longest = max(map(len, heading.split("\n") + [row[i] for row in rows if i < len(row)]))
        letters += 1.5 + (longest if i in numbers else min(longest, 30))  # words wrap
    sideways = UPRIGHT / (LETTER * letters) < SMALLEST_TYPE
    return min(LARGEST_TYPE, (SIDEWAYS if sideways else UPRIGHT) / (LETTER * letters)), sideways


def share_bar(share: float) -> str:
    """A bar as long as a share of one."""
    return f'<div class="track"><div class="fill" style="width: {100 * min(max(share, 0.0), 1.0):.1f}%"></div></div>'


def picture(data: bytes, kind: str, alt: str, caption: str = "") -> str:
    """A figure with the picture inside the page; ``kind`` is png or svg+xml. Scripts in it have no effect."""
    text = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    return f'<figure><img alt="{escape(alt)}" src="data:image/{kind};base64,{_base64(data)}">{text}</figure>'


def film(data: bytes, alt: str, caption: str) -> str:
    """A figure with an MP4 inside the page."""
    source = f"data:video/mp4;base64,{_base64(data)}"
    return (
        '<figure class="screen"><video controls loop muted autoplay playsinline '
        f'aria-label="{escape(alt)}" src="{source}"></video>'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def code(text: str, kind: str = "short") -> str:
    return f"<pre{_kind(kind)}>{escape(text)}</pre>"


def folded(summary: str, content: str) -> str:
    return f"<details><summary>{escape(summary)}</summary>\n{content}\n</details>"


def grid(kind: str, parts: Sequence[str]) -> str:
    return f'<div class="{escape(kind)}">{"".join(parts)}</div>' if parts else ""


def _kind(kind: str) -> str:
    return f' class="{escape(kind)}"' if kind else ""


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")

"""``subgrid report``: a run, or a comparison, as one page that can be sent around."""

from __future__ import annotations

import json
import math
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from subgrid.api import RunFolder, RunFolderError, ScenarioError, SubgridError, expectations
from subgrid_view import page
from subgrid_view.charts import MOST_CHARTS, charts_of, finite
from subgrid_view.figure import Look
from subgrid_view.movie import written
from subgrid_view.probe import Probe
from subgrid_view.reading import Source
from subgrid_view.stills import Pictures, pictures_of
from subgrid_view.text import number, plain

SIDE_BY_SIDE = 4
"""Most runs of a comparison that are shown as moving pictures."""

LARGEST_TEXT = 200_000
"""Most characters of a scenario or a log that a page takes over."""


def write_report(folder: Path, out: Path | None, look: Look, probe: Probe, tell: Callable[[str], None]) -> None:
    """Write the page and tell what was written. A part that cannot be read is named on the page.

    Raises RunFolderError when the folder is neither a run nor a comparison, when the page cannot be written, and, once
    it is written and told, for the parts that could not be read; ScenarioError for a field that the run does not have.
    """
    others = ("scenario.toml", "sweep.json")
    comparison = (folder / "table.json").is_file() and not any((folder / other).is_file() for other in others)
    parts = Parts()
    text = comparison_page(folder, look, probe, parts) if comparison else run_page(folder, look, probe, parts)
    place = out or folder / "report.html"
    with written(place) as temporary:
        temporary.write_text(text, encoding="utf-8")
    told = f"{place}: {len(text) / 1e6:.2g} MB, one file without references to others"
    tell(f"{told}, and without what could not be read" if parts.problems else told)
    if parts.problems:
        raise RunFolderError("\n".join(parts.problems))


def run_page(folder: Path, look: Look, probe: Probe, parts: Parts) -> str:
    """The page of one run."""
    run = RunFolder(folder)
    scenario = _or(run.scenario, {})
    name = plain(scenario.get("name", folder.name))
    return page.document(
        f"{name} - subgrid run",
        [
            page.header(name, plain(scenario.get("description", ""), 400), parts.of(lambda: _ending(run))),
            page.section("What it shows", parts.of(lambda: _pictures([run.path], look, probe))),
            page.section("What was expected", parts.of(lambda: _expectations(run))),
            page.section("Numbers over time", parts.of(lambda: _charts(run))),
            page.section("What was run", parts.of(lambda: _components(scenario))),
            page.section("What it cost", parts.of(lambda: _costs(run))),
            page.section("How to repeat it", parts.of(lambda: _repeat(run, name))),
            page.section("Where it comes from", parts.of(lambda: _provenance(run)), parts.of(lambda: _log(run))),
            parts.damage(),
            _footer(),
        ],
    )


def comparison_page(folder: Path, look: Look, probe: Probe, parts: Parts) -> str:
    """The page of a comparison: its tables and figures, and its runs side by side."""
    stored = _table_of(folder)
    name = plain(stored.get("name", folder.name))
    runs = _first_runs(folder, stored)
    return page.document(
        f"{name} - subgrid comparison",
        [
            page.header(name, plain(stored.get("description", ""), 400)),
            page.section("Accuracy and cost", parts.of(lambda: _accuracy(folder, stored))),
            page.section("Figures", parts.of(lambda: _figures(folder))),
            page.section(
                "What the runs look like",
                parts.of(lambda: _pictures(list(runs.values())[:SIDE_BY_SIDE], look, probe)) if runs else "",
            ),
            page.section("What the time was spent on", parts.of(lambda: _ledgers(runs))),
            page.section("How to repeat it", parts.of(lambda: _repeat_comparison(folder, stored))),
            page.section(
                "Where it comes from",
                parts.of(lambda: _endings(stored)),
                *[parts.of(lambda path=path: _provenance(RunFolder(path))) for path in list(runs.values())[:1]],  # type: ignore[misc]
            ),
            parts.damage(),
            _footer(),
        ],
    )


class Parts:
    """Makes the parts of a page and remembers what could not be read for them."""

    def __init__(self) -> None:
        self._problems: list[str] = []

    def of(self, make: Callable[[], str]) -> str:
        try:
            return make()
        except ScenarioError:
            raise
        except SubgridError as error:
            self._problems += str(error).splitlines()
        except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
            self._problems.append(f"{type(error).__name__}: {error}")
        return ""

    def damage(self) -> str:
        return page.section("What could not be read", *[page.paragraph(problem) for problem in self.problems])

    @property
    def problems(self) -> list[str]:
        """What could not be read, each once."""
        return list(dict.fromkeys(plain(problem, 300) for problem in self._problems))


def _or(read: Callable[[], Any], otherwise: Any) -> Any:
    try:
        return read()
    except SubgridError:
        return otherwise


def _ending(run: RunFolder) -> str:
    outcome = run.outcome()
    status = str(outcome["status"])
    kind = {"finished": "good", "failed": "bad", "killed": "bad"}.get(status, "open")
    provenance = _or(run.provenance, {})
    pairs = [("step", str(outcome["step"])), ("t =", number(finite(outcome["time"]), 8))]
    pairs += _wall_time(run, finite(outcome.get("wall_seconds")))
    pairs += [
        ("started", plain(provenance.get("started", "?"), 40)),
        ("subgrid", plain(provenance.get("subgrid", "?"), 40)),
    ]
    message = page.paragraph(plain(outcome["message"], 400)) if outcome["message"] else ""
    return page.badge(status, kind) + page.facts(pairs) + message


def _wall_time(run: RunFolder, leg: float) -> list[tuple[str, str]]:
    """Wall time of all parts of a run; that of the last part, said to be so, where the ledger cannot be read."""
    whole = finite(_or(run.costs, {}).get("wall_seconds")) if (run.path / "costs.json").is_file() else math.nan
    if math.isfinite(whole):
        return [("wall time", _seconds(whole))]
    return [("wall time since the last start", _seconds(leg))] if math.isfinite(leg) else []


def _pictures(folders: Sequence[Path], look: Look, probe: Probe) -> str:
    sources = [source for source in map(Source, folders) if len(source.times)]
    if not sources:
        return page.paragraph("The run stored no frames.")
    problem = probe.problem()
    if problem:
        return page.paragraph(problem)
    try:
        made = pictures_of(sources, look)
    except ScenarioError:
        if look.fields:
            raise
        return page.paragraph("Nothing that the run stored can be drawn.")
    return _shown(made)


def _shown(made: Pictures) -> str:
    history = (
        page.picture(made.history, "png", "the run in space and time", "in space and time") if made.history else ""
    )
    moving = page.film(made.film, "film of the run", made.caption) if made.film else ""
    stills = page.grid(
        "broad" if made.broad else "strip", [page.picture(data, "png", when, when) for when, data in made.stills]
    )
    return history + moving + stills


def _expectations(run: RunFolder) -> str:
    rows = []
    for judged in expectations(run):
        verdict = {True: ("kept", "good"), False: ("missed", "bad"), None: ("not judged", "open")}[judged.ok]
        values = ("-" if math.isnan(judged.value) else number(judged.value, 8), number(judged.expected, 8))
        rows.append([page.badge(*verdict), plain(judged.name), *values, plain(judged.source, 400)])
    return page.table(["", "number", "found", "expected", "source"], rows, numbers=(2, 3), raw=(0,), stacked=True)


def _charts(run: RunFolder) -> str:
    drawn, left_out = charts_of(run)
    shown = [page.picture(chart.svg, "svg+xml", chart.title, _caption(chart.title, chart.caption)) for chart in drawn]
    more = f"{left_out} more are not shown; a page has {MOST_CHARTS}." if left_out else ""
    return page.grid("charts", shown) + (page.paragraph(more) if more else "")


def _caption(title: str, caption: str) -> str:
    return f"{title}. {caption}" if caption else title


def _components(scenario: Mapping[str, Any]) -> str:
    rows = []
    for kind in ("mesh", "initial", "solver", "integrator", "linear_solver", "time", "backend"):
        if isinstance(scenario.get(kind), dict):
            rows.append(_component(kind, _own_axes(scenario[kind]) if kind == "mesh" else scenario[kind]))
    for kind in ("closures", "correctors", "observers"):
        tables = scenario.get(kind, [])
        rows += [_component(kind[:-1], entry) for entry in tables if isinstance(entry, dict)]
    return page.table(["part", "type", "options"], rows, stacked=True)


def _own_axes(mesh: Mapping[str, Any]) -> dict[str, Any]:
    """Options of a mesh without the boundaries along axes that it does not have."""
    shape, boundaries = mesh.get("shape"), mesh.get("boundaries")
    if not isinstance(shape, list) or not isinstance(boundaries, dict):
        return dict(mesh)
    own = ("x", "y", "z")[: len(shape)]
    return {**mesh, "boundaries": {axis: kind for axis, kind in boundaries.items() if axis in own}}


def _component(kind: str, entry: Mapping[str, Any]) -> list[str]:
    options = ", ".join(f"{key} = {_value(value)}" for key, value in entry.items() if key not in ("type", "label"))
    return [kind, plain(entry.get("type", ""), 60), plain(options, 700)]


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_value(inner)}" for key, inner in value.items()) + "}"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _costs(run: RunFolder) -> str:
    if not (run.path / "costs.json").is_file():
        return page.paragraph("The ledger is written when a run ends.")
    costs = run.costs()
    names = {"steps": "steps", "evaluations": "evaluations", "rejected": "rejected steps"}
    pairs = [("wall time", _seconds(finite(costs.get("wall_seconds"))))]
    pairs += [(title, plain(costs[key], 20)) for key, title in names.items() if key in costs]
    pairs += [("peak memory", f"{finite(costs.get('peak_memory_mb')):.0f} MB")]
    return page.facts(pairs) + _ledger(costs)


def _ledger(costs: Mapping[str, Any]) -> str:
    seconds = {str(name): finite(spent) for name, spent in _dict(costs, "seconds").items()}
    whole = finite(costs.get("wall_seconds")) or math.nan
    counted = sum(spent for spent in seconds.values() if math.isfinite(spent))
    if math.isfinite(whole) and whole > counted:
        seconds["(everything else)"] = whole - counted
    calls = _dict(costs, "closure_calls")
    rows = []
    for name, spent in sorted(seconds.items(), key=lambda item: -item[1]):
        share = spent / whole if whole > 0.0 else 0.0
        called = [plain(calls.get(name, ""), 20)] if calls else []
        rows.append([plain(name, 60), _seconds(spent), f"{100 * share:.1f} %", *called, page.share_bar(share)])
    headings = ["component", "time", "share", *(["calls"] if calls else []), ""]
    last = len(headings) - 1
    return page.table(headings, rows, numbers=range(1, last), raw=(last,))


def _repeat(run: RunFolder, name: str) -> str:
    text = (run.path / "scenario.toml").read_text(encoding="utf-8", errors="replace")
    version = plain(_or(run.provenance, {}).get("subgrid", ""), 40)
    commands = [f"pip install subgrid=={version}"] if version else []
    commands.append(f"subgrid run scenario.toml --out {shlex.quote(f'runs/{name}')}")
    notes = "Save the scenario below as scenario.toml, then:"
    return (
        page.paragraph(notes)
        + page.code("\n".join(commands))
        + page.folded("The whole scenario, all defaults written out", page.code(text[:LARGEST_TEXT], "long"))
    )


def _repeat_comparison(folder: Path, stored: Mapping[str, Any]) -> str:
    if "file" not in stored:
        return page.paragraph("The table does not tell the file it was made from.")
    changes = [f"--set {shlex.quote(str(change))}" for change in stored.get("changes", [])]
    return page.code(
        " ".join(["subgrid compare", shlex.quote(str(stored["file"])), "--out", shlex.quote(str(folder)), *changes])
    )


def _provenance(run: RunFolder) -> str:
    rows = [[plain(key, 60), plain(text, 700)] for key, text in _flat(run.provenance()) if text]
    return page.table(["", ""], rows, stacked=True)


def _flat(content: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    for key, value in content.items():
        if isinstance(value, dict):
            yield str(key), ", ".join(f"{name} {_value(inner)}" for name, inner in value.items())
        elif isinstance(value, list):
            yield str(key), ", ".join(map(_value, value))
        else:
            yield str(key), _value(value)


def _log(run: RunFolder) -> str:
    path = run.path / "run.log"
    if not path.is_file():
        return ""
    with path.open(encoding="utf-8", errors="replace") as file:
        text = file.read(LARGEST_TEXT)
    return page.folded("Log", page.code(text, "long"))


def _table_of(folder: Path) -> dict[str, Any]:
    path = folder / "table.json"
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise RunFolderError(f"{path}: cannot be read ({plain(error, 200)})") from error
    if not isinstance(stored, dict) or not isinstance(stored.get("variants"), dict):
        raise RunFolderError(f"{path}: is no table of a comparison")
    return stored


def _accuracy(folder: Path, stored: Mapping[str, Any]) -> str:
    """The tables of ``table.txt``, cell by cell, with what their columns mean."""
    tables = ""
    for entry in stored.get("tables", []):
        headings, rows = [str(heading) for heading in entry["headings"]], entry["rows"]
        numbers = [i for i, heading in enumerate(headings) if heading not in ("variant", "outcome")]
        cells = [[plain(cell, 60) for cell in row[: len(headings)]] for row in rows]
        tables += page.paragraph(plain(entry["title"], 80)) + page.table(headings, cells, numbers)
    if not tables:  # written before tables were kept
        tables = page.code((folder / "table.txt").read_text(encoding="utf-8", errors="replace")[:LARGEST_TEXT])
    meanings, headings_of = _dict(stored, "metrics"), _dict(stored, "headings")
    explained = [[plain(headings_of.get(key, key), 60), plain(text, 200)] for key, text in meanings.items()]
    return (
        tables
        + page.folded("What the columns mean", page.table(["column", "meaning"], explained, stacked=True))
        + "".join(page.paragraph(plain(note, 400), "lead") for note in stored.get("notes", []))
    )


def _figures(folder: Path) -> str:
    return "".join(
        page.picture(path.read_bytes(), "png", path.stem.replace("_", " "))
        for path in sorted((folder / "figures").glob("*.png"))
    )


def _first_runs(folder: Path, stored: Mapping[str, Any]) -> dict[str, Path]:
    """The first run of every variant that left one, by the name of the variant."""
    found = {}
    for name, variant in stored["variants"].items():
        listed = variant.get("runs", []) if isinstance(variant, dict) else []
        for entry in listed[:1] if isinstance(listed, list) else []:
            path = Path(str(entry.get("folder", ""))) if isinstance(entry, dict) else Path()
            # a comparison may have been moved since: its runs stand in runs/<variant>/<seed>
            inside = folder / "runs" / Path(*path.parts[-2:])
            path = inside if (inside / "scenario.toml").is_file() else path
            if (path / "scenario.toml").is_file():
                found[plain(name, 60)] = path
    return found


def _ledgers(runs: Mapping[str, Path]) -> str:
    content = ""
    for name, path in runs.items():
        content += page.folded(name, _costs(RunFolder(path)))
    return content


def _endings(stored: Mapping[str, Any]) -> str:
    rows = [
        [
            plain(name, 60),
            plain(entry.get("folder", ""), 200),
            plain(entry.get("status", ""), 40),
            plain(entry.get("message", ""), 300),
        ]
        for name, variant in stored["variants"].items()
        for entry in variant.get("runs", [])
    ]
    return page.table(["variant", "run", "status", ""], rows, stacked=True)


def _dict(content: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = content.get(key)
    return value if isinstance(value, dict) else {}


def _seconds(value: float) -> str:
    return f"{number(value, 3)} s" if value < 120.0 or math.isnan(value) else f"{number(value / 60.0, 3)} min"


def _footer() -> str:
    return "<footer>Made by subgrid report. This file is complete: it asks nothing of any other.</footer>"

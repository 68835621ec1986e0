"""Pages: complete, self-contained, and nothing in them that a file could make a browser do."""

import base64
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from unittest.mock import MagicMock

import numpy as np
import pytest

from subgrid.mesh import Grid

EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>\"' </pre></title>"
PLANE = Grid((6, 8), (0.6, 0.8))


class Page(HTMLParser):
    """The elements of a page with their attributes, and its text."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attributes}))

    def handle_data(self, data: str) -> None:
        self.text += data

    def sources(self, tag: str) -> list[str]:
        return [attributes["src"] for name, attributes in self.elements if name == tag]

    def check_self_contained(self) -> None:
        """Nothing is fetched and nothing is run."""
        tags = {tag for tag, _ in self.elements}
        assert not tags & {"script", "iframe", "object", "embed", "link", "form", "base", "svg"}
        for tag, attributes in self.elements:
            assert not [name for name in attributes if name.startswith("on")], tag
            for name in ("src", "href", "poster", "srcset", "action"):
                assert attributes.get(name, "data:").startswith("data:"), (tag, name)
        policies = [a["content"] for _, a in self.elements if a.get("http-equiv") == "Content-Security-Policy"]
        assert len(policies) == 1
        assert policies[0].startswith("default-src 'none'")
        assert "script-src" not in policies[0]


@pytest.fixture
def page(cli, tmp_path: Path):
    def make(folder: Path, *options: str) -> Page:
        code, out, err = cli("report", folder, "--out", tmp_path / "page.html", *options)
        assert (code, err) == (0, "")
        assert str(tmp_path / "page.html") in out
        return Page(tmp_path / "page.html")

    return make


def test_the_page_of_a_run_tells_all_of_it(rendering, page, stored) -> None:
    made = page(stored("flame"))
    made.check_self_contained()
    for words in (
        "flame", "finished", "kuramoto_sivashinsky", "etdrk4", "kept", "rough", "wall time", "(everything else)",
        "subgrid run scenario.toml --out runs/flame", "numpy", "energy: energy", "power_spectrum",
    ):  # fmt: skip
        assert words in made.text, words
    (film,) = made.sources("video")
    assert base64.b64decode(film.partition(",")[2])[4:8] == b"ftyp"
    pictures = [src.partition(";")[0] for src in made.sources("img")]
    assert pictures.count("data:image/png") == 5  # in space and time, and four moments
    assert pictures.count("data:image/svg+xml") == 2


def test_charts_show_the_series(stored) -> None:
    from subgrid.api import RunFolder
    from subgrid_view.charts import charts_of

    drawn, left_out = charts_of(RunFolder(stored("flame")))
    assert left_out == 0
    assert [chart.title for chart in drawn] == ["energy: energy", "power_spectrum: spectrum"]
    assert all(chart.svg.startswith(b"<?xml") for chart in drawn)


def test_an_impulsive_start_does_not_set_the_scale() -> None:
    from matplotlib.figure import Figure

    from subgrid.protocols import Quantity
    from subgrid_view.charts import _limited, _over_time

    times = np.linspace(0.0, 10.0, 101)
    force = np.stack([0.6 + 0.05 * np.sin(times), 0.2 * np.cos(times)], axis=1)
    axes = Figure().subplots()
    for curve in force.T:
        axes.plot(times, curve)
    assert _limited(axes, force) == ""
    assert axes.get_autoscaley_on()
    force[0, 0] = 160.0
    assert _limited(axes, force) == "(1 of 202 values beyond, to 160)"
    low, high = axes.get_ylim()
    assert -0.3 < low < -0.2
    assert 0.65 < high < 0.8
    chart = _over_time("force: f", Quantity(("component",), description="on the body"), times, force)
    assert chart.caption == "on the body (1 of 202 values beyond, to 160)"
    for harmless in (np.exp(-times), np.ones(101), times, np.full(101, np.nan), np.where(times > 5.0, 1.0, 0.0)):
        assert _limited(axes, harmless[:, None]) == ""


def test_the_mesh_is_told_with_its_own_axes(rendering, page, stored) -> None:
    made = page(stored("obstacle")).text
    assert "boundaries = {x = wall, y = wall}" in made
    assert "z = periodic" not in made


def test_the_header_has_the_time_of_all_parts(rendering, page, field_run, tmp_path: Path) -> None:
    run = field_run(tmp_path / "run", [np.ones((6, 8)), np.zeros((6, 8))], PLANE).path
    outcome = json.loads((run / "outcome.json").read_text())
    (run / "outcome.json").write_text(json.dumps({**outcome, "wall_seconds": 3.25}))
    costs = {"wall_seconds": 71.5, "steps": 2, "seconds": {"solver": 60.0}}
    (run / "costs.json").write_text(json.dumps(costs))
    made = page(run).text
    assert made.count("wall time 71.5 s") == 2
    assert "3.25" not in made
    assert "calls" not in made
    (run / "costs.json").write_text(json.dumps({**costs, "closure_calls": {"leith": 12}}))
    assert "calls" in page(run).text
    (run / "costs.json").unlink()
    assert "wall time since the last start 3.25 s" in page(run).text


def test_names_and_logs_are_text(rendering, page, field_run, tmp_path: Path) -> None:
    run = field_run(tmp_path / "run", [np.ones((6, 8)), np.zeros((6, 8))], PLANE, name=EVIL).path
    (run / "run.log").write_text(EVIL)
    (run / "costs.json").write_text(
        json.dumps({"wall_seconds": EVIL, "steps": EVIL, "seconds": {EVIL: 1.0, "b": EVIL}})
    )
    made = page(run)
    made.check_self_contained()
    assert {tag for tag, _ in made.elements if tag in ("script", "b")} == {"b"}
    assert made.text.count("alert(1)") >= 4


def test_what_cannot_be_read_is_named_and_the_rest_is_shown(rendering, cli, field_run, tmp_path: Path) -> None:
    run = field_run(tmp_path / "run", [np.ones((6, 8))], PLANE).path
    (run / "provenance.json").write_text("{")
    (run / "costs.json").write_text("[]")
    (run / "outcome.json").write_text('{"status": 3}')
    code, out, err = cli("report", run, "--out", tmp_path / "page.html")
    assert code == 4
    assert out.startswith(f"{tmp_path / 'page.html'}: ")
    assert out.endswith("and without what could not be read\n")
    assert "page.html" not in err
    made = Page(tmp_path / "page.html")
    assert "What could not be read" in made.text
    for name in ("provenance.json", "costs.json", "outcome.json"):
        assert f"{name}: " in made.text
        assert f"{name}: " in err


def test_a_page_is_made_where_nothing_can_be_rendered(cli, monkeypatch, stored, tmp_path: Path) -> None:
    from subgrid_view.probe import Probe

    monkeypatch.setattr(Probe, "_start", staticmethod(lambda window: MagicMock()))
    monkeypatch.setattr(Probe, "problem", lambda self: "pictures cannot be rendered here: install libegl1")
    code, _, _ = cli("report", stored("flow"), "--out", tmp_path / "page.html")
    made = Page(tmp_path / "page.html")
    assert code == 0
    assert "install libegl1" in made.text
    assert made.sources("video") == []
    assert "navier_stokes_2d" in made.text


def test_an_unknown_field_is_one_line(rendering, cli, stored, tmp_path: Path) -> None:
    code, _, err = cli("report", stored("flow"), "--field", "colour", "--out", tmp_path / "page.html")
    assert (code, err.count("\n")) == (2, 1)
    assert "vorticity" in err
    assert not (tmp_path / "page.html").exists()


@pytest.fixture
def comparison(tmp_path: Path) -> Path:
    from subgrid.compare import compare
    from subgrid.registry import Registry

    file = tmp_path / "small.toml"
    file.write_text("""
name = "small"
baseline = "none"
[scenario]
seed = 1
mesh = { type = "grid", shape = [16, 16], length = [6.3, 6.3] }
initial = { type = "mcwilliams" }
solver = { type = "navier_stokes_2d", viscosity = 1e-3 }
integrator = { type = "rk4" }
time = { end = 0.4, dt = 0.05 }
output = { quantities = ["vorticity"], every = { time = 0.2 } }
observers = [{ type = "enstrophy_spectrum", every = { time = 0.2 } }]
[reference]
set = { mesh.shape = [32, 32] }
[metrics]
spectrum = "enstrophy_spectrum.spectrum"
field = "vorticity"
[[variants]]
name = "none"
set = { closures = [{ type = "none" }] }
[[variants]]
name = "leith"
set = { closures = [{ type = "leith" }] }
""")
    compare(file, tmp_path / "comparison", Registry.load(), 1, ["scenario.time.end=0.2"])
    return tmp_path / "comparison"


def test_the_page_of_a_comparison(rendering, page, comparison: Path, tmp_path: Path) -> None:
    comparison = comparison.rename(tmp_path / "moved")
    made = page(comparison)
    made.check_self_contained()
    for words in ("leith", "Relative to 'none'", "What the runs look like", "finished"):
        assert words in made.text, words
    # headings and cells are those of table.txt
    printed = (comparison / "table.txt").read_text()
    tables = json.loads((comparison / "table.json").read_text())["tables"]
    assert [table["title"] for table in tables] == ["Accuracy", "Cost", "Relative to 'none'"]
    for table in tables:
        assert "".join(table["headings"]).replace("\n", "") in made.text.replace("\n", "")
        for row in table["rows"]:
            assert "".join(row) in made.text.replace("\n", "")
            assert all(cell in printed for cell in row)
        assert all(word in printed for heading in table["headings"] for word in heading.split("\n"))
    assert re.search(r"subgrid compare \S*small.toml --out \S*moved --set scenario.time.end=0.2", made.text)
    assert len(made.sources("video")) == 1


def test_a_comparison_without_stored_tables_shows_its_text(rendering, page, comparison: Path) -> None:
    stored = json.loads((comparison / "table.json").read_text())
    del stored["tables"], stored["headings"]
    (comparison / "table.json").write_text(json.dumps(stored))
    assert (comparison / "table.txt").read_text().splitlines()[5] in page(comparison).text


def test_the_folder_of_a_sweep_is_told_as_one(rendering, cli, tmp_path: Path) -> None:
    for name in ("table.json", "sweep.json"):
        (tmp_path / name).write_text("{}")
    code, _, err = cli("report", tmp_path)
    assert code == 4
    assert f"{tmp_path}: not a run folder (it is a sweep, whose runs are in {tmp_path / 'members'})" in err


def test_a_hostile_table_is_text_or_one_line(rendering, cli, tmp_path: Path) -> None:
    for content in ("[]", "{", '{"variants": []}'):
        (tmp_path / "table.json").write_text(content)
        code, _, err = cli("report", tmp_path)
        assert (code, err.count("\n")) == (4, 1)
    (tmp_path / "table.txt").write_text(EVIL)
    variant = {"outcome": EVIL, "values": {"std": 1.0}, "runs": [{"folder": EVIL, "status": EVIL}]}
    table = {"name": EVIL, "metrics": {"std": EVIL}, "notes": [EVIL], "variants": {EVIL: variant}, "file": EVIL}
    (tmp_path / "table.json").write_text(json.dumps(table))
    code, _, _ = cli("report", tmp_path)
    assert code == 0
    Page(tmp_path / "report.html").check_self_contained()
    evil = {"headings": [EVIL], "rows": [[EVIL]], "title": EVIL}
    for tables in (3, [3], [{}], [{"headings": 1, "rows": 2, "title": 3}], [evil]):
        (tmp_path / "table.json").write_text(json.dumps({**table, "tables": tables, "headings": 3}))
        # tables of no shape are told on the page, and their text is shown
        assert cli("report", tmp_path)[0] == (0 if tables == [evil] else 4)
        Page(tmp_path / "report.html").check_self_contained()

"""Is a comparison file merged as it reads, and are its mistakes found before anything runs?"""

from __future__ import annotations

from pathlib import Path

import pytest

from subgrid.compare.options import load
from subgrid.errors import ScenarioError
from subgrid.overrides import merged

MINIMAL = """
baseline = "a"
[scenario]
mesh = { type = "grid" }
[reference]
set = {}
[[variants]]
name = "a"
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "file.toml"
    path.write_text(text)
    return path


def test_tables_merge_and_lists_replace():
    base = {"time": {"end": 1.0, "dt": 0.1}, "closures": [{"type": "leith"}], "seed": 3}
    changed = merged(base, {"time": {"dt": 0.2}, "closures": []})
    assert changed == {"time": {"end": 1.0, "dt": 0.2}, "closures": [], "seed": 3}
    assert base["closures"] == [{"type": "leith"}]


def test_dotted_keys_are_paths():
    assert merged({"mesh": {"shape": [8]}}, {"mesh.shape": [16]}) == {"mesh": {"shape": [16]}}
    assert merged({}, {"solver": {"forcing.amplitude": 2.0}}) == {"solver": {"forcing": {"amplitude": 2.0}}}


def test_options_of_another_type_do_not_linger():
    base = {"integrator": {"type": "etdrk4", "contour_points": 64}}
    assert merged(base, {"integrator": {"type": "rk4"}}) == {"integrator": {"type": "rk4"}}
    assert merged(base, {"integrator": {"contour_points": 32}})["integrator"]["type"] == "etdrk4"


def test_overrides_reach_the_scenario(tmp_path):
    file = load(write(tmp_path, MINIMAL), ["scenario.time.end=5.0"])
    assert file.scenario["time"] == {"end": 5.0}
    assert file.options.name == "file"


def test_base_scenario_and_changes_to_it(tmp_path):
    (tmp_path / "base.toml").write_text("seed = 4\n[time]\nend = 9.0\ndt = 0.5\n")
    text = MINIMAL.replace('mesh = { type = "grid" }', "time.end = 3.0").replace(
        "baseline", 'base = "base.toml"\nbaseline'
    )
    assert load(write(tmp_path, text)).scenario == {"seed": 4, "time": {"end": 3.0, "dt": 0.5}}


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('baseline = "a"', 'baseline = "b"', "'b' is no variant; choose from a"),
        ('baseline = "a"', 'baseline = "a"\nspeed = 1', "speed: unknown key"),
        ("set = {}", 'set = {}\nstatistics = "x.json"', "either set"),
        ("set = {}", "spin_up = 2.0", "either set"),
        ("set = {}", 'statistics = "x.json"\nspin_up = 1.0', "spin_up belongs to an own reference"),
        ('name = "a"', 'name = "a"\n[[variants]]\nname = "a"', "the name of two variants"),
        ('name = "a"', 'name = "a/b"', "variants.0.name"),
        ('name = "a"', 'name = "a"\n[metrics]\nk_max = 0.7', "metrics.k_max: 0.7 is greater than 0.5"),
        ('[scenario]\nmesh = { type = "grid" }', "", "give base"),
    ],
)
def test_mistakes_are_named(tmp_path, old, new, complaint):
    assert old in MINIMAL
    with pytest.raises(ScenarioError) as caught:
        load(write(tmp_path, MINIMAL.replace(old, new)))
    assert complaint in str(caught.value)
    assert "file.toml" in str(caught.value)

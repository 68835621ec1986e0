"""Scenarios: reading, overrides, labels, checks across tables, and the way back to TOML."""

import json
import math
import tomllib
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subgrid.errors import PluginError, ScenarioError
from subgrid.overrides import with_overrides
from subgrid.registry import Registry
from subgrid.scenario import KEYS, Scenario, load, parse, to_data, to_toml
from subgrid.schema import json_schema
from subgrid.toml_text import write_text

MINIMAL: dict[str, Any] = {
    "mesh": {"type": "grid", "shape": [16], "length": ["2 pi"]},
    "initial": {"type": "pulse"},
    "solver": {"type": "advection", "viscosity": 1e-3},
    "integrator": {"type": "one_step"},
    "time": {"end": 1.0, "dt": 0.1},
}


def scenario(registry: Registry, *overrides: str, **tables: Any) -> Scenario:
    return parse({**deepcopy(MINIMAL), **tables}, registry, Path(), overrides)


def problems(registry: Registry, *overrides: str, **tables: Any) -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        scenario(registry, *overrides, **tables)
    assert all("\n" not in line for line in caught.value.problems)
    return caught.value.problems


def test_minimal_scenario_gets_defaults(sample_registry: Registry) -> None:
    read = scenario(sample_registry)
    assert read.mesh.options.length == (2 * math.pi,)
    assert (read.backend.name, read.seed, read.checkpoint.keep) == ("numpy", 0, 2)
    assert read.output.schedule.empty
    assert [choice.label for choice in read.choices()] == ["grid", "pulse", "advection", "one_step"]


def test_every_problem_is_reported_at_once(sample_registry: Registry) -> None:
    found = problems(
        sample_registry,
        tme={},
        backend={"name": "nunpy", "threads": True},
        solver={"type": "advection", "viscosity": -1, "order": 2.5, "forcing": {"amplitde": 1, "modes": [1, -2]}},
        closures=[{"type": "eddy", "cs": "0.1 m"}, {"type": "edy"}],
        observers=[{"type": "mean_square"}],
        expect={"mean": {"of": "mean_square.value", "value": math.nan}},
    )
    expected = [
        "tme: unknown key; did you mean 'time'? choose from",
        "backend.threads: true does not belong here",
        "backend.name: 'nunpy' is not one of 'numpy', 'torch'; did you mean 'numpy'?",
        "solver.viscosity: -1 is less than 0 (unit: m2/s)",
        "solver.order: 2.5 is not a whole number",
        "solver.forcing.modes.1: -2 is not greater than 0",
        "solver.forcing.amplitde: unknown key; did you mean 'amplitude'? choose from amplitude, modes",
        "closures.0.cs: '0.1 m': unit 'm' does not fit; expected a dimensionless number",
        "closures.1.type: no closure is called 'edy'; did you mean 'eddy'?",
        "observers.0: it is not said when",
        "expect.mean.value: nan is not a finite number (unit: dimensionless)",
        "expect.mean.source: missing (where the number comes from)",
    ]
    assert len(found) == len(expected)
    for line, start in zip(found, expected, strict=True):
        assert line.startswith(start)


@pytest.mark.parametrize(
    ("solver", "line"),
    [
        ({"viscosity": "1 m/s"}, "solver.viscosity: '1 m/s': unit 'm/s' does not fit; expected m2/s"),
        ({"viscosity": math.inf}, "solver.viscosity: inf is not a finite number (unit: m2/s)"),
        ({}, "solver.viscosity: missing (kinematic viscosity) (unit: m2/s)"),
        ({"viscosity": 0, "conservative": 1}, "solver.conservative: 1 is not true or false"),
        ({"viscosity": 0, "limiter": "superbea"}, "did you mean 'superbee'?"),
        ({"viscosity": 0, "filter": -1}, "solver.filter: -1 is not greater than 0, or -1 is not one of 'automatic'"),
        ({"viscosity": 0, "forcing": 3}, "solver.forcing: 3 is not a table"),
        ({"viscosity": 0, "order": 10**5000}, "solver.order: a whole number of 16610 bits is too large"),
        ({"viscosity": 0, "slot": "a"}, "solver.slot: unknown key"),
    ],
)
def test_wrong_option_is_named_with_what_was_allowed(sample_registry: Registry, solver: Any, line: str) -> None:
    assert line in problems(sample_registry, solver={"type": "advection", **solver})[0]


@pytest.mark.parametrize(
    ("tables", "line"),
    [
        ({"mesh": {"type": "grid", "shape": [8, 8], "length": [1]}}, "mesh: length has 1 entries, shape has 2"),
        ({"mesh": {"type": "grid", "shape": [2**16] * 2, "length": [1, 1]}}, "more than 2147483648"),
        (
            {"mesh": {"type": "grid", "shape": [8], "length": [1], "boundaries": {"x": "wal"}}},
            "mesh.boundaries.x: 'wal' is not one of 'periodic', 'wall'",
        ),
        (
            {"mesh": {"type": "grid", "shape": [8], "length": [1], "boundaries": {"x": ["periodic", "wall"]}}},
            "an axis is 'periodic' or 'wall' on both sides, never one of each",
        ),
        (
            {"mesh": {"type": "grid", "shape": [8], "length": [1], "boundaries": {"y": "wall"}}},
            "boundaries.y: a grid of 1 axes has no y",
        ),
        (
            {"mesh": {"type": "grid", "shape": [8], "length": [1], "boundaries": {"x": "wall"}}},
            "walls lie half a spacing from the nearest values; use offset = 'cell'",
        ),
        ({"mesh": {"type": "grid", "shape": [8] * 4, "length": [1] * 4}}, "has more than 3 entries"),
        ({"mesh": {"type": "grid", "shape": [], "length": [1]}}, "mesh.shape: [] has 0 entries, at least 1 are needed"),
        ({"time": {"end": 1.0, "cfl": 9.0}}, "time.cfl: 9.0 is greater than 1"),
        ({"time": {"end": -1.0}}, "time: end = -1 must lie after start = 0"),
        ({"time": {"end": 1.0, "dt": 1e-300}}, "time: dt = 1e-300 is lost to rounding"),
        ({"time": {"start": -1.7e308, "end": 1.7e308, "dt": 1e300}}, "time: the span from start to end is too large"),
        ({"output": {"every": {"time": 1.0}}}, "output: it is not said what to store: quantities"),
        ({"output": {"quantities": ["u"]}}, "output: it is not said when to store them"),
        (
            {"output": {"every": {"steps": 1, "time": 1.0}, "quantities": ["u"]}},
            "output.every: give either steps or time",
        ),
        ({"output": {"at": [-1.0], "quantities": ["u"]}}, "output.at.0: -1 lies before time.start = 0"),
        ({"checkpoint": {"every": {"time": 1e-12}}}, "checkpoint.every.time: 1e-12 is too short for this run"),
        ({"closures": {"type": "eddy"}}, "closures: a table is not a list; write [[closures]]"),
        ({"closures": ["eddy"]}, "closures.0: 'eddy' is not a table"),
        ({"expect": {"a": {"of": "x", "value": 1, "rel": 0, "source": "s"}}}, "not <observer label>.<variable>"),
        ({"expect": {"a": {"of": "x.y", "value": 1, "rel": 0, "source": "s"}}}, "no observer is labelled 'x'"),
        ({"expect": {"a": {"of": "x.y", "value": 1, "source": "s"}}}, "expect.a: give a tolerance, either rel or abs"),
        (
            {"backend": {"name": "torch", "fft": "fftw"}},
            "backend: fft = 'fftw' is for name = 'numpy'; torch has its own",
        ),
        ({"backend": {"device": "cuda"}}, "backend: 'numpy' computes on 'cpu', not on 'cuda'; use name = 'torch'"),
        ({"seed": -1}, "seed: -1 is less than 0"),
        ({"name": "a/../b"}, "name: 'a/../b'"),
        ({"description": None}, "description: no value"),
        ({"description": "\udcff"}, "description: a scenario cannot hold text that is not Unicode"),
    ],
)
def test_checks_of_the_engines_own_tables(sample_registry: Registry, tables: Any, line: str) -> None:
    assert line in " | ".join(problems(sample_registry, **tables))


def test_refused_entry_does_not_make_its_list_too_short(sample_registry: Registry) -> None:
    mesh = {"type": "grid", "shape": [8], "length": ["1 s"]}
    assert problems(sample_registry, mesh=mesh) == ["mesh.length.0: '1 s': unit 's' does not fit; expected m"]


def test_missing_tables_name_their_choices(sample_registry: Registry) -> None:
    with pytest.raises(ScenarioError) as caught:
        parse({}, sample_registry, Path())
    assert [line.partition(":")[0] for line in caught.value.problems] == ["time.end", *MINIMAL][:5]
    assert "advection" in caught.value.problems[3]


def test_default_labels_are_numbered_and_stated_ones_kept(sample_registry: Registry) -> None:
    read = scenario(
        sample_registry,
        closures=[{"type": "eddy"}, {"type": "eddy", "weight": 0.5}, {"type": "eddy", "label": "eddy_2"}],
    )
    assert [choice.label for choice in read.closures] == ["eddy", "eddy_3", "eddy_2"]
    assert [choice.weight for choice in read.closures] == [1.0, 0.5, 1.0]


@pytest.mark.parametrize(("label", "reason"), [("pulse", None), ("a b", "a b"), ("", "''"), ("twice", "twice")])
def test_labels_are_unique_plain_words(sample_registry: Registry, label: str, reason: str | None) -> None:
    closures = [{"type": "eddy", "label": label}, {"type": "eddy", "label": "twice"}]
    if reason is None:  # a stated label wins over another component's default one
        assert scenario(sample_registry, closures=closures).initial.label == "pulse_2"
    else:
        assert any(
            reason in line and line.startswith("closures.") for line in problems(sample_registry, closures=closures)
        )


def test_schedule_reaches_observers_and_correctors(sample_registry: Registry) -> None:
    read = scenario(
        sample_registry,
        observers=[{"type": "mean_square", "every": {"time": "1 min"}, "at": [0.5]}],
        correctors=[{"type": "clip"}, {"type": "clip", "every": {"steps": 3}}],
    )
    assert (read.observers[0].schedule.every.time, read.observers[0].schedule.at) == (60.0, (0.5,))
    assert read.correctors[0].schedule.empty
    assert read.correctors[1].schedule.every.steps == 3


@pytest.mark.parametrize(
    ("integrator", "time", "line"),
    [
        ("one_step", {"end": 1.0}, "time.dt: missing, 'one_step' needs it, or cfl"),
        ("multistep", {"end": 1.0}, "time.dt: missing, 'multistep' needs it (unit: s)"),
        ("multistep", {"end": 1.0, "cfl": 0.5}, "time.cfl: 'multistep' cannot change its step; give dt instead"),
        ("embedded", {"end": 1.0, "cfl": 0.5}, "time.cfl: 'embedded' sets its steps from its error estimate"),
        ("multistep", {"end": 1.0, "dt": 0.3}, "use dt = 0.333333333333, or a span of 0.9"),
    ],
)
def test_step_size_that_does_not_fit_the_integrator(
    sample_registry: Registry, integrator: str, time: Any, line: str
) -> None:
    assert line in problems(sample_registry, integrator={"type": integrator}, time=time)[0]


@pytest.mark.parametrize(
    ("integrator", "time"),
    [
        ("one_step", {"end": 1.0, "dt": 0.3}),
        ("one_step", {"end": 1.0, "cfl": 0.5}),
        ("one_step", {"end": 1.0, "cfl": 0.5, "dt": 0.1}),
        ("embedded", {"end": 1.0}),
        ("embedded", {"end": 1.0, "dt": 0.01}),
        ("multistep", {"start": 0.7, "end": 1.0, "dt": 0.1}),
    ],
)
def test_step_size_that_fits(sample_registry: Registry, integrator: str, time: Any) -> None:
    scenario(sample_registry, integrator={"type": integrator}, time=time)


def test_events_between_fixed_steps_name_what_fits(sample_registry: Registry) -> None:
    events = {
        "observers": [{"type": "mean_square", "every": {"time": 0.25}}, {"type": "mean_square", "every": {"steps": 7}}],
        "output": {"at": [0.3, 0.55, 7.77], "quantities": ["u"]},
        "checkpoint": {"every": {"time": 0.04}},
    }
    found = problems(sample_registry, integrator={"type": "multistep"}, **events)
    assert [line.partition(":")[0] for line in found] == [
        "observers.0.every.time",
        "output.at.1",
        "checkpoint.every.time",
    ]
    assert "use dt = 0.125, or time = 0.2" in found[0]
    assert "use dt = 0.04, or time = 0.1" in found[2]
    assert scenario(sample_registry, **events)


def test_integrator_that_keeps_silent_about_its_steps_is_the_plugins_fault(sample_registry: Registry) -> None:
    with pytest.raises(PluginError, match=r"plugin 'sample' \(sample 2.1\).*does not say whether it is adaptive"):
        scenario(sample_registry, integrator={"type": "silent"})


def test_resolved_scenario_reads_back_equal(sample_registry: Registry, tmp_path: Path) -> None:
    first = scenario(
        sample_registry,
        name="full",
        description='quotes " and \\ and \n lines, ü',
        seed=2**63,
        closures=[{"type": "eddy", "weight": 1 / 3, "slot": "stress"}, {"type": "learned"}],
        correctors=[{"type": "clip", "every": {"steps": 2}}],
        observers=[{"type": "mean_square", "label": "q", "every": {"time": 0.1}, "at": [0.123456789012345678]}],
        output={"every": {"steps": 5}, "quantities": ["u"], "precision": "float32"},
        initial={"type": "pulse", "file": "data/start.npy"},
        expect={"mean": {"of": "q.value", "value": 1e-300, "abs": 1e-5, "source": "closed form"}},
    )
    (tmp_path / "full.toml").write_text(to_toml(first), encoding="utf-8")
    second = load(tmp_path / "full.toml", sample_registry)
    assert to_data(second) == to_data(first)
    assert second == type(first)(**{**vars(first), "folder": tmp_path})
    assert to_toml(second) == to_toml(first)


def test_file_name_is_the_default_name(sample_registry: Registry, tmp_path: Path) -> None:
    path = tmp_path / "my flow.toml"
    path.write_text(write_text(MINIMAL))
    read = load(path, sample_registry, ["time.end=2"])
    assert (read.name, read.folder, read.time.end) == ("my_flow", tmp_path, 2.0)


plain = st.recursive(
    st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.text(st.characters(codec="utf-8")), plain, max_size=5))
def test_toml_writer_is_the_inverse_of_the_reader(data: dict[str, Any]) -> None:
    assert tomllib.loads(write_text(data)) == data


@pytest.mark.parametrize(
    ("override", "path", "value"),
    [
        ("time.end=2", ("time", "end"), 2),
        ("solver.limiter=superbee", ("solver", "limiter"), "superbee"),
        ("solver.name='a=b'", ("solver", "name"), "a=b"),
        ("closures.1.cs=1e-3", ("closures", 1, "cs"), 1e-3),
        ("closures.2.type=leith", ("closures", 2, "type"), "leith"),
        ("correctors.0.type=clip", ("correctors", 0, "type"), "clip"),
        ("closures=[]", ("closures",), []),
        ("a.b.c={d = [1, 2]}", ("a", "b", "c", "d"), [1, 2]),
        ("description=1\nseed = 3", ("description",), "1\nseed = 3"),
        ("description=", ("description",), ""),
    ],
)
def test_override_sets_one_place(override: str, path: tuple[Any, ...], value: Any) -> None:
    data: dict[str, Any] = {"time": {"end": 1}, "closures": [{"type": "a"}, {"type": "b"}]}
    changed: Any = with_overrides(data, [override])
    for key in path:
        changed = changed[key]
    assert changed == value
    assert data == {"time": {"end": 1}, "closures": [{"type": "a"}, {"type": "b"}]}


@pytest.mark.parametrize(
    ("override", "reason"),
    [
        ("time.end", "expected KEY.KEY=VALUE"),
        ("=3", "expected KEY.KEY=VALUE"),
        ("a..b=3", "expected KEY.KEY=VALUE"),
        ("time.end.x=3", "time.end is a single value"),
        ("closures.7.cs=3", "closures has 1 entries, so there is no index 7"),
        ("closures.-1.cs=3", "must be an index"),
        ("closures.cs=3", "closures is a list of 1, so 'cs' must be an index"),
        ("closures=[{type=leith}]", "another pair for the shell: '[{type=\"leith\"}]'"),
        ("closures=[{type='a'", "unclosed inline table); quote all of it for the shell, and text within it: --set '"),
        ("mesh.shape=[6 8]", "the value is not TOML (unclosed array)"),
        ('name="abc', "the value is not TOML (unterminated string)"),
    ],
)
def test_override_that_leads_nowhere(override: str, reason: str) -> None:
    with pytest.raises(ScenarioError, match="--set") as caught:
        with_overrides({"time": {"end": 1}, "closures": [{}]}, [override, "seed=1"])
    assert reason in str(caught.value)


def test_null_takes_a_key_away_and_names_one_that_is_not_there() -> None:
    data = {"time": {"end": 1, "cfl": 0.5}, "closures": [{"type": "a"}, {"type": "b", "cs": 1}], "seed": 1}
    changes = ["time.cfl=null", "time.dt=0.1", "closures.1.cs=null", "closures.0=null", "seed=null", "name='null'"]
    assert with_overrides(data, changes) == {
        "time": {"end": 1, "dt": 0.1},
        "closures": [{"type": "b"}],
        "name": "null",
    }
    for path in ("time.dt", "time.end.x", "nowhere.cfl", "closures.2", "closures.0.cs"):
        with pytest.raises(ScenarioError, match="to take away"):
            with_overrides(data, [f"{path}=null"])


def test_schema_is_sound_and_covers_every_component(sample_registry: Registry) -> None:
    schema = json_schema(sample_registry)
    json.dumps(schema, allow_nan=False)
    names = {f"{c.kind}.{c.name}" for kind in KEYS for c in sample_registry.components(kind)}
    assert names <= set(schema["$defs"])
    for node in nodes(schema):
        assert_sound(node, schema)


def nodes(schema: Any) -> Any:
    """Every schema inside a schema."""
    yield schema
    for key in ("properties", "$defs"):
        for nested in schema.get(key, {}).values():
            yield from nodes(nested)
    for nested in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        yield from nodes(nested)
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield from nodes(schema[key])


def assert_sound(node: Any, schema: Any) -> None:
    """What the meta schema of draft 2020-12 asks of the keywords used here."""
    if "$ref" in node:
        assert node["$ref"].removeprefix("#/$defs/") in schema["$defs"]
    if "type" in node:
        assert node["type"] in ("object", "array", "string", "number", "integer", "boolean")
    for key in ("exclusiveMinimum", "exclusiveMaximum", "minimum", "maximum"):
        assert isinstance(node.get(key, 0), int | float)
    assert not {"gt", "ge", "lt", "le"} & set(node)
    assert set(node.get("required", ())) <= set(node.get("properties", node.get("required", ())))
    assert all(node.get(key, [1]) for key in ("anyOf", "oneOf", "enum"))


def accepts(node: Any, value: Any, schema: Any) -> bool:
    """A validator of the keywords that decide about structure."""
    if "$ref" in node:
        return accepts(schema["$defs"][node["$ref"].removeprefix("#/$defs/")], value, schema)
    if "oneOf" in node and sum(accepts(choice, value, schema) for choice in node["oneOf"]) != 1:
        return False
    if "anyOf" in node and not any(accepts(choice, value, schema) for choice in node["anyOf"]):
        return False
    if "const" in node or "enum" in node:
        return value in (node.get("enum") or [node["const"]])
    kinds = {"object": dict, "array": list, "string": str, "number": (int, float), "integer": int, "boolean": bool}
    if "type" in node and not isinstance(value, kinds[node["type"]]):
        return False
    if isinstance(value, list):
        return all(accepts(node.get("items", {}), item, schema) for item in value)
    if isinstance(value, dict):
        other = node.get("additionalProperties", True)
        for key, item in value.items():
            inner = node.get("properties", {}).get(key, other)
            if inner is False or (isinstance(inner, dict) and not accepts(inner, item, schema)):
                return False
        return all(key in value for key in node.get("required", ()))
    return True


def test_schema_accepts_resolved_scenarios_and_refuses_mistakes(sample_registry: Registry) -> None:
    schema = json_schema(sample_registry)
    read = scenario(sample_registry, closures=[{"type": "eddy"}], output={"at": [1.0], "quantities": ["u"]})
    good = to_data(read)
    assert accepts(schema, good, schema)
    for override in ("solver.viscosty=1", "tme.end=2", "closures.0.type=edy", "solver.order=a", "time=[]"):
        assert not accepts(schema, with_overrides(good, [override]), schema)


def test_schema_describes_a_component_whose_options_cannot_be_imported(install: Any) -> None:
    install("liar", "@hookimpl\ndef components():\n    return [Component('closure', 'lie', 'liar:A', 'liar:B', 's')]")
    schema = json_schema(Registry.load())
    assert "cannot import liar:B" in schema["$defs"]["closure.lie"]["description"]

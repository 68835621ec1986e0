"""Sweep files: what they say is checked, and becomes members in a known order."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from subgrid.errors import ScenarioError
from subgrid.registry import Registry
from subgrid.scenario import load as load_scenario
from subgrid.sweep.members import parameters_of, plan, split, with_folders
from subgrid.sweep.options import SplitOptions, load

WriteSweep = Callable[..., Path]


def members(path: Path, registry: Registry) -> list[dict[str, Any]]:
    return [dict(member.parameters) for member in plan(load(path), registry).members]


def test_grid_linked_lists_and_seeds(write_sweep: WriteSweep, registry: Registry) -> None:
    path = write_sweep(
        grid={"solver": {"omega": [1.0, 3.0]}},
        linked=[{"time.dt": [0.01, 0.005], "checkpoint.every.steps": [10, 20]}],
        seeds=[4, 5],
    )
    found = members(path, registry)
    assert len(found) == 8
    assert found[0] == {"solver.omega": 1.0, "time.dt": 0.01, "checkpoint.every.steps": 10, "seed": 4}
    assert found[1] == {**found[0], "seed": 5}
    assert found[2] == {**found[0], "time.dt": 0.005, "checkpoint.every.steps": 20}
    assert found[4] == {**found[0], "solver.omega": 3.0}


def test_keys_of_listed_components_and_whole_lists(write_sweep: WriteSweep, registry: Registry) -> None:
    closures = [[{"type": "drag", "rate": 0.1}], [{"type": "noise"}], []]
    found = plan(load(write_sweep(grid={"closures": closures})), registry).members
    assert [member.scenario.count("[[closures]]") for member in found] == [1, 1, 0]
    path = write_sweep(scenario={"closures": [{"type": "drag"}]}, grid={"closures.0.rate": [0.25, 0.75]})
    found = plan(load(path), registry).members
    assert ["rate = 0.25" in member.scenario for member in found] == [True, False]


def test_draws_lie_between_their_bounds_and_do_not_depend_on_each_other(write_sweep: WriteSweep) -> None:
    keys: dict[str, Any] = {
        "solver.omega": {"min": 1e-3, "max": 1e3, "scale": "log"},
        "seed": {"min": 0, "max": 3, "integer": True},
        "time.dt": {"choices": [0.01, 0.005]},
    }
    many = list(parameters_of(load(write_sweep(random={"count": 400, "seed": 1, "keys": keys}))))
    assert len(many) == 400
    assert all(1e-3 <= found["solver.omega"] <= 1e3 for found in many)
    below_one = sum(found["solver.omega"] < 1.0 for found in many) / 400
    assert 0.4 < below_one < 0.6, "half of the logarithms lie below that of the middle"
    assert set(Counter(found["seed"] for found in many)) == {0, 1, 2, 3}
    assert {found["time.dt"] for found in many} == {0.01, 0.005}
    fewer = {"solver.omega": keys["solver.omega"]}
    assert [found["solver.omega"] for found in many[:50]] == [
        found["solver.omega"]
        for found in parameters_of(load(write_sweep(random={"count": 50, "seed": 1, "keys": fewer})))
    ]
    other = list(parameters_of(load(write_sweep(random={"count": 50, "seed": 2, "keys": fewer}))))
    assert other[0] != {"solver.omega": many[0]["solver.omega"]}


def test_draws_of_few_choices_differ(write_sweep: WriteSweep) -> None:
    keys = {"time.dt": {"choices": [0.01, 0.005]}, "seed": {"min": 1, "max": 3, "integer": True}}
    found = list(parameters_of(load(write_sweep(random={"count": 6, "keys": keys}))))
    assert len({(one["time.dt"], one["seed"]) for one in found}) == 6
    with pytest.raises(ScenarioError, match=r"random\.count: 7 different draws are asked for, .* gave 6"):
        list(parameters_of(load(write_sweep(random={"count": 7, "keys": keys}))))


def test_all_points_of_a_grid_see_the_same_draws(write_sweep: WriteSweep) -> None:
    path = write_sweep(
        grid={"time.dt": [0.01, 0.005]}, random={"count": 3, "keys": {"solver.omega": {"min": 1, "max": 2}}}
    )
    found = list(parameters_of(load(path)))
    assert [one["solver.omega"] for one in found[:3]] == [one["solver.omega"] for one in found[3:]]


def test_base_with_changes(write_sweep: WriteSweep, registry: Registry, tmp_path: Path) -> None:
    whole = write_sweep(seeds=[1])
    scenario = whole.read_text().split("seeds = [1]")[1].replace("[scenario.", "[").replace("[[scenario.", "[[")
    (tmp_path / "base.toml").write_text(scenario.replace("[scenario]\n", ""))
    (tmp_path / "child.toml").write_text(
        'base = "base.toml"\nscenario.time.end = 2.0\ngrid.solver.omega = [1.0, 2.0]\n'
    )
    found = plan(load(tmp_path / "child.toml"), registry).members
    assert len(found) == 2
    assert all("end = 2.0" in member.scenario and 'name = "child"' in member.scenario for member in found)


def test_a_base_that_is_missing_names_the_sweep(tmp_path: Path) -> None:
    path = tmp_path / "child.toml"
    path.write_text('base = "nowhere.toml"\nseeds = [1]\n')
    with pytest.raises(ScenarioError) as caught:
        load(path)
    assert str(caught.value) == f"{path}: base: {tmp_path / 'nowhere.toml'}: no such file"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ({}, "nothing varies"),
        ({"seeds": [1, 1]}, "a seed stands there twice"),
        ({"seeds": [1], "grid": {"seed": [1, 2]}}, "'seed' varies in two places"),
        ({"grid": {"solver": [{"type": "oscillators"}], "solver.omega": [1.0]}}, "lies within 'solver'"),
        ({"grid": {"solver.omega": []}}, r"grid.solver\.omega: a list of 0 has 0 entries|grid.solver.omega"),
        ({"grid": {"solver.omega": 3.0}}, "is not a list"),
        ({"linked": [{"solver.omega": [1.0, 2.0], "time.dt": [0.1]}]}, "equally long; solver.omega has 2, time.dt has"),
        ({"random": {"count": 2, "keys": {"time.dt": {"min": 1.0}}}}, "max is missing"),
        (
            {"random": {"count": 2, "keys": {"time.dt": {"min": 2.0, "max": 1.0}}}},
            r"random\.keys\.time\.dt: max = 1 is less than",
        ),
        (
            {"random": {"count": 2, "keys": {"a": {"b": {"min": 2.0, "max": 1.0}}}}},
            r"random\.keys\.a\.b: max = 1 is less",
        ),
        (
            {"random": {"count": 2, "keys": {"a": {"b": {"mim": 2.0}}}}},
            r"random\.keys\.a\.b\.mim: .* mean 'min'\? choose",
        ),
        ({"random": {"count": 2, "keys": {"a.b": 2.0}}}, r"random\.keys\.a\.b: 2\.0 is not a table"),
        ({"grid": {"solver": {"omega": 1e-3}}}, r"grid\.solver\.omega: 0\.001 is not a list"),
        ({"linked": [{"solver": {"omega": 1e-3}}]}, r"linked\.0\.solver\.omega: 0\.001 is not a list"),
        ({"random": {"count": 2, "keys": {"time.dt": {"min": 0, "max": 1.0, "scale": "log"}}}}, "no logarithm"),
        ({"random": {"count": 2, "keys": {"time.dt": {"mean": 0}}}}, "mean: unknown key"),
        ({"random": {"count": 2}}, "random.keys: missing"),
        ({"random": {"count": 10**9, "keys": {"time.dt": {"min": 0, "max": 1.0}}}}, "random.count: 1000000000 is gr"),
        ({"grid": {"a": [0] * 1000, "b": [0] * 1000}}, "1000000 members; a sweep has 100000 at most"),
        ({"seeds": [1], "split": {"train": 0.5}}, "the shares add up to 0.5, not to 1"),
        ({"seeds": [1], "split": {"train": 1.5, "test": -0.5}}, "a share lies between 0 and 1"),
        ({"seeds": [1], "split": {"test": {"solver.omega": [1]}, "train": 1.0}}, "'solver.omega' does not vary"),
        ({"seeds": [1], "figure": {"x": "time.dt"}}, "'time.dt' does not vary in this sweep; choose from seed"),
        ({"seeds": [1], "tabel": {}}, "did you mean 'table'?"),
        ({"seeds": [1], "table": {"e": {"of": "modulos.modulus"}}}, "did you mean 'modulus'?"),
        ({"seeds": [1], "table": {"e": {"of": "modulus.modulos"}}}, "table.e.of: 'modulus' has no .* mean 'modulus'?"),
        ({"seeds": [1], "table": {"e": {"of": "modulus.y"}}}, "'modulus.y' does not pick one number; 'y' has .* x"),
        ({"seeds": [1], "table": {"e": {"of": "modulus.modulus[0]"}}}, "'modulus' is one number, without an index"),
        ({"seeds": [1], "table": {"e": {"of": "modulus.y[a]"}}}, "does not read label.variable or label"),
        ({"seeds": [1], "figure": {"y": ["modlus"]}}, r"figure.y: .* no column 'modlus'; choose from wall \[s\]"),
        ({"seeds": [1], "figure": {"log": ["X"]}}, "figure.log: the table has no column 'X'; did you mean 'x'?"),
        (
            {
                "seeds": [1],
                "scenario": {"expect": {"e": {"of": "modulus.mod", "value": 1.0, "abs": 0.1, "source": "theory"}}},
            },
            "expect.e.of: 'modulus' has no variable 'mod'",
        ),
        ({"grid": {"solver.omgea": [1.0]}}, r"solver.omgea: unknown key.*member with solver.omgea = 1"),
        ({"grid": {"solver.omega": [1.0, 1.0]}}, "two members are the same run"),
    ],
)
def test_mistakes_are_plain_lines(
    write_sweep: WriteSweep, registry: Registry, content: dict[str, Any], problem: str
) -> None:
    path = write_sweep(**content)
    with pytest.raises(ScenarioError, match=problem) as caught:
        plan(load(path), registry)
    assert all(line.startswith(str(path)) for line in caught.value.problems)


def test_columns_that_exist_pass(write_sweep: WriteSweep, registry: Registry) -> None:
    table = {"e": {"of": "modulus.modulus"}, "y": {"of": "modulus.y[4]"}, "t": {"of": "modulus.time"}}
    figure = {"y": ["e", "wall [s]"], "log": ["x", "y", "seed"]}
    assert len(plan(load(write_sweep(seeds=[1, 2], table=table, figure=figure)), registry).members) == 2


def test_a_first_member_that_cannot_be_set_up_stops_no_other(write_sweep: WriteSweep, registry: Registry) -> None:
    path = write_sweep(
        grid={"output": [{"quantities": ["nothing"], "every": {"steps": 10}}, {}]},
        table={"e": {"of": "modulus.modulus"}},
    )
    assert len(plan(load(path), registry).members) == 2


def test_a_problem_of_many_members_is_told_once(write_sweep: WriteSweep, registry: Registry) -> None:
    path = write_sweep(grid={"seed": list(range(6)), "solver.omga": [1.0]})
    with pytest.raises(ScenarioError) as caught:
        plan(load(path), registry)
    (line,) = caught.value.problems
    assert "solver.omga: unknown key; did you mean 'omega'?" in line
    assert line.endswith("(all 6 members)")
    path = write_sweep(grid={"seed": [1, 2], "solver.omega": [1.0, "fast", "slow"]})
    with pytest.raises(ScenarioError) as caught:
        plan(load(path), registry)
    fast, slow = caught.value.problems
    assert fast.endswith("'fast' is not a number (2 of 6 members, the first with seed = 1, solver.omega = fast)")
    assert "'slow'" in slow
    path = write_sweep(grid={"seed": list(range(5000)), "solver.omga": [1.0]})
    with pytest.raises(ScenarioError, match="200 or more of 5000 members"):
        plan(load(path), registry)


def test_problems_that_differ_by_numbers_only_are_told_once(write_sweep: WriteSweep, registry: Registry) -> None:
    fixed = {"time": {"dt": 0.03}, "integrator": {"type": "ab2"}}
    path = write_sweep(grid={"time.end": [1.0, 1.1, 1.2, 1.3, 1.4, 1.6, 1.7]}, scenario=fixed)
    with pytest.raises(ScenarioError) as caught:
        plan(load(path), registry)
    of_dt = [line for line in caught.value.problems if ": time.dt: " in line]
    assert len(of_dt) == 1
    assert "0.03 does not divide the span 1 from start" in of_dt[0]
    assert of_dt[0].endswith("(6 of 7 members, the first with time.end = 1; the numbers of the others differ)")


def test_a_scenario_or_a_comparison_is_no_sweep(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("[solver]\n")
    with pytest.raises(ScenarioError, match="is a scenario, which 'subgrid run' takes"):
        load(tmp_path / "a.toml")
    (tmp_path / "b.toml").write_text("variants = []\n")
    with pytest.raises(ScenarioError, match="is a comparison"):
        load(tmp_path / "b.toml")


def test_overrides_change_the_file(write_sweep: WriteSweep) -> None:
    path = write_sweep(random={"count": 3, "keys": {"solver.omega": {"min": 1, "max": 2}}})
    assert load(path, ["random.count=9"]).options.member_count == 9


@pytest.mark.parametrize("count", [1, 2, 7, 10, 101])
def test_shares_are_as_close_as_whole_members_are(count: int) -> None:
    options = SplitOptions(train=0.7, validation=0.2, test=0.1)
    parts = Counter(split(options, [{"seed": seed} for seed in range(count)]))
    assert sum(parts.values()) == count
    for part, share in options.shares.items():
        assert abs(parts[part] - share * count) < 1.0


def test_members_that_belong_together_share_a_part() -> None:
    options = SplitOptions(train=0.5, test=0.5, together=("omega",))
    combinations = [{"omega": omega, "seed": seed} for omega in range(20) for seed in range(3)]
    parts = split(options, combinations)
    by_omega: dict[int, set[str]] = {}
    for combination, part in zip(combinations, parts, strict=True):
        by_omega.setdefault(combination["omega"], set()).add(part)
    assert all(len(found) == 1 for found in by_omega.values())
    assert Counter(parts) == {"train": 30, "test": 30}
    assert parts != split(options.model_copy(update={"seed": 1}), combinations)


def test_values_claim_members_and_the_rest_is_shared() -> None:
    options = SplitOptions.model_validate({"test": {"omega": [3, 4]}, "train": 0.75, "validation": 0.25})
    combinations = [{"omega": omega, "seed": seed} for omega in range(5) for seed in range(4)]
    parts = split(options, combinations)
    for combination, part in zip(combinations, parts, strict=True):
        assert (part == "test") == (combination["omega"] >= 3)
    assert Counter(parts) == {"test": 8, "train": 9, "validation": 3}
    with pytest.raises(ScenarioError, match="no part takes the member with omega = 0"):
        split(SplitOptions.model_validate({"test": {"omega": [3]}}), combinations)


def test_members_keep_their_folders_when_the_file_grows(
    write_sweep: WriteSweep, registry: Registry, tmp_path: Path
) -> None:
    one = plan(load(write_sweep(grid={"solver.omega": [1.0, 2.0]})), registry).members
    placed, left = with_folders(one, tmp_path / "members")
    assert [member.folder.name for member in placed] == ["0000", "0001"]
    assert left == []
    for member in placed:
        member.folder.mkdir(parents=True)
        (member.folder / "scenario.toml").write_text(member.scenario)
    more = plan(load(write_sweep(grid={"solver.omega": [0.5, 2.0, 3.0]})), registry).members
    placed, left = with_folders(more, tmp_path / "members")
    assert [member.folder.name for member in placed] == ["0002", "0001", "0003"]
    assert [path.name for path in left] == ["0000"]


@pytest.mark.parametrize("path", sorted((Path(__file__).parents[3] / "scenarios" / "sweeps").glob("*.toml")), ids=str)
def test_sweeps_that_ship_are_valid(path: Path, registry: Registry) -> None:
    found = plan(load(path), registry)
    assert len(found.members) == load(path).options.member_count
    assert path.read_text().startswith("# ")


def test_sweep_of_the_documentation_is_valid(registry: Registry, tmp_path: Path) -> None:
    root = Path(__file__).parents[3]
    text = (root / "docs" / "sweeps.md").read_text().split("```toml\n")[1].split("```")[0]
    (tmp_path / "sweep.toml").write_text(text.replace('"../turbulence_2d', f'"{root}/scenarios/turbulence_2d'))
    options = load(tmp_path / "sweep.toml").options
    assert options.member_count == 2 * 2 * 2 * 20 * 3
    found = plan(load(tmp_path / "sweep.toml", ["random.count=1"]), registry)
    assert {member.part for member in found.members} == {"train", "validation", "test"}


def test_a_sweep_is_no_scenario(write_sweep: WriteSweep, registry: Registry) -> None:
    with pytest.raises(ScenarioError, match="is a sweep, which 'subgrid sweep' takes"):
        load_scenario(write_sweep(seeds=[1]), registry)

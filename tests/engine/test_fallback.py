"""A closure that misbehaves: another answers in its place, and ledger, provenance and log say so."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from subgrid import checkpoint
from subgrid.assembly import assemble, initialise
from subgrid.errors import InadmissibleError, ScenarioError
from subgrid.loop import Ledger, advance
from subgrid.output import RunFolder
from subgrid.registry import Registry
from subgrid.run import resume, run
from subgrid.scenario import Scenario, parse, to_data
from subgrid.schema import json_schema
from subgrid.testing.in_run import NoRecorder

TOY = Path(__file__).parent / "toy"


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Registry:
    monkeypatch.syspath_prepend(str(TOY))
    return Registry.load()


def scenario(registry: Registry, *closures: dict[str, Any], **changes: Any) -> Scenario:
    data: dict[str, Any] = {
        "name": "oscillators",
        "mesh": {"type": "grid", "shape": [5], "length": [1.0]},
        "initial": {"type": "ones"},
        "solver": {"type": "oscillators", "omega": 2.0},
        "integrator": {"type": "rk4"},
        "time": {"end": 2.0, "dt": 0.01},
        "closures": list(closures),
    }
    return parse({**data, **changes}, registry, Path("."))


def final(folder: Path) -> dict[str, bytes]:
    return {path: values.tobytes() for path, values in checkpoint.latest(folder / "checkpoints")[0].arrays.items()}


DRAG = {"type": "drag", "rate": 0.5}


@pytest.mark.parametrize("closure", [{"type": "glitch"}, {"type": "timid"}])
def test_the_fall_back_answers_for_the_evaluations_that_fail(
    tmp_path: Path, registry: Registry, closure: dict[str, Any]
) -> None:
    """The toy closures are drag where they work, so that with drag behind them nothing is lost."""
    run(scenario(registry, {**closure, "fallback": DRAG}), tmp_path / "saved", registry)
    run(scenario(registry, DRAG), tmp_path / "drag", registry)
    assert final(tmp_path / "saved") == final(tmp_path / "drag")
    costs, provenance = RunFolder(tmp_path / "saved").costs(), RunFolder(tmp_path / "saved").provenance()
    taken = provenance["fallbacks"][closure["type"]]
    assert 100 < costs["fallbacks"][closure["type"]] == taken["count"] == costs["closure_calls"]["drag"] < 800
    assert taken["answered_by"] == "drag"
    assert 0.0 < taken["first_time"] < 1.2
    lines = (tmp_path / "saved" / "run.log").read_text().splitlines()
    assert sum("'drag' answers in its place" in line for line in lines) == 1
    assert "closure/drag/drag" in provenance["components"]


def test_nothing_is_told_where_nothing_happened(tmp_path: Path, registry: Registry) -> None:
    run(scenario(registry, {**DRAG, "fallback": {"type": "drag", "rate": 9.0}}), tmp_path / "run", registry)
    assert RunFolder(tmp_path / "run").costs()["fallbacks"] == {}
    assert "fallbacks" not in RunFolder(tmp_path / "run").provenance()


def test_weight_and_sum_belong_to_the_answer_whoever_gives_it(registry: Registry, tmp_path: Path) -> None:
    half = {"type": "glitch", "below": 9.0, "weight": 0.5, "fallback": {"type": "drag", "rate": 1.0}}
    run(scenario(registry, half, {"type": "drag", "label": "other", "rate": 0.25}), tmp_path / "sum", registry)
    run(scenario(registry, {"type": "drag", "rate": 0.75}), tmp_path / "one", registry)
    one, two = (checkpoint.latest(tmp_path / name / "checkpoints")[0].arrays["fields/y"] for name in ("sum", "one"))
    np.testing.assert_allclose(one, two, rtol=1e-14)


def test_a_slot_says_what_is_admissible_and_the_run_stops_without_fall_back(tmp_path: Path, registry: Registry) -> None:
    bounded = {"solver": {"type": "oscillators", "omega": 2.0, "bound": 2.0}}
    wild = {"type": "glitch", "answer": 3.0}
    message = (
        r"^step \d+, t = [\d.]+: closure 'glitch' of .*: its answer to 'damping' is not admissible "
        r"\(\|answer\| <= bound\), first at index \(0,\); it has no fallback = \{type = \.\.\.\}; last good "
    )
    with pytest.raises(InadmissibleError, match=message) as caught:
        run(scenario(registry, wild, **bounded), tmp_path / "wild", registry)
    assert caught.value.exit_code == 5
    assert "\n" not in str(caught.value)
    with pytest.raises(InadmissibleError, match="is not finite, first at index"):
        run(scenario(registry, {"type": "glitch"}, **bounded), tmp_path / "nan", registry)
    run(scenario(registry, {**wild, "fallback": DRAG}, **bounded), tmp_path / "saved", registry)
    run(scenario(registry, DRAG), tmp_path / "drag", registry)
    assert final(tmp_path / "saved") == final(tmp_path / "drag")


def test_a_fall_back_may_have_one_of_its_own(tmp_path: Path, registry: Registry) -> None:
    chain = {"type": "glitch", "fallback": {"type": "glitch", "answer": 5.0, "fallback": DRAG}}
    bounded = {"solver": {"type": "oscillators", "omega": 2.0, "bound": 2.0}}
    chosen = scenario(registry, chain, **bounded)
    assert [choice.label for choice in chosen.closures[0].chain()] == ["glitch", "glitch_2", "drag"]
    assert to_data(parse(to_data(chosen), registry, Path("."))) == to_data(chosen)
    run(chosen, tmp_path / "chain", registry)
    counts = RunFolder(tmp_path / "chain").costs()["fallbacks"]
    assert counts["glitch"] == counts["glitch_2"] > 0


def test_out_of_range_without_fall_back_is_one_warning(tmp_path: Path, registry: Registry) -> None:
    run(scenario(registry, {"type": "timid"}), tmp_path / "run", registry)
    assert RunFolder(tmp_path / "run").provenance()["warnings"] == {"timid": "an oscillator is on the left"}
    lines = (tmp_path / "run" / "run.log").read_text().splitlines()
    assert (
        sum("warning" in line and "used outside its range: an oscillator is on the left" in line for line in lines) == 1
    )


def test_resumed_runs_have_the_same_bits_and_add_up_their_counts(tmp_path: Path, registry: Registry) -> None:
    chosen = scenario(registry, {"type": "glitch", "fallback": {"type": "noise"}})
    run(chosen, tmp_path / "whole", registry)
    run(chosen, tmp_path / "parts", registry, stop_after=120)
    resume(tmp_path / "parts", registry)
    assert final(tmp_path / "whole") == final(tmp_path / "parts")
    whole, parts = (RunFolder(tmp_path / name) for name in ("whole", "parts"))
    assert whole.costs()["fallbacks"] == parts.costs()["fallbacks"]
    assert whole.provenance()["fallbacks"] == parts.provenance()["fallbacks"]


@pytest.mark.parametrize("mad", ["mad_wind", "compiled_mad_wind"])
def test_over_particles_what_a_refused_update_wrote_is_taken_back(tmp_path: Path, registry: Registry, mad: str) -> None:
    def dust(fine: dict[str, Any]) -> Scenario:
        return scenario(
            registry,
            {**fine, "slot": "push/fine"},
            {"type": "wind", "label": "coarse_wind", "slot": "push/coarse"},
            solver={"type": "dust"},
            initial={"type": "grains"},
            integrator={"type": "own"},
            time={"end": 0.2, "dt": 0.01},
        )

    run(dust({"type": mad, "fallback": {"type": "wind"}}), tmp_path / "saved", registry)
    saved = checkpoint.latest(tmp_path / "saved" / "checkpoints")[0].arrays
    # 1.01^n passes 1.05 at n = 5: from there on the gusts of the mad wind stay, and those of the other begin to grow
    np.testing.assert_allclose(saved[f"particles/fine/{mad}.gust"], 1.01**4, rtol=1e-14)
    np.testing.assert_allclose(saved["particles/fine/wind.gust"], 1.01**16, rtol=1e-14)
    assert RunFolder(tmp_path / "saved").costs()["fallbacks"] == {mad: 16}
    assert np.isfinite(saved["particles/fine/position"]).all()


def test_torch_runs_fall_back_and_stay_differentiable(registry: Registry) -> None:
    torch = pytest.importorskip("torch")
    data = to_data(scenario(registry, {"type": "glitch", "fallback": DRAG}))
    simulation = assemble(parse({**data, "backend": {"name": "torch"}}, registry, Path(".")), registry)
    initialise(simulation, registry)
    with torch.no_grad():
        advance(simulation, NoRecorder(), Ledger())
    assert simulation.closures.fallbacks["glitch"].count > 100
    y = torch.full((5,), -2.0 + 0.0j, dtype=torch.complex128, requires_grad=True)
    answer = simulation.closures("damping", {"y": y})
    answer.real.sum().backward()
    np.testing.assert_allclose(y.grad.numpy(), -0.5)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"type": "drga"}, r"closures\.0\.fallback\.type: no closure is called 'drga'"),
        ({"type": "drag", "weight": 2.0}, r"closures\.0\.fallback\.weight: unknown key"),
        ({"rate": 2.0}, r"closures\.0\.fallback\.type: missing"),
        ("drag", r"closures\.0\.fallback: 'drag' is not a table"),
        ({"type": "drag", "label": "glitch"}, r"is the label of closures\.0 already"),
    ],
)
def test_mistakes_are_told_with_their_place(registry: Registry, table: Any, message: str) -> None:
    with pytest.raises(ScenarioError, match=message):
        scenario(registry, {"type": "glitch", "label": "glitch", "fallback": table})


def test_a_fall_back_must_answer_the_same_slot(registry: Registry) -> None:
    with pytest.raises(ScenarioError, match=r"closures \(wind\): 'wind' answers push"):
        assemble(scenario(registry, {"type": "glitch", "fallback": {"type": "wind"}}), registry)


def test_editors_know_the_key(registry: Registry) -> None:
    table = json_schema(registry)["$defs"]["closure.glitch"]["properties"]["fallback"]
    assert table == {"$ref": "#/$defs/closure"}

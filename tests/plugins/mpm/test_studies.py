"""Long studies of material points: ``pytest -m slow -s tests/plugins/mpm/test_studies.py``."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from subgrid.loop import Ledger, advance
from subgrid.output import RunFolder
from subgrid.registry import Registry
from subgrid.run import run
from subgrid.scenario import load
from subgrid.testing.in_run import NoRecorder

from .second_code import disks as second_code

ROOT = Path(__file__).parents[3] / "scenarios" / "material_points"

Study = Callable[..., RunFolder]


@pytest.fixture
def study(registry: Registry, tmp_path: Path) -> Study:
    """``study(file, overrides)``: the finished run of a scenario."""

    def finished(name: str, overrides: list[str]) -> RunFolder:
        folder = tmp_path / f"run{len(list(tmp_path.iterdir()))}"
        run(load(ROOT / name, registry, [*overrides, "expect={}"]), folder, registry)
        return RunFolder(folder)

    return finished


DISKS = {20: (0.655, 0.0014, 0.84), 40: (0.794, 0.0068, 0.90), 80: (0.871, 0.0186, 0.94)}
"""Kinetic energy kept, least kinetic energy and largest stored energy over the first kinetic energy, by cells a unit
length. The least is that of a second MLS-MPM in NumPy; a third code has 0.004, 0.017, 0.047."""


THRESHOLDS = (1e-6, 1e-4, 1e-3, 1e-2)
"""Stored over first kinetic energy: whether two disks touch is a matter of degree."""


def disks(study: Study, cells: int) -> dict[str, float]:
    """A run of the two disks as two materials: energies, when they touch, and how long they push each other."""
    body = "{{shape='ball', center=[{0}, {0}], radius=0.2, velocity=[{1}, {1}], material='{2}'}}"
    law = "{{type='fixed_corotated', young_modulus=1000.0, poisson_ratio=0.3, slot='stress/{}'}}"
    totals = "{{type='material_totals', label='{}', materials={}, every={{steps=1}}}}"
    folder = study(
        "elastic_disks.toml",
        [
            f"mesh.shape=[{round(1.6 * cells)}, {round(1.6 * cells)}]",
            f"time.dt={0.172 / cells}",
            "solver.materials=['one', 'other']",
            f"initial.bodies=[{body.format(0.2, 0.1, 'one')}, {body.format(0.8, -0.1, 'other')}]",
            f"closures=[{law.format('one')}, {law.format('other')}]",
            f"observers=[{totals.format('totals', ['one', 'other'])}, {totals.format('one', ['one'])}]",
            "output={}",
        ],
    )
    both = folder.series("totals")
    time, kinetic, stored = both["time"], both["kinetic_energy"], both["stored_energy"]
    start = kinetic[0]
    momentum = folder.series("one")["momentum"].sum(axis=1)
    exchanged = np.maximum.accumulate((momentum[0] - momentum) / (momentum[0] - momentum[-1]))
    first, last = np.interp([0.01, 0.99], exchanged, time)
    return {
        "kept": kinetic[-1] / start,
        "least": kinetic.min() / start,
        "strain": stored.max() / start,
        "drift": np.abs(both["momentum"]).max(),
        "duration": last - first,
        **{f"contact {share:g}": time[np.argmax(stored > share * start)] for share in (1e-6, 1e-4, 1e-3, 1e-2)},
    }


def gap(time: float, cells: int) -> float:
    """Cells between the two circles of the disks at a time before they touch, at 1.586 s."""
    return (math.sqrt(2.0) * (0.6 - 0.2 * time) - 0.4) * cells


@pytest.mark.slow
def test_disks_touch_before_they_meet_and_lose_less_energy_the_finer_the_grid(study: Study) -> None:
    """Energies against other MLS-MPM codes, momentum, and contact 1.4 to 2.1 cells early.

    Particles share nodes as soon as they are nearer than three cells along both axes, at first with next to no weight,
    so that contact has no instant: its time is that of a threshold, and comes to 1.586 s with the grid. 1.43 s at 40
    cells is where the stored energy passes a thousandth of the kinetic energy.
    """
    found = {cells: disks(study, cells) for cells in DISKS}
    for cells, result in found.items():
        gaps = [f"{gap(result[name], cells):.2f}" for name in result if name.startswith("contact")]
        print(cells, {name: round(float(value), 4) for name, value in result.items()}, f"gaps {', '.join(gaps)} cells")
    for cells, (kept, least, strain) in DISKS.items():
        result = found[cells]
        assert result["kept"] == pytest.approx(kept, abs=0.02)
        assert result["least"] == pytest.approx(least, abs=0.001)
        assert result["strain"] == pytest.approx(strain, abs=0.02)
        assert result["drift"] < 1e-9
        assert 1.4 < gap(result["contact 0.001"], cells) < 2.1
    assert found[40]["contact 0.001"] == pytest.approx(1.43, abs=0.03)
    late = [1.586 - found[cells]["contact 0.001"] for cells in DISKS]
    assert late[0] > 1.8 * late[1] > 1.8**2 * late[2]
    duration = [found[cells]["duration"] for cells in DISKS]
    assert duration[0] - duration[1] > 2.0 * (duration[1] - duration[2]) > 0.0


@pytest.mark.slow
@pytest.mark.parametrize(("across", "amplitude", "period"), [(4, 1.028, 1.040), (8, 1.017, 1.026), (16, 1.013, 1.021)])
def test_cantilever_swings_as_beam_theory_says(study: Study, across: int, amplitude: float, period: float) -> None:
    """First maximum over twice Timoshenko's static deflection, twice its time over the period of Euler's beam."""
    h = 0.1 / across
    clamp, length = 3 * h, 0.8
    folder = study(
        "cantilever.toml",
        [
            f"mesh.shape=[{3 * across}, {10 * across}]",
            f"initial.bodies=[{{center=[{0.1 + 0.5 * (length - clamp)}, 0.2], size=[{length + clamp}, 0.1]}}]",
            "observers=[{type='material_extent', label='extent', every={time=0.002}}]",
        ],
    )
    extent = folder.series("extent")
    fall = extent["bottom"][0] - extent["bottom"]
    peak = int(np.argmax(fall))
    parabola = np.polyfit(extent["time"][peak - 5 : peak + 6], fall[peak - 5 : peak + 6], 2)
    top = -0.5 * parabola[1] / parabola[0]
    E, g, rho = 1e6 / (1.0 - 0.3**2), 0.2862, 1000.0  # of plane strain
    load_, inertia, shear = rho * g * 0.1, 0.1**3 / 12.0, 1e6 / 2.6 * 5.0 / 6.0 * 0.1
    static = load_ * length**4 / (8.0 * E * inertia) + load_ * length**2 / (2.0 * shear)
    first = 2.0 * math.pi * length**2 / 1.8751**2 * math.sqrt(rho * 0.1 / (E * inertia))
    print(f"{across} cells: amplitude {np.polyval(parabola, top) / (2.0 * static):.4f}, period {2.0 * top / first:.4f}")
    assert np.polyval(parabola, top) / (2.0 * static) == pytest.approx(amplitude, abs=0.01)
    assert 2.0 * top / first == pytest.approx(period, abs=0.01)


@pytest.mark.slow
@pytest.mark.parametrize("cells", [20, 40])
def test_a_second_code_sees_the_disks_touch_at_the_same_times(study: Study, cells: int) -> None:
    """Energies within 0.002 of the start and times of contact within two steps of 0.172 dx s."""
    found, second = disks(study, cells), second_code(cells)
    energies = {"kept": second["kinetic"][-1], "least": second["kinetic"].min(), "strain": second["stored"].max()}
    for name, value in energies.items():
        print(f"{cells} {name}: {found[name]:.4f}, second code {value:.4f}")
        assert found[name] == pytest.approx(value, abs=0.002)
    for share in THRESHOLDS:
        time = second["time"][np.argmax(second["stored"] > share)]
        print(f"{cells} contact at {share:g}: {found[f'contact {share:g}']:.4f}, second code {time:.4f}")
        assert found[f"contact {share:g}"] == pytest.approx(time, abs=2 * 0.172 / cells)


MARTIN_MOYCE = np.array([
    (0.832, 1.217), (1.219, 1.474), (1.997, 2.292), (2.547, 2.995), (3.345, 4.134),
])  # fmt: skip
"""T and Z of the column of 2.25 inches, as far as the run goes."""


@pytest.mark.slow
def test_dam_break_follows_martin_and_moyce_after_a_shift_of_time(study: Study) -> None:
    """Z(T) within 1.5 % of another MLS-MPM at a/dx = 32; RMS from the experiment at most 3 % after one shift."""
    folder = study("dam_break.toml", ["time.end=2.7",
        "observers=[{type='material_extent', label='extent', every={time=0.01}}]"])  # fmt: skip
    extent = folder.series("extent")
    T, Z = extent["time"] * math.sqrt(2.0), extent["front"]
    ours = np.interp([0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.3], T, Z)
    card = np.array([1.145, 1.547, 2.067, 2.665, 3.341, 4.089, 4.566])
    shifts = np.linspace(0.0, 0.5, 101)
    rms = [np.sqrt(np.mean((np.interp(MARTIN_MOYCE[:, 0] - s, T, Z) / MARTIN_MOYCE[:, 1] - 1.0) ** 2)) for s in shifts]
    speed = np.polyfit(T[(T > 1.5) & (T < 3.2)], Z[(T > 1.5) & (T < 3.2)], 1)[0]
    print(
        f"Z {np.round(ours, 3)}, over the other code {np.round(ours / card, 3)}; "
        f"shift {shifts[np.argmin(rms)]:.3f}, RMS {min(rms):.4f} (unshifted {rms[0]:.3f}), speed {speed:.3f}"
    )
    np.testing.assert_allclose(ours, card, rtol=0.015)
    assert min(rms) < 0.03
    assert speed == pytest.approx(1.38, abs=0.04)


@pytest.mark.slow
def test_dam_break_runs_like_smoothed_particles(study: Study) -> None:
    """Fronts of two methods that share no more than the column and its walls: within 2 % for T = 2 to 3.3."""
    T = np.array([1.0, 1.5, 2.0, 2.25, 2.5, 2.75, 3.0, 3.3])
    fronts = []
    for name, gravity, observer in (
        ("material_points", 1.0, "material_extent"),
        ("smoothed_particles", 9.81, "fluid_extent"),
    ):
        scale = math.sqrt(2.0 * gravity)
        extent = study(
            f"../{name}/dam_break.toml",
            [
                f"time.end={3.4 / scale}",
                f"observers=[{{type='{observer}', label='extent', every={{time={0.05 / scale}}}}}]",
                "output={}",
            ],
        ).series("extent")
        fronts.append(np.interp(T, extent["time"] * scale, extent["front"]))
    ratio = fronts[0] / fronts[1]
    print(f"T {T}: Z {np.round(fronts[0], 3)} and {np.round(fronts[1], 3)}, ratio {np.round(ratio, 4)}")
    assert np.abs(ratio[T >= 2.0] - 1.0).max() < 0.02


COLUMNS = [
    (0.5, 30.0, 0.53, 0.49), (1.0, 30.0, 1.46, 0.84), (2.0, 30.0, 2.98, 1.07), (4.0, 30.0, 5.49, 1.18),
    (1.0, 22.0, 2.01, 0.69), (1.0, 40.0, 0.98, 0.95),
]  # fmt: skip
"""Aspect ratio, friction angle, run-out (99.5 % of the sand) and height of another MLS-MPM with the same model."""


def column(study: Study, ratio: float, angle: float) -> dict[str, Any]:
    """Run-out, height and time of rest of a column one metre wide, and the slope of its flank."""
    n = 24 if ratio < 4.0 else 20
    reach = 1.5 + {0.5: 1.0, 1.0: 2.5, 2.0: 3.7, 4.0: 6.3}[ratio]
    tau = math.sqrt(ratio / 9.81)
    folder = study(
        "granular_column.toml",
        [
            f"mesh.shape=[{round((ratio + 0.25) * n)}, {round(reach * n)}]",
            f"mesh.length=[{round((ratio + 0.25) * n) / n}, {round(reach * n) / n}]",
            f"initial.bodies=[{{center=[0.5, {0.5 * ratio}], size=[1.0, {ratio}], density=1500.0}}]",
            f"closures=[{{type='drucker_prager', young_modulus=1e6, poisson_ratio=0.3, friction_angle={angle}}}]",
            f"observers=[{{type='material_extent', label='extent', quantile=0.995, every={{time={0.02 * tau}}}}}]",
            f"time.end={6.0 * tau}",
            f"output={{every={{time={6.0 * tau}}}, quantities=['material_position']}}",
        ],
    )
    extent = folder.series("extent")
    runout = extent["front"] - 1.0
    stop = extent["time"][np.argmax(runout > 0.99 * runout[-1])] / tau
    position = folder.frame("material_position", -1)
    edges = np.arange(0.0, reach, 2.0 / n)
    surface = np.array([
        position[(position[:, 0] >= a) & (position[:, 0] < a + 2.0 / n), 1].max(initial=0.0) for a in edges
    ])  # fmt: skip
    flank = (surface > 0.25 * surface.max()) & (surface < 0.75 * surface.max())
    slope = -math.degrees(math.atan(np.polyfit(edges[flank], surface[flank], 1)[0])) if flank.sum() > 2 else math.nan
    return {"runout": runout[-1], "height": extent["height"][-1], "stop": stop, "slope": slope}


@pytest.mark.slow
def test_columns_of_sand_run_out_by_their_aspect_ratio(study: Study) -> None:
    """Another MLS-MPM within 8 %; longer for taller columns, first in proportion and then less (Lube et al. 2005:
    1.2 a below 2.3 and 1.9 a^(2/3) above; Lajeunesse et al. 2005), shorter with more friction, at rest after 3 to 4
    sqrt(H/g). A model without rate effects runs further than experiments, by some 20 % and more with tall columns."""
    found = {}
    for ratio, angle, runout, height in COLUMNS:
        found[ratio, angle] = column(study, ratio, angle)
        law = 1.2 * ratio if ratio < 2.3 else 1.9 * ratio ** (2.0 / 3.0)
        print(f"a {ratio}, phi {angle}: {found[ratio, angle]}; other code {runout}, {height}; experiments {law:.2f}")
    for ratio, angle, runout, height in COLUMNS:
        assert found[ratio, angle]["runout"] == pytest.approx(runout, rel=0.08)
        assert found[ratio, angle]["height"] == pytest.approx(height, rel=0.08)
    growth = [found[a, 30.0]["runout"] / a for a in (1.0, 2.0, 4.0)]
    assert growth[2] < growth[0]
    assert found[1.0, 40.0]["runout"] < found[1.0, 30.0]["runout"] < found[1.0, 22.0]["runout"]


@pytest.mark.slow
@pytest.mark.parametrize("angle", [25.0, 30.0])
def test_a_layer_of_sand_slides_beyond_its_angle(make: Any, angle: float) -> None:
    """An endless slope 16 cells thick rests at one degree below atan(sin(phi)) and slides at one above."""
    critical = math.degrees(math.atan(math.sin(math.radians(angle))))
    speeds = []
    for tilt in (critical - 1.0, critical + 1.0):
        times = np.linspace(0.0, 1.0, 21)
        values = [[9.81 * math.sin(math.radians(tilt * t)), -9.81 * math.cos(math.radians(tilt * t))] for t in times]
        simulation = make(
            [{"center": [0.1, 0.4], "size": [0.2, 0.8], "density": 1500.0}],
            [{"type": "drucker_prager", "young_modulus": 1e6, "poisson_ratio": 0.3, "friction_angle": angle}],
            mesh={"shape": [20, 4], "length": [1.0, 0.2], "boundaries": {"y": "wall"}},
            solver={
                "gravity": {"times": times.tolist(), "values": values},
                "walls": {"y": {"low": {"type": "sticky"}}},
            },
            time={"end": 3.0, "dt": 4e-4},
        )
        advance(simulation, NoRecorder(), Ledger())
        particles = simulation.state.particles["material"]
        speeds.append(float(particles["velocity"][:, 0].mean()))
    excess = 9.81 * 2.0 * math.sin(math.radians(1.0))
    print(f"phi {angle}: critical {critical:.2f}, speeds after two seconds {speeds}, free {excess:.2f}")
    assert abs(speeds[0]) < 0.02
    assert speeds[1] > 0.1

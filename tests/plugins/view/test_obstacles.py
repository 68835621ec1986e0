"""What takes cells from the medium is in the run folder and in every picture, whichever solver says so."""

from pathlib import Path

import numpy as np
import pytest

from subgrid.mesh import Grid
from subgrid.output import OBSTACLES, RunFolder
from subgrid.protocols import Quantity
from subgrid.registry import Registry
from subgrid.run import run
from subgrid.scenario import parse

PLANE = Grid((20, 32), (1.0, 1.6), offset=0.5)


def stood(path: Path, hand_made, masks: list[np.ndarray], mesh: Grid, name: str = "obstacle") -> Path:
    """A run by hand of a field that grows along x, with a mask for each frame."""
    made = hand_made(path, mesh, {"c": Quantity(mesh.axes)}, {"c": mesh.shape}, "blocked", name)
    for time, mask in enumerate(masks):
        made.add(float(time), mask, c=np.broadcast_to(mesh.coordinates()[-1], mesh.shape))
    return made.finish()


def is_grey(colour: np.ndarray) -> bool:
    return int(colour.max()) - int(colour.min()) < 30 and 90 < colour.mean() < 180


@pytest.mark.parametrize("style", ["volume", "slices", "isosurfaces"])
def test_bodies_in_space_are_seen(rendering, hand_made, style: str, tmp_path: Path) -> None:
    from subgrid_view.figure import Figure, Look, Timeline, rows_of
    from subgrid_view.reading import Source

    mesh = Grid((10, 11, 12), (1.0, 1.1, 1.2), offset=0.5)
    z, y, x = mesh.meshgrid()
    ball = ((x - 0.6) ** 2 + (y - 0.55) ** 2 + (z - 0.5) ** 2 < 0.1).astype(float)
    seen = []
    for name, mask in (("with", ball), ("without", 0.0 * ball)):
        source = Source(stood(tmp_path / name, hand_made, [mask], mesh))
        timeline = Timeline.of([source], [0])
        look = Look(style=style, levels=(0.9,))
        drawn = Figure([source], rows_of([source], look, timeline), look, timeline)
        drawn.show(0)
        seen.append(drawn.pixels().astype(int))
        drawn.close()
    changed = abs(seen[0] - seen[1]).max(axis=2) > 20
    assert 0.01 < changed.mean() < 0.3


def test_dry_ground_and_curves_on_a_line(rendering, hand_made, cli, tmp_path: Path) -> None:
    from PIL import Image

    mesh = Grid((40,), (2.0,), offset=0.5)
    masks = [(np.arange(40) < 20).astype(float)] * 3
    place = stood(tmp_path / "run", hand_made, masks, mesh, "dry")
    for options in ((), ("--time", "1")):
        assert cli("render", place, "--out", tmp_path / "a.png", "--size", "640x480", *options)[0] == 0
        image = np.asarray(Image.open(tmp_path / "a.png").convert("RGB")).astype(int)
        assert is_grey(image[240, 200])
        assert not is_grey(image[240, 420])


def test_a_mask_of_the_wrong_shape_is_one_line(hand_made, cli, tmp_path: Path) -> None:
    made = hand_made(tmp_path / "run", PLANE, {"c": Quantity(("y", "x"))}, {"c": PLANE.shape}, "wrong")
    made._file.declare(OBSTACLES, {"body": Quantity(("y", "x"))}, {"body": (3, 4)}, "float32")
    made._file.add(OBSTACLES, 0.0, 0, {"body": np.zeros((3, 4))})
    made.add(0.0, c=np.zeros(PLANE.shape))
    code, _, err = cli("render", made.finish(), "--out", tmp_path / "a.png")
    assert (code, err.count("\n")) == (4, 1)
    assert "body" in err


def test_solvers_say_what_stands_in_their_way(stored, scenarios, tmp_path: Path) -> None:
    cylinder = RunFolder(stored("obstacle"))
    share = cylinder.obstacles(-1)["obstacle"]
    assert share.sum() * (2.0 / 16) * (3.0 / 24) == pytest.approx(np.pi * 0.3**2, rel=0.02)
    assert share[8, 8] == 1.0  # its centre, with unequal axes
    assert share.shape == (16, 24)

    registry = Registry.load()
    piston = {"shape": "ball", "center": [0.3, 0.5], "radius": 0.15, "velocity": [2.0, 0.0]}
    moving = {**scenarios["splash"], "solver": {**scenarios["splash"]["solver"], "obstacles": [piston]}}
    run(parse(moving, registry, tmp_path), tmp_path / "splash", registry)
    stored_splash = RunFolder(tmp_path / "splash")
    x = stored_splash.mesh().coordinates()[1]
    for frame, time in enumerate(stored_splash.frame_times()):
        share = stored_splash.obstacles(frame)["obstacle"]
        assert (share.sum(axis=0) * x).sum() / share.sum() == pytest.approx(0.3 + 2.0 * time, abs=0.01)
        assert share.sum() / 16**2 == pytest.approx(np.pi * 0.15**2, rel=0.03)

    dam = {**scenarios["pond"], "initial": {"type": "dam_break", "right": 0.0}}
    run(parse(dam, registry, tmp_path), tmp_path / "dam", registry)
    water = RunFolder(tmp_path / "dam")
    for frame in range(len(water.frame_times())):
        np.testing.assert_array_equal(water.obstacles(frame)["dry"], water.frame("depth", frame) <= 1e-8)
    assert RunFolder(stored("flow")).obstacles(0) == {}

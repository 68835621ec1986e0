"""Pictures and films: what stands where, in which colour, and that every solver world can be drawn."""

import subprocess
from pathlib import Path

import numpy as np
import pytest

from subgrid.mesh import Grid
from subgrid.protocols import Quantity

pytestmark = pytest.mark.usefixtures("rendering")
PLANE = Grid((10, 16), (1.0, 1.6), offset=0.5)


def render(*runs: Path, out: Path, **options):
    """Make a file through the module behind the command."""
    from subgrid_view.probe import Probe
    from subgrid_view.render import Request, render_runs

    with Probe() as probe:
        return render_runs(Request.parse(runs=list(runs), out=out, **options), probe)


def pixels(path: Path) -> np.ndarray:
    from PIL import Image

    return np.asarray(Image.open(path).convert("RGB")).astype(int)


def figure(*runs: Path, **look):
    """A figure of all frames of the first run, to be asked where things are."""
    from subgrid_view.figure import Figure, Look, Timeline, rows_of
    from subgrid_view.reading import Source

    sources = [Source(path) for path in runs]
    timeline = Timeline.of(sources, range(len(sources[0].times)))
    return Figure(sources, rows_of(sources, Look(**look), timeline), Look(**look), timeline)


def colour_at(drawn, column: int, x: float, y: float) -> np.ndarray:
    """Colour of the picture at a point of the domain of a panel of the first row."""
    layout, source = drawn.layout, drawn.sources[column]
    from subgrid_view.plane import aspect, extents

    x0, y0, x1, y1 = layout.box(aspect(source))
    (left, right), (low, high) = extents(source)
    corner = layout.corner(0, column)
    i = corner[0] + x0 + (x1 - x0) * (x - left) / (right - left)
    j = corner[1] + y0 + (y1 - y0) * (y - low) / (high - low)
    image = drawn.pixels()
    return image[image.shape[0] - 1 - round(j), round(i)].astype(int)


def test_values_stand_where_they_belong_in_the_colours_of_the_map(field_run, tmp_path: Path) -> None:
    from subgrid_view.colours import colour_table

    y, x = PLANE.meshgrid()
    run = field_run(tmp_path / "run", [x + 10.0 * y, 2.0 * (x + 10.0 * y)], PLANE).path
    drawn = figure(run)
    scale, table = drawn.rows[0].scale, colour_table("viridis").astype(int)
    assert (scale.low, scale.high) == pytest.approx((0.55, 2.0 * (1.55 + 9.5)))
    for picture, factor in ((0, 1.0), (1, 2.0)):
        drawn.show(picture)
        for at in ((0.25, 0.15), (1.45, 0.15), (0.25, 0.85), (1.05, 0.55)):
            share = (factor * (at[0] + 10.0 * at[1]) - scale.low) / (scale.high - scale.low)
            np.testing.assert_allclose(colour_at(drawn, 0, *at), table[round(255 * share)], atol=8)
    drawn.close()


def test_a_body_that_moves_is_grey_where_it_is_and_named(hand_made, tmp_path: Path) -> None:
    y, x = PLANE.meshgrid()
    masks = [((x - at) ** 2 + (y - 0.5) ** 2 < 0.06).astype(float) for at in (0.4, 1.2)] + [np.zeros(PLANE.shape)]
    made = hand_made(tmp_path / "run", PLANE, {"c": Quantity(("y", "x"))}, {"c": PLANE.shape}, "blocked", "obstacle")
    for time, mask in enumerate(masks):
        made.add(float(time), mask, c=x)
    drawn = figure(made.finish())
    for picture, grey in enumerate([(True, False), (False, True), (False, False)]):
        drawn.show(picture)
        seen = [colour_at(drawn, 0, at, 0.55) for at in (0.45, 1.25)]
        assert tuple(np.ptp(colour) < 3 for colour in seen) == grey
        assert [bool(entry.GetVisibility()) for _, entry in drawn._legend] == [any(grey)] * 2
    assert drawn._legend[1][1].GetInput() == "obstacle"
    drawn.close()


def test_a_name_stands_once_and_axes_have_units(stored, field_run, tmp_path: Path) -> None:
    for run, expected in (
        (stored("flow"), ["flow", "t = 0.2 s", "x [m]", "y [m]", "vorticity [1/s]"]),
        (stored("reaction"), ["reaction", "t = 10", "x", "y", "z", "v"]),
    ):
        drawn = figure(run)
        drawn.show(1)
        words = [text for text in texts(drawn) if any(letter.isalpha() for letter in text)]
        assert sorted(words) == sorted(expected)
        drawn.close()
    first, second = (field_run(tmp_path / name, [np.eye(10, 16)], PLANE, name=name).path for name in ("a", "b"))
    drawn = figure(first, second)
    drawn.show(0)
    words = [text for text in texts(drawn) if any(letter.isalpha() for letter in text)]
    assert sorted(words) == sorted(["a", "b", "t = 0 s", "c [kg/m³]", *2 * ["x [m]", "y [m]"]])
    drawn.close()


def texts(drawn) -> list[str]:
    """Everything that is written on a picture."""
    return [
        actor.GetInput()
        for renderer in drawn.plotter.renderers
        for actor in renderer.GetViewProps()
        if actor.IsA("vtkTextActor") and actor.GetInput()
    ]


def test_without_a_field_the_first_that_varies_is_shown(hand_made, tmp_path: Path) -> None:
    from subgrid_view.reading import Source

    quantities = {name: Quantity(("y", "x")) for name in ("a", "b", "flat")} | {"u": Quantity(("component", "y", "x"))}
    shapes = {name: (2, 10, 16) if name == "u" else (10, 16) for name in quantities}
    y, x = PLANE.meshgrid()

    def default(folder: str, listed: list[str], **values: np.ndarray) -> str:
        made = hand_made(tmp_path / folder, PLANE, quantities, shapes, folder)
        (made.path / "scenario.toml").write_text(f'name = "{folder}"\n[output]\nquantities = {listed}\n')
        made.add(0.0, **{name: values.get(name, np.ones(shape)) for name, shape in shapes.items()})
        return Source(made.finish()).default_field()

    assert default("listed", ["u", "flat", "b", "a"], a=x, b=y, u=np.stack([x, y])) == "b"
    assert default("uniform", ["flat", "u"], u=np.stack([x, y])) == "u"
    assert default("least", ["flat", "a", "b", "u"], a=1.0 + 1e-6 * x, b=1.0 + 1e-5 * x) == "b"
    assert default("unlisted", [], b=y) == "b"


def test_boxes_keep_the_proportions_of_the_domain(field_run, tmp_path: Path) -> None:
    drawn = figure(field_run(tmp_path / "run", [np.ones((4, 12))], Grid((4, 12), (1.0, 3.0))).path)
    x0, y0, x1, y1 = drawn.layout.box(3.0)
    assert (x1 - x0) / (y1 - y0) == pytest.approx(3.0, rel=0.02)
    assert all(side % 16 == 0 for side in drawn.layout.size)
    drawn.close()


def test_runs_side_by_side_share_their_limits_and_the_moment(field_run, hand_made, tmp_path: Path) -> None:
    weak = field_run(tmp_path / "weak", [np.full((10, 16), value) for value in (1.0, 2.0, 3.0)], PLANE).path
    strong = hand_made(tmp_path / "strong", PLANE, {"c": Quantity(("y", "x"))}, {"c": (10, 16)}, "strong")
    strong.add(0.0, c=np.full((10, 16), 3.0))
    strong.add(1.0, c=np.full((10, 16), -9.0))
    drawn = figure(weak, strong.finish())
    assert (drawn.rows[0].scale.low, drawn.rows[0].scale.high) == (-9.0, 9.0)
    assert drawn.timeline.frames == ((0, 1, 2), (0, 0, 1))
    drawn.show(0)
    first, second = colour_at(drawn, 0, 0.8, 0.5), colour_at(drawn, 1, 0.8, 0.5)
    drawn.show(2)
    np.testing.assert_allclose(colour_at(drawn, 0, 0.8, 0.5), second, atol=2)  # 3.0 in both
    assert abs(first - second).max() > 5
    drawn.close()


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("flame", {}),
        ("flame", {"style": "profile"}),
        ("flow", {"fields": ["vorticity", "velocity[1]"], "streamlines": "velocity"}),
        ("flow", {"fields": ["velocity"], "limits": "99%"}),
        ("reaction", {}),
        ("reaction", {"style": "isosurfaces", "levels": "0.1,0.2", "camera": "30:60"}),
        ("reaction", {"style": "slices", "cmap": "magma"}),
        ("obstacle", {"fields": ["pressure"], "vectors": "velocity"}),
        ("pond", {"fields": ["depth"]}),
        ("splash", {}),
        ("splash", {"fields": ["material_velocity"]}),
    ],
)
def test_every_solver_world_can_be_drawn(stored, name: str, options: dict, tmp_path: Path) -> None:
    said = render(stored(name), out=tmp_path / "picture.png", **options)
    image = pixels(tmp_path / "picture.png")
    assert f"{image.shape[1]} x {image.shape[0]}" in said
    coloured = image.max(axis=2) - image.min(axis=2) > 30
    assert coloured.mean() > 0.01  # more than text and axes, which are grey
    assert (image == 255).all(axis=2).mean() > 0.1


def test_a_film_has_a_frame_for_each_of_the_run(stored, tmp_path: Path) -> None:
    from imageio_ffmpeg import get_ffmpeg_exe

    said = render(stored("flow"), out=tmp_path / "film.mp4", fields=["vorticity"], fps=5.0, size="320x304")
    assert "6 frames" in said
    command = [get_ffmpeg_exe(), "-i", tmp_path / "film.mp4", "-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:1"]
    done = subprocess.run(command, capture_output=True, check=True)
    about = done.stderr.decode()
    assert "h264" in about
    assert "5 fps" in about
    frames = np.frombuffer(done.stdout, dtype=np.uint8).reshape(-1, 304, 320, 3).astype(int)
    assert len(frames) == 6
    assert abs(frames[0] - frames[-1]).mean() > 0.5
    assert [path.name for path in tmp_path.iterdir()] == ["film.mp4"]


def test_a_gif_moves_and_keeps_its_colours(stored, tmp_path: Path) -> None:
    from PIL import Image

    render(stored("flow"), out=tmp_path / "film.gif", fields=["vorticity"], frame="::2", size="320x320")
    render(stored("flow"), out=tmp_path / "still.png", fields=["vorticity"], frame="4", size="320x320", limits="-9:9")
    with Image.open(tmp_path / "film.gif") as film:
        assert (film.n_frames, film.size) == (3, (320, 320))
        film.seek(2)
        last = np.asarray(film.convert("RGB")).astype(int)
    still = pixels(tmp_path / "still.png")
    white = (still == 255).all(axis=2)
    assert abs(last - still)[white].mean() < 3.0


def test_a_film_of_a_line_moves_a_curve(stored, tmp_path: Path) -> None:
    assert "5 frames" in render(stored("flame"), out=tmp_path / "film.gif", time="0:8", size="320x320")


def test_the_number_of_particles_may_change(hand_made, tmp_path: Path) -> None:
    mesh = Grid((8, 8), (1.0, 1.0), offset=0.5, boundaries=("wall", "wall"))
    quantities = {
        "sand_position": Quantity(("particle", "component"), "m", "particle"),
        "sand_load": Quantity(("particle",), "N", "particle"),
    }
    run = hand_made(tmp_path / "run", mesh, quantities, {"sand_position": (0, 2), "sand_load": (0,)}, "sand")
    rng = np.random.default_rng(1)
    for time, count in enumerate((50, 0, 200)):
        run.add(float(time), sand_position=rng.uniform(0.2, 0.8, (count, 2)), sand_load=rng.uniform(size=count))
    drawn = figure(run.finish(), fields=("sand_load",))
    seen = []
    for picture in range(3):
        drawn.show(picture)
        image = drawn.pixels().astype(int)
        panel = image[:, : int(drawn.layout.cell[0])]
        seen.append((panel.max(axis=2) - panel.min(axis=2) > 30).sum())
    assert seen[1] == 0
    assert seen[0] > 1000
    assert seen[2] > 2 * seen[0]
    drawn.close()


def test_a_director_field_shows_its_defects(hand_made, tmp_path: Path) -> None:
    mesh = Grid((30, 40), (3.0, 4.0), offset=0.5, boundaries=("wall", "wall"))
    y, x = mesh.meshgrid()
    angle = 0.5 * np.arctan2(y - 1.5, x - 1.0) - 0.5 * np.arctan2(y - 1.5, x - 3.0)
    q = np.stack([np.cos(2.0 * angle), np.sin(2.0 * angle)])
    shapes = {"second_moment": (2, 30, 40)}
    run = hand_made(tmp_path / "run", mesh, {"second_moment": Quantity(("component", "y", "x"))}, shapes, "nematic")
    run.add(0.0, second_moment=q)
    drawn = figure(run.finish())
    drawn.show(0)
    assert drawn.rows[0].director is not None
    assert drawn.rows[0].vectors is None
    red, blue = colour_at(drawn, 0, 1.0, 1.5), colour_at(drawn, 0, 3.0, 1.5)
    assert red[0] > 150
    assert red[2] < 80
    assert blue[2] > 120
    assert blue[0] < 80
    drawn.close()


def test_values_that_are_not_finite_are_grey(field_run, tmp_path: Path) -> None:
    values = np.linspace(0.0, 1.0, 160).reshape(10, 16)
    values[4:8, 4:8] = np.nan
    drawn = figure(field_run(tmp_path / "run", [values], PLANE).path)
    drawn.show(0)
    red, green, blue = colour_at(drawn, 0, 0.6, 0.6)
    assert red == green == blue
    drawn.close()


def test_layers_and_components_are_chosen_by_number(hand_made, tmp_path: Path) -> None:
    from subgrid_view.reading import Source

    shape = (2, 3, 10, 16)
    quantity = {"velocity": Quantity(("component", "layer", "y", "x"), "m/s")}
    run = hand_made(tmp_path / "run", PLANE, quantity, {"velocity": shape}, "layers")
    values = np.random.default_rng(2).normal(size=shape)
    run.add(0.0, velocity=values)
    source = Source(run.finish())
    np.testing.assert_array_equal(source.scalar(source.field("velocity[1,2]"), 0), values[1, 2])
    np.testing.assert_allclose(source.scalar(source.field("velocity"), 0), np.hypot(*values[:, 0]))
    np.testing.assert_allclose(source.scalar(source.field("velocity[:,2]"), 0), np.hypot(*values[:, 2]))
    np.testing.assert_array_equal(source.components(source.field("velocity[:,1]"), 0), values[:, 1])


def test_dollars_in_names_are_no_formulas(field_run, tmp_path: Path) -> None:
    run = field_run(tmp_path / "run", [np.ones((10, 16))], PLANE, name=r"$\frac{a}{$ <b> %s {x}").path
    assert "t = 0" in render(run, out=tmp_path / "picture.png")

"""``subgrid export``: what other tools read is what the run stored, bit for bit, for unequal nx, ny, nz."""

import itertools
import json
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree

import h5py
import numpy as np
import pytest

from subgrid.api import Quantity, RunFolder
from subgrid.cli import main
from subgrid.registry import Registry
from subgrid.run import run
from subgrid.scenario import parse
from subgrid.testing import FLOW_2D
from subgrid.toml_text import write_text
from subgrid_io.command import Format
from subgrid_io.exporting import export_runs
from subgrid_io.selection import Selection, select
from subgrid_io.vtk_arrays import field_tuples

Cli = Callable[..., tuple[int, str]]

RUNS = ("beach", "box", "channel", "flow", "layers", "sand", "wave")
ON_MESH = ("beach", "box", "channel", "flow", "layers", "wave")


def export(run: Path, to: str, out: Path, frames: str = ":", quantities: tuple[str, ...] = ()) -> Path:
    list(export_runs([run], to, out, quantities, frames, "auto", False))
    return out


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """``cli(*arguments)`` gives the exit code and what stood on standard error."""

    def call(*arguments: object) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["subgrid", *map(str, arguments)])
        code = 0
        try:
            main()
        except SystemExit as error:
            code = int(error.code or 0)
        return code, capsys.readouterr().err

    return call


@pytest.mark.parametrize("name", RUNS)
def test_netcdf_opens_in_xarray_with_the_same_bits(runs: dict[str, Path], tmp_path: Path, name: str) -> None:
    xarray = pytest.importorskip("xarray")
    from subgrid_io.dataset import open_run

    with xarray.open_dataset(export(runs[name], "netcdf", tmp_path / "run.nc")) as file:
        xarray.testing.assert_identical(file.load().drop_attrs(), open_run(runs[name]).load().drop_attrs())
        assert file.attrs["title"] == RunFolder(runs[name]).scenario().get("name", "")


def test_netcdf_holds_the_series_in_groups(runs: dict[str, Path], tmp_path: Path) -> None:
    xarray = pytest.importorskip("xarray")
    path = export(runs["flow"], "netcdf", tmp_path / "run.nc")
    stored = RunFolder(runs["flow"])
    with xarray.open_dataset(path, group="series/energy_spectrum") as file:
        for variable, values in stored.series("energy_spectrum").items():
            np.testing.assert_array_equal(file[variable].values, values)
        assert "wavenumber" in file.coords


@pytest.mark.parametrize("name", RUNS)
def test_numpy_files_hold_the_same_bits(runs: dict[str, Path], tmp_path: Path, name: str) -> None:
    folder = export(runs[name], "numpy", tmp_path / "out")
    stored = RunFolder(runs[name])
    about = json.loads((folder / "about.json").read_text())
    np.testing.assert_array_equal(np.load(folder / "time.npy"), stored.frame_times())
    for quantity in stored.quantities():
        values = np.load(folder / f"{quantity}.npy")
        ends = folder / f"{quantity}_ends.npy"
        for frame in range(len(stored.frame_times())):
            one = np.split(values, np.load(ends)[:-1])[frame] if ends.exists() else values[frame]
            np.testing.assert_array_equal(one, stored.frame(quantity, frame))
        assert about["quantities"][quantity]["dims"] == list(stored.quantities()[quantity].dims)


def vtk_array(data, name: str, shape: tuple[int, ...]) -> np.ndarray:
    from vtk.util.numpy_support import vtk_to_numpy

    array = data.GetArray(name)
    assert array is not None, f"{name} is missing"
    return vtk_to_numpy(array).reshape(shape)


def check_image(image, run: Path, frame: int) -> None:
    """An image that VTK read has the mesh and the values of a frame."""
    stored = RunFolder(run)
    mesh = stored.mesh()
    cells = mesh.offset == 0.5
    sizes = (1,) * (3 - mesh.ndim) + mesh.shape
    nodes = [n + 1 if cells and axis >= 3 - mesh.ndim else n for axis, n in enumerate(sizes)]
    assert list(image.GetDimensions()) == nodes[::-1]
    np.testing.assert_allclose(image.GetSpacing()[: mesh.ndim], mesh.spacing[::-1], rtol=1e-15)
    np.testing.assert_allclose(image.GetOrigin()[: mesh.ndim], mesh.origin[::-1], rtol=1e-15)
    data = image.GetCellData() if cells else image.GetPointData()
    for name, share in stored.obstacles(frame).items():
        np.testing.assert_array_equal(vtk_array(data, name, mesh.shape), share)
    for name, quantity in stored.quantities().items():
        values = stored.frame(name, frame)
        leading = quantity.dims[: values.ndim - mesh.ndim]
        for index in itertools.product(
            *(range(n) for n, dim in zip(values.shape, leading, strict=False) if dim == "layer")
        ):
            suffix = "".join(f"_layer{number}" for number in index)
            components = leading and leading[0] == "component"
            read = vtk_array(data, name + suffix, (*sizes, -1))
            for component in range(values.shape[0] if components else 1):
                key = ((component,) if components else ()) + index
                np.testing.assert_array_equal(read[..., component].reshape(mesh.shape), values[key])


@pytest.mark.parametrize("name", ON_MESH)
def test_vtk_reads_vti_and_pvd(runs: dict[str, Path], tmp_path: Path, name: str) -> None:
    vtk = pytest.importorskip("vtk")
    folder = export(runs[name], "vtk", tmp_path / "out")
    entries = ElementTree.parse(folder / "fields.pvd").findall("Collection/DataSet")
    assert [float(entry.get("timestep", "")) for entry in entries] == list(RunFolder(runs[name]).frame_times())
    for frame, entry in enumerate(entries):
        reader = vtk.vtkXMLImageDataReader()
        reader.SetFileName(str(folder / entry.get("file", "")))
        reader.Update()
        check_image(reader.GetOutput(), runs[name], frame)


@pytest.mark.parametrize("name", ON_MESH)
def test_vtk_reads_temporal_vtkhdf(runs: dict[str, Path], tmp_path: Path, name: str) -> None:
    vtk = pytest.importorskip("vtk")
    folder = export(runs[name], "vtkhdf", tmp_path / "out")
    reader = vtk.vtkHDFReader()
    reader.SetFileName(str(folder / "fields.vtkhdf"))
    reader.UpdateInformation()
    times = RunFolder(runs[name]).frame_times()
    assert reader.GetNumberOfSteps() == len(times)
    for frame in range(len(times)):
        reader.SetStep(frame)
        reader.Update()
        check_image(reader.GetOutput(), runs[name], frame)


@pytest.mark.parametrize(("offset", "location"), [("node", "node"), ("cell", "cell")])
def test_values_stand_in_the_same_places_in_every_format(offset: str, location: str, tmp_path: Path) -> None:
    vtk, xarray = pytest.importorskip("vtk"), pytest.importorskip("xarray")
    from subgrid.registry import Registry
    from subgrid.run import run
    from subgrid.scenario import parse

    mesh = {"type": "grid", "shape": [3, 4, 6], "length": [0.75, 1.0, 1.2], "origin": [-1.0, 0.5, 2.0]}
    scenario = {
        "mesh": {**mesh, "offset": offset},
        "initial": {"type": "gaussian"},
        "solver": {"type": "heat"},
        "integrator": {"type": "euler"},
        "time": {"end": 0.002, "dt": 0.001},
        "output": {"every": {"steps": 1}, "quantities": ["u"]},
    }
    registry = Registry.load()
    run(parse(scenario, registry, tmp_path), tmp_path / "run", registry)
    stored = RunFolder(tmp_path / "run")
    places = stored.mesh().coordinates()
    assert places[2][0] == 2.0 + (0.1 if offset == "cell" else 0.0)
    assert stored.quantities()["u"].location == location

    with xarray.open_dataset(export(tmp_path / "run", "netcdf", tmp_path / "run.nc")) as file:
        assert file["u"].attrs["location"] == location
        for axis, values in zip("zyx", places, strict=True):
            np.testing.assert_array_equal(file[axis], values)
            assert (file[axis].attrs["units"], file[axis].attrs["axis"]) == ("m", axis.upper())

    z, y, x = np.meshgrid(*places, indexing="ij")
    expected = np.stack([x, y, z], axis=-1).reshape(-1, 3)
    readers = []
    folder = export(tmp_path / "run", "vtk", tmp_path / "vtk")
    readers.append(vtk.vtkXMLImageDataReader())
    readers[-1].SetFileName(str(sorted(folder.glob("**/*.vti"))[-1]))
    readers.append(vtk.vtkHDFReader())
    readers[-1].SetFileName(str(export(tmp_path / "run", "vtkhdf", tmp_path / "hdf") / "fields.vtkhdf"))
    readers[-1].UpdateInformation()
    readers[-1].SetStep(2)
    for reader in readers:
        reader.Update()
        image = reader.GetOutput()
        if offset == "cell":
            centres = vtk.vtkCellCenters()
            centres.SetInputData(image)
            centres.Update()
            found = [centres.GetOutput().GetPoint(i) for i in range(image.GetNumberOfCells())]
        else:
            found = [image.GetPoint(i) for i in range(image.GetNumberOfPoints())]
        np.testing.assert_allclose(found, expected, rtol=1e-15, atol=1e-15)
        check_image(image, tmp_path / "run", 2)

    list(export_runs([tmp_path / "run"], "well", tmp_path / "well", (), ":", "train", False))
    with h5py.File(tmp_path / "well" / "data" / "train" / "well.hdf5") as well:
        for axis, values in zip("zyx", places, strict=True):
            np.testing.assert_array_equal(well[f"dimensions/{axis}"], values.astype(np.float32))


@pytest.mark.parametrize("to", ["vtk", "vtu", "vtkhdf"])
def test_vtk_reads_particles_whose_number_changes(runs: dict[str, Path], tmp_path: Path, to: str) -> None:
    vtk = pytest.importorskip("vtk")
    from vtk.util.numpy_support import vtk_to_numpy

    stored = RunFolder(runs["sand"])
    counts = [len(stored.frame("material_id", frame)) for frame in range(len(stored.frame_times()))]
    assert any(0 < count < counts[0] for count in counts), "some particles left"
    assert counts[-1] == 0, "then all of them"
    folder = export(runs["sand"], to, tmp_path / "out")
    for frame, count in enumerate(counts):
        if to == "vtkhdf":
            reader = vtk.vtkHDFReader()
            reader.SetFileName(str(folder / "material.vtkhdf"))
            reader.UpdateInformation()
            reader.SetStep(frame)
        else:
            suffix, kind = (
                ("vtp", vtk.vtkXMLPolyDataReader) if to == "vtk" else ("vtu", vtk.vtkXMLUnstructuredGridReader)
            )
            reader = kind()
            reader.SetFileName(str(folder / "material" / f"{frame:06d}.{suffix}"))
        reader.Update()
        points = reader.GetOutput()
        assert (points.GetNumberOfPoints(), points.GetNumberOfCells()) == (count, count)
        if count == 0:
            continue
        places = vtk_to_numpy(points.GetPoints().GetData())
        np.testing.assert_array_equal(places[:, :2], stored.frame("material_position", frame))
        np.testing.assert_array_equal(places[:, 2], 0.0)
        stress = vtk_array(points.GetPointData(), "stress", (count, 3, 3))
        np.testing.assert_array_equal(stress[:, :2, :2], stored.frame("material_stress", frame))
        ids = vtk_array(points.GetPointData(), "id", (count,))
        np.testing.assert_array_equal(ids, stored.frame("material_id", frame))


def test_the_well_has_x_first_and_its_statistics(runs: dict[str, Path], tmp_path: Path) -> None:
    out = tmp_path / "flows"
    list(export_runs([runs["flow1"], runs["flow2"]], "well", out, (), ":", "train", False))
    stored = RunFolder(runs["flow2"])
    with h5py.File(out / "data" / "train" / "flows.hdf5") as file:
        assert (file.attrs["n_trajectories"], file.attrs["n_spatial_dims"]) == (2, 2)
        velocity = file["t1_fields/velocity"]
        assert velocity.shape == (2, 5, 12, 16, 2)
        u, v = stored.frame("velocity", 3).astype(np.float32)
        np.testing.assert_array_equal(velocity[1, 3, ..., 0], u.T)
        np.testing.assert_array_equal(velocity[1, 3, ..., 1], v.T)
        np.testing.assert_allclose(file["scalars/viscosity"][:], [0.01, 0.02], rtol=1e-7)
        vorticity = file["t0_fields/vorticity"][:].astype(np.float64)
    statistics = read_statistics(out / "stats.yaml")
    assert statistics["mean"]["vorticity"] == pytest.approx(vorticity.mean(), abs=1e-6)
    assert statistics["std"]["vorticity"] == pytest.approx(vorticity.std(), rel=1e-6)
    assert statistics["rms_delta"]["vorticity"] == pytest.approx(
        np.sqrt((np.diff(vorticity, axis=1) ** 2).mean()), rel=1e-6
    )
    assert len(statistics["std"]["velocity"]) == 2


def test_the_parts_of_a_sweep_become_the_splits_of_the_well(tmp_path: Path, cli: Cli) -> None:
    table = {**FLOW_2D, "output": {"every": {"steps": 2}, "quantities": ["vorticity"]}}
    members = {"seeds": [1, 2, 3, 4], "split": {"train": 0.5, "validation": 0.25, "test": 0.25}}
    (tmp_path / "flows.toml").write_text(write_text({"scenario": table, **members}))
    assert cli("sweep", tmp_path / "flows.toml", "--out", tmp_path / "flows", "--jobs", "1")[0] == 0
    assert cli("export", tmp_path / "flows", "--to", "well", "--out", tmp_path / "well")[0] == 0
    files = [tmp_path / "well" / "data" / split / "well.hdf5" for split in ("train", "valid", "test")]
    counts = []
    for path in files:
        with h5py.File(path) as file:
            counts.append(int(file.attrs["n_trajectories"]))
    assert counts == [2, 1, 1]


def read_statistics(path: Path) -> dict:
    """Read the statistics file; JSON's notation of lists and numbers is YAML's."""
    tables: dict = {}
    for line in path.read_text().splitlines():
        key, _, value = line.partition(":")
        if line.startswith("  "):
            tables[list(tables)[-1]][key.strip()] = json.loads(value)
        else:
            tables[key] = {}
    return tables


def well_of(run: Path, out: Path, *more: Path) -> Path:
    list(export_runs([run, *more], "well", out, (), ":", "valid", False))
    return out / "data" / "valid" / f"{out.name}.hdf5"


def test_bodies_and_dry_ground_are_in_every_format(runs: dict[str, Path], tmp_path: Path) -> None:
    xarray = pytest.importorskip("xarray")
    for name, obstacle in (("channel", "obstacle"), ("beach", "dry")):
        stored = RunFolder(runs[name])
        shares = np.stack([stored.obstacles(frame)[obstacle] for frame in range(len(stored.frame_times()))])
        assert 0.0 < shares.mean() < 1.0
        with xarray.open_dataset(export(runs[name], "netcdf", tmp_path / f"{name}.nc")) as file:
            np.testing.assert_array_equal(file[obstacle], shares)
            assert (file[obstacle].dims, file[obstacle].attrs["location"]) == (("time", *stored.mesh().axes), "cell")
        np.testing.assert_array_equal(np.load(export(runs[name], "numpy", tmp_path / name) / f"{obstacle}.npy"), shares)
    assert (shares[0] != shares[-1]).any(), "the water runs over dry ground"
    with h5py.File(well_of(runs["beach"], tmp_path / "wet")) as file:
        np.testing.assert_array_equal(file["t0_fields/dry"][0], shares.transpose(0, 2, 1).astype(np.float32))
        assert file["t0_fields/dry"].attrs["time_varying"]
        assert sorted(file["boundary_conditions"]) == ["x_open", "x_wall", "y_wall"]


def test_the_well_has_bodies_as_walls_and_open_sides(runs: dict[str, Path], tmp_path: Path) -> None:
    share = RunFolder(runs["channel"]).obstacles(0)["obstacle"]
    with h5py.File(well_of(runs["channel"], tmp_path / "channel")) as file:
        field, boundaries = file["t0_fields/obstacle"], file["boundary_conditions"]
        assert (field.attrs["time_varying"], field.shape) == (False, (1, 10, 6, 4))
        np.testing.assert_array_equal(field[0], share.transpose(2, 1, 0).astype(np.float32))
        body = boundaries["obstacle_wall"]
        assert (body.attrs["bc_type"], list(body.attrs["associated_dims"])) == ("WALL", ["x", "y", "z"])
        np.testing.assert_array_equal(body["mask"], share.transpose(2, 1, 0) > 0.5)
        masks = {name: (group.attrs["bc_type"], group["mask"][[0, -1]].tolist()) for name, group in boundaries.items()}
        del masks["obstacle_wall"]
        assert masks == {
            "x_open": ("OPEN", [True, True]),
            "y_wall": ("WALL", [True, False]),
            "y_open": ("OPEN", [False, True]),
            "z_periodic": ("PERIODIC", [True, True]),
        }


@pytest.mark.filterwarnings("ignore:Only axis-aligned boundary fully supported:RuntimeWarning")
def test_the_loader_of_the_well_tells_walls_from_open_sides(runs: dict[str, Path], tmp_path: Path) -> None:
    datasets = pytest.importorskip("the_well.data.datasets", reason="not installed")
    out = tmp_path / "channel"
    well_of(runs["channel"], out)
    data = datasets.WellDataset(path=str(out), well_split_name="valid", use_normalization=False)
    kinds = {kind.value: kind.name for kind in datasets.BoundaryCondition}
    read = [[kinds[int(side)] for side in axis] for axis in data[0]["boundary_conditions"]]
    assert read == [["OPEN", "OPEN"], ["WALL", "OPEN"], ["PERIODIC", "PERIODIC"]]
    share = RunFolder(runs["channel"]).obstacles(0)["obstacle"]
    np.testing.assert_array_equal(data[1]["constant_fields"][..., 0].numpy(), share.T.astype(np.float32))


@pytest.mark.filterwarnings("ignore:Only axis-aligned boundary fully supported:RuntimeWarning")
@pytest.mark.parametrize("name", ["beach", "box", "channel", "flow", "layers", "wave"])
def test_the_loader_of_the_well_accepts_the_export(runs: dict[str, Path], tmp_path: Path, name: str) -> None:
    datasets = pytest.importorskip(
        "the_well.data.datasets", reason="pip install --no-deps the_well; pip install einops"
    )
    from the_well.data.normalization import ZScoreNormalization

    out = tmp_path / name
    list(export_runs([runs[name]], "well", out, (), ":", "valid", False))
    data = datasets.WellDataset(
        path=str(out), well_split_name="valid", use_normalization=True, normalization_type=ZScoreNormalization
    )
    stored = RunFolder(runs[name])
    mesh = stored.mesh()
    frames = len(stored.frame_times())
    assert (len(data), data.metadata.spatial_resolution) == (frames - 1, mesh.shape[::-1])
    assert all(bool(values.isfinite().all()) for values in data[0].values())
    plain = datasets.WellDataset(path=str(out), well_split_name="valid", use_normalization=False)
    field = next(iter(plain.metadata.field_names[0]))
    if field in stored.quantities():
        read = plain[1]["input_fields"][0, ..., 0].numpy()
        np.testing.assert_array_equal(read, stored.frame(field, 1).T.astype(np.float32))


def test_frames_and_quantities_are_chosen(runs: dict[str, Path], tmp_path: Path) -> None:
    folder = export(runs["flow"], "numpy", tmp_path / "out", frames="1::2", quantities=("velocity",))
    stored = RunFolder(runs["flow"])
    np.testing.assert_array_equal(np.load(folder / "time.npy"), stored.frame_times()[1::2])
    np.testing.assert_array_equal(np.load(folder / "velocity.npy")[-1], stored.frame("velocity", 3))
    assert not (folder / "vorticity.npy").exists()


@pytest.mark.parametrize(
    ("text", "expected"), [("0", [0]), ("-1", [4]), ("3", [3]), ("-2:", [3, 4]), ("::-2", [4, 2, 0])]
)
def test_frames_count_as_slices_do(runs: dict[str, Path], text: str, expected: list[int]) -> None:
    assert list(select(RunFolder(runs["flow"]), (), text).indices) == expected


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--quantity", "vortcity"], "--quantity vortcity"),
        (["--frames", "5:9"], "holds 5 frames and none of them is chosen"),
        (["--frames", "two"], "--frames two: expected"),
        (["--frames", "::0"], "--frames ::0: expected"),
    ],
)
def test_wrong_choices_are_one_line(
    runs: dict[str, Path], tmp_path: Path, cli: Cli, arguments: list[str], message: str
) -> None:
    code, error = cli("export", runs["flow"], "--to", "numpy", "--out", tmp_path / "out", *arguments)
    assert (code, error.count("\n")) == (2, 1)
    assert message in error
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("names", "to", "message"),
    [
        (["flow", "box"], "vtk", "takes one run at a time, got 2"),
        (["flow", "box"], "well", "its mesh differs from that of"),
        (["sand"], "well", "has no field on the mesh"),
    ],
)
def test_runs_that_do_not_fit_are_refused(
    runs: dict[str, Path], tmp_path: Path, cli: Cli, names: list[str], to: str, message: str
) -> None:
    code, error = cli("export", *(runs[name] for name in names), "--to", to, "--out", tmp_path / "out")
    assert (code, error.count("\n")) == (2, 1)
    assert message in error


def test_uneven_frames_are_refused_by_the_well(tmp_path: Path, cli: Cli) -> None:
    uneven = {**FLOW_2D, "output": {"at": [0.02, 0.06, 0.16], "quantities": ["vorticity"]}}
    registry = Registry.load()
    run(parse(uneven, registry, tmp_path), tmp_path / "uneven", registry)
    code, error = cli("export", tmp_path / "uneven", "--to", "well")
    assert code == 2
    assert "The Well wants even times" in error


def test_only_an_earlier_export_is_replaced(runs: dict[str, Path], tmp_path: Path, cli: Cli) -> None:
    command = ("export", runs["flow"], "--to", "vtk", "--out")
    assert cli(*command, tmp_path / "out")[0] == 0
    code, error = cli(*command, tmp_path / "out")
    assert code == 2
    assert "pass --overwrite" in error
    assert cli(*command, tmp_path / "out", "--overwrite")[0] == 0
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    assert cli(*command, tmp_path / "mine", "--overwrite")[0] == 2
    assert (tmp_path / "mine" / "letter.txt").read_text() == "dear"


def test_a_failed_export_leaves_nothing(
    runs: dict[str, Path], tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(self: Selection, name: str) -> Iterator[np.ndarray]:
        yield RunFolder(runs["flow"]).frame(name, 0)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Selection, "frames", fails)
    for to in ("netcdf", "vtkhdf", "numpy", "well"):
        assert cli("export", runs["flow"], "--to", to, "--out", tmp_path / "out")[0] == 4
    assert list(tmp_path.iterdir()) == []


def test_memory_does_not_grow_with_the_number_of_frames(tmp_path: Path) -> None:
    registry = Registry.load()
    long = {
        **FLOW_2D,
        "mesh": {"type": "grid", "shape": [64, 48], "length": ["2 pi", "1.5 pi"]},
        "integrator": {"type": "euler"},
        "time": {"end": 0.2, "dt": 0.001},
        "output": {"every": {"steps": 1}, "quantities": ["vorticity"]},
    }
    run(parse(long, registry, tmp_path), tmp_path / "long", registry)

    def peak(to: str, frames: str) -> int:
        tracemalloc.start()
        export(tmp_path / "long", to, tmp_path / f"{to}{frames.replace(':', '_')}", frames)
        _, highest = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return highest

    more_frames = 180 * 64 * 48 * 8
    for to in (Format.netcdf, Format.vtk, Format.vtkhdf, Format.numpy):
        peak(to, "0:2")
        assert peak(to, "0:200") - peak(to, "0:20") < 0.05 * more_frames, "names of files and times alone grow"


def test_layers_become_arrays_of_their_own() -> None:
    values = np.arange(2 * 3 * 4 * 5, dtype=float).reshape(2, 3, 4, 5)
    named = dict(field_tuples("w", Quantity(("component", "layer", "y", "x")), values, ("y", "x")))
    assert list(named) == ["w_layer0", "w_layer1", "w_layer2"]
    np.testing.assert_array_equal(named["w_layer1"][0, :, :, 0], values[0, 1])
    np.testing.assert_array_equal(named["w_layer1"][0, :, :, 2], 0.0)


def test_a_missing_package_names_the_extra(
    runs: dict[str, Path], tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("subgrid_io.exporting.find_spec", lambda package: None)
    code, error = cli("export", runs["flow"], "--to", "netcdf", "--out", tmp_path / "run.nc")
    assert code == 3
    assert error == "error: --to netcdf needs netCDF4, xarray: pip install 'subgrid[io]'\n"

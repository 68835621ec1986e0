"""Every command recognises the files of the others, and says which one takes them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from subgrid.compare import options as comparisons
from subgrid.errors import RunFolderError, ScenarioError
from subgrid.filekind import KINDS, SCENARIO, kind_of, read_kind
from subgrid.output import RunFolder
from subgrid.registry import Registry
from subgrid.scenario import load as load_scenario
from subgrid.sweep import options as sweeps
from subgrid.toml_text import read_file

ROOT = Path(__file__).parents[2]
FILES = {
    "run": ROOT / "scenarios" / "turbulence_2d" / "taylor_green.toml",
    "compare": ROOT / "scenarios" / "compare" / "demo.toml",
    "sweep": ROOT / "scenarios" / "sweeps" / "decay_rates.toml",
    "train": ROOT / "plugins" / "subgrid_active" / "weights" / "learned_residual.toml",
}


def read_training(path: Path) -> object:
    session = pytest.importorskip("subgrid_ml.session")
    return session.read_training_file(path)


READERS: dict[str, Callable[[Path], object]] = {
    "run": lambda path: load_scenario(path, Registry.load()),
    "compare": comparisons.load,
    "sweep": sweeps.load,
    "train": read_training,
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("file", FILES)
def test_a_file_of_another_command_is_known(reader: str, file: str) -> None:
    if reader == file:
        assert READERS[reader](FILES[file])
        return
    with pytest.raises(ScenarioError, match=rf"{FILES[file]}: is a .*, which 'subgrid {file}' takes, and no "):
        READERS[reader](FILES[file])


@pytest.mark.parametrize("file", FILES)
def test_a_file_is_no_run_folder(file: str) -> None:
    with pytest.raises(RunFolderError, match=f"not a run folder .it is a .*, which 'subgrid {file}' takes"):
        RunFolder(FILES[file])


def test_every_file_that_ships_is_of_its_kind() -> None:
    verbs = {kind: kind.verb for kind in KINDS}
    for path in ROOT.glob("scenarios/**/*.toml"):
        kind = kind_of(read_file(path))
        folder = path.parent.name
        expected = {"compare": "compare", "sweeps": "sweep", "datasets": "sweep"}.get(folder, "run")
        assert kind is not None, path
        assert verbs[kind] == expected, path


def test_what_commands_leave_behind_is_known(tmp_path: Path) -> None:
    run = tmp_path / "a"
    run.mkdir()
    (run / "scenario.toml").touch()
    (tmp_path / "w.safetensors").write_bytes(b"\0" * 20)
    (tmp_path / "sweep.json").write_text("{}")
    (tmp_path / "empty.toml").touch()
    for name, told in (
        ("a", "is a run folder, which 'subgrid info' shows and 'subgrid resume' continues, and no scenario"),
        ("w.safetensors", "is trained weights"),
        ("sweep.json", "is the index of a sweep"),
    ):
        with pytest.raises(ScenarioError, match=told):
            read_kind(tmp_path / name, SCENARIO)
    # a file without any key that tells is read on, so that what is missing in it is named
    assert read_kind(tmp_path / "empty.toml", SCENARIO) == {}


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b", "toml/" * 2000], ids=["long", "zero", "deep"])
def test_names_that_no_file_can_have_are_one_line(name: str) -> None:
    with pytest.raises(ScenarioError, match=r"cannot be read|no such file"):
        read_kind(Path(name), SCENARIO)
    with pytest.raises(RunFolderError, match="there is no such folder"):
        RunFolder(name)

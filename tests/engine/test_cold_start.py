"""What the command line leaves out of `sys.modules`, and how fast it answers."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

HEAVY = {
    "array_api_compat",
    "dask",
    "h5py",
    "jax",
    "matplotlib",
    "numba",
    "numpy",
    "pydantic",
    "pyfftw",
    "pyvista",
    "ray",
    "rich",
    "scipy",
    "torch",
    "vtk",
    "xarray",
}
PROGRAM = """
import json, sys
sys.argv = ["subgrid", *{arguments}]
from subgrid.cli import main
code = 0
try:
    main()
except SystemExit as error:
    code = error.code or 0
print()
print(json.dumps([code, sorted(sys.modules)]))
"""


def modules_after(*arguments: str, folder: Path) -> set[str]:
    """Modules that are imported once a command line has done its work."""
    program = PROGRAM.format(arguments=list(arguments))
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=folder, check=True)
    code, modules = json.loads(done.stdout.splitlines()[-1])
    assert code == 0, done.stderr
    return set(modules)


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["--version"], ["run", "--help"], ["scenario", "--help"], ["plugins", "--help"], ["scenario", "list"]],
)
def test_help_imports_nothing_heavy(arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "one.toml").write_text("# shows something\n")
    modules = modules_after(*arguments, folder=tmp_path)
    # newer versions of typer read the parameters of subcommands with pydantic
    allowed = {"pydantic"} if len(arguments) > 1 else set()
    if arguments == ["--help"]:
        allowed = {"pluggy", "subgrid.registry"}  # the verbs of plugins stand in their manifests
    assert modules & {*HEAVY, "subgrid.scenario", "subgrid.run", "subgrid.registry", "pluggy"} <= allowed


def test_plugins_list_imports_manifests_only(tmp_path: Path) -> None:
    modules = modules_after("plugins", "list", folder=tmp_path)
    assert modules & HEAVY <= {"pydantic"}
    families = {name for name in modules if name.startswith("subgrid_") and "." in name}
    assert families
    assert all(name.endswith(".plugin") for name in families)


def test_loading_the_registry_imports_manifests_only() -> None:
    program = "import sys; from subgrid.registry import Registry; Registry.load(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) & HEAVY == set()


def test_options_and_schema_import_no_implementation(tmp_path: Path) -> None:
    modules = modules_after("scenario", "schema", folder=tmp_path)
    assert modules & HEAVY <= {"pydantic", "rich"}
    modules = modules_after("plugins", "show", "leith", folder=tmp_path)
    assert modules & HEAVY <= {"pydantic", "rich"}


def test_help_answers_within_a_third_of_a_second() -> None:
    def seconds() -> float:
        start = time.perf_counter()
        subprocess.run([sys.executable, "-m", "subgrid", "--help"], capture_output=True, check=True)
        return time.perf_counter() - start

    # the fastest of several: other work on the machine can only make it slower
    best = min(seconds() for _ in range(8))
    print(f"subgrid --help: {best:.3f} s")
    assert best < 0.3

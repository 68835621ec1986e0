"""The command line: what it prints, the exit codes, and that no traceback ever gets out."""

import errno
import json
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py
import pytest
import typer

import subgrid.compare
import subgrid.run
from subgrid import __version__
from subgrid.cli import main
from subgrid.cli.run import duration
from subgrid.errors import SubgridError
from subgrid.output import RunFolder

TOY = Path(__file__).parent / "toy"
SCENARIO = """\
# Oscillators that keep their modulus.
name = "oscillators"
seed = 3
[mesh]
type = "grid"
shape = [5]
length = [1.0]
[initial]
type = "ones"
[solver]
type = "oscillators"
omega = 2.0
[integrator]
type = "rk4"
[time]
end = 1.0
dt = 0.01
[[observers]]
type = "modulus"
every = {time = 0.1}
[output]
every = {time = 0.5}
quantities = ["y_real"]
"""
EXPECT = """
[expect.modulus]
of = "modulus.modulus"
value = 1.0
abs = 1e-6
source = "unitary"
[expect.wrong]
of = "modulus.modulus"
value = VALUE
abs = 1e-6
source = "a misprint"
"""

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Cli:
    """``cli(*arguments)`` gives exit code, standard output and standard error."""
    monkeypatch.syspath_prepend(str(TOY))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("SUBGRID_DEBUG", raising=False)
    (tmp_path / "toy.toml").write_text(SCENARIO)

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["subgrid", *arguments])
        code = 0
        try:
            main()
        except SystemExit as error:
            code = int(error.code or 0)
        printed = capsys.readouterr()
        assert "Traceback" not in printed.err
        return code, printed.out, printed.err

    return call


def test_run_writes_a_folder_and_says_how_it_ended(cli: Cli, tmp_path: Path) -> None:
    code, out, _ = cli("run", "toy.toml", "--quiet")
    assert code == 0
    assert out.startswith("finished: 100 steps to t = 1 in ")
    assert RunFolder(tmp_path / "runs" / "oscillators").outcome()["status"] == "finished"


def test_options_of_run_change_the_scenario(cli: Cli) -> None:
    code, out, _ = cli(
        "run", "toy.toml", "-q", "--out", "a", "--threads", "1", "--set", "time.end=0.5", "--set", "seed=9"
    )
    assert (code, "finished: 50 steps" in out) == (0, True)
    resolved = tomllib.loads(Path("a/scenario.toml").read_text())
    assert (resolved["seed"], resolved["backend"]["threads"]) == (9, 1)


def test_finished_run_is_only_replaced_when_told_to(cli: Cli) -> None:
    assert cli("run", "toy.toml", "-q", "--out", "a")[0] == 0
    code, _, err = cli("run", "toy.toml", "-q", "--out", "a", "--set", "time.end=0.1")
    assert (code, err.count("\n"), "--overwrite" in err) == (4, 1, True)
    assert RunFolder("a").outcome()["step"] == 100
    assert cli("run", "toy.toml", "-q", "--out", "a", "--set", "time.end=0.1", "--overwrite")[0] == 0
    assert RunFolder("a").outcome()["step"] == 10


@pytest.mark.parametrize(("value", "code"), [("1.0", 0), ("2.0", 6)])
def test_expectations_are_told_and_a_missed_one_fails(cli: Cli, value: str, code: int) -> None:
    Path("toy.toml").write_text(SCENARIO + EXPECT.replace("VALUE", value))
    found, out, err = cli("run", "toy.toml", "-q", "--out", "a")
    assert found == code
    lines = out.splitlines()[1:]
    assert lines[0].endswith("expected 1 +- 1e-06: ok (unitary)")
    assert ("MISSED (a misprint)" in lines[1]) == (code == 6)
    assert err == ("error: 1 of 2 expectations missed: wrong\n" if code else "")


def test_wall_time_stops_with_a_checkpoint_and_resume_goes_on(cli: Cli) -> None:
    code, out, _ = cli("run", "toy.toml", "-q", "--out", "a", "--wall-time", "0s")
    assert (code, "subgrid resume a" in out) == (75, True)
    code, out, _ = cli("resume", "a", "--quiet")
    assert (code, out.startswith("finished: 100 steps")) == (0, True)


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("10m", 600), ("1h30m", 5400), ("1.5h", 5400), ("2 min", 120), ("1d", 86400)]
)
def test_duration(text: str, seconds: float) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "m", "-1", "10x", "1h30", "nan", "1e3"])
def test_text_that_is_no_duration(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        duration(text)


@pytest.mark.parametrize(
    ("arguments", "code", "reason"),
    [
        (["run", "none.toml"], 2, "error: none.toml: no such file"),
        (["run", "."], 2, "error: .: cannot be read (Is a directory)"),
        (["run", "toy.toml", "--set", "solver.omga=1"], 2, "solver.omga: unknown key; did you mean 'omega'?"),
        (["run", "toy.toml", "--set", "integrator.type=rk5"], 2, "no integrator is called 'rk5'; did you mean 'rk4'?"),
        (["run", "toy.toml", "--set", "time.end"], 2, "expected KEY.KEY=VALUE"),
        (["run", "toy.toml", "--wall-time", "soon"], 2, "'soon' is not a duration"),
        (["run", "toy.toml", "--set", "output.quantities=['speed']"], 2, "'speed'"),
        (["run", "toy.toml", "--set", "closures.0.type=leith"], 2, "damping"),
        (["run", "toy.toml", "--set", "closures.0.type=broken"], 3, "toy 1.0"),
        (["run", "toy.toml", "--set", "solver.explode_at=0.5"], 5, "field 'y' is not finite"),
        (["run", "toy.toml", "--out", "toy.toml"], 4, "toy.toml: is a file, not a folder"),
        (["run", "toy.toml", "--out", "/proc/none/run"], 4, "/proc/none"),
        (["run", "toy.toml", "--nonsense"], 2, "--nonsense"),
        (["resume", "none"], 4, "none: not a run folder"),
        (["info", "."], 4, ".: not a run folder"),
        (
            ["scenario", "check", "toy.toml", "--set", "solver.limit=1e-3"],
            2,
            "time.dt: 0.01 is above the stability limit",
        ),
        (["scenario", "check", "toy.toml", "--set", "mesh.shape=[]"], 2, "toy.toml: mesh.shape: [] has 0 entries"),
        (["scenario", "list", "none"], 2, "error: none: no such folder"),
        (["plugins", "show", "lieth"], 2, "did you mean 'leith'?"),
        (["compare", "none.toml"], 2, "none.toml: no such file"),
        (["nonsense"], 2, "subgrid: no command is called 'nonsense'; choose from bench, compare"),
        (["rnu", "toy.toml"], 2, "did you mean 'run'?"),
        (["scenario"], 2, "subgrid scenario: a command is missing; choose from list, check, show, schema"),
        (["scenario", "lst"], 2, "subgrid scenario: no command is called 'lst'; did you mean 'list'?"),
        (["run"], 2, "subgrid run: FILE is missing: scenario file (TOML); see subgrid run --help"),
        (["run", "a", "b"], 2, "subgrid run: got unexpected extra argument"),
        (["run", "toy.toml", "--thread", "1"], 2, "no option is called --thread; did you mean '--threads'?"),
        (["run", "toy.toml", "--threads", "-1"], 2, "subgrid run: --threads: '-1' is less than 0"),
        (["run", "toy.toml", "--threads", "two"], 2, "--threads: 'two' is not a whole number"),
        (["run", "toy.toml", "--device", "gpu"], 2, "--device: 'gpu' is not one of 'cpu', 'cuda'"),
        (["run", "toy.toml", "--out"], 2, "option '--out' requires an argument"),
        (["run", "toy.toml", "--overwrite=3"], 2, "option '--overwrite' does not take a value"),
        (["run", "toy.toml", "--set", "name='a b'"], 2, "name: 'a b' may have letters, digits, '_', '.' and '-' only"),
        (["resume", "a", "--until", "later"], 2, "subgrid resume: --until: 'later' is not a number"),
        (["bench", "--rounds", "0"], 2, "subgrid bench: --rounds: '0' is less than 1"),
        (["export", "a", "--to", "csv"], 2, "subgrid export: --to: 'csv' is not one of 'netcdf'"),
        (["render", "a", "--fps", "x"], 2, "subgrid render: --fps: 'x' is not a number"),
    ],
)
def test_mistakes_are_plain_lines_with_an_exit_code(cli: Cli, arguments: list[str], code: int, reason: str) -> None:
    found, _, err = cli(*arguments)
    assert found == code, err
    assert reason in err
    # what a run told before it failed stands above
    assert all(line.startswith("error: ") for line in err.splitlines()[0 if code == 2 else -1 :])


def damage_version(folder: Path) -> None:
    with h5py.File(folder / "trajectory.h5", "r+") as file:
        file.attrs["version"] = 99


def damage_length(folder: Path) -> None:
    path = folder / "trajectory.h5"
    path.write_bytes(path.read_bytes()[:1000])


def damage_outcome(folder: Path) -> None:
    (folder / "outcome.json").write_text("{")


def damage_checkpoint(folder: Path) -> None:
    path = folder / "checkpoints" / "step_0000000000.npz"
    path.write_bytes(path.read_bytes()[:1000])


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (damage_version, "version 99"),
        (damage_length, "truncated"),
        (damage_outcome, "cannot be read"),
        (damage_checkpoint, "step_0000000000.npz: damaged checkpoint (File is not a zip file)"),
    ],
)
def test_info_of_a_damaged_run_folder(cli: Cli, damage: Callable[[Path], None], reason: str) -> None:
    assert cli("run", "toy.toml", "-q", "--out", "a")[0] == 0
    damage(Path("a"))
    code, out, err = cli("info", "a")
    assert (code, err.count("\n")) == (4, 1)
    assert reason in err
    assert "solver       oscillators: omega = 2.0" in out
    assert "cost " in out


def test_info_of_a_killed_run(cli: Cli) -> None:
    cli("run", "toy.toml", "-q", "--out", "a", "--stop-after", "40")
    Path("a/outcome.json").unlink()
    code, out, _ = cli("info", "a")
    assert code == 0
    assert "status       killed newest checkpoint at step 40, t = 0.4" in out


def test_a_run_is_reported_once(cli: Cli) -> None:
    _, out, err = cli("run", "toy.toml", "--out", "a")
    assert (out + err).count("finished") == 1
    _, out, err = cli("resume", "a")
    assert (out + err).count("already finished: 100 steps") == 1


def test_info_tells_what_a_folder_holds(cli: Cli) -> None:
    cli("run", "toy.toml", "-q", "--out", "a", "--set", "closures.0.type=drag")
    code, out, _ = cli("info", "a")
    assert code == 0
    for fact in (
        "finished at step 100, t = 1",
        "oscillators: omega = 2.0",
        "drag: ",
        "3 of y_real",
        "11 rows of",
        "100 steps",
    ):
        assert fact in out


def test_internal_error_is_one_line_and_its_traceback_is_kept(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: Any, **options: Any) -> None:
        Path("a").mkdir(exist_ok=True)
        raise RuntimeError("two\nlines")

    monkeypatch.setattr(subgrid.run, "run", fail)
    code, _, err = cli("run", "toy.toml", "--out", "a")
    assert (code, err) == (1, "internal error: RuntimeError: two lines (traceback in a/error.log)\n")
    assert "in fail" in Path("a/error.log").read_text()
    monkeypatch.setenv("SUBGRID_DEBUG", "1")
    with pytest.raises(RuntimeError):
        cli("run", "toy.toml", "--out", "a")


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "a/x.h5"), 4, "error: a/x.h5: no space left on the disk;"),
        (
            OSError("Can't write data (errno = 28, error message = 'No space left')"),
            4,
            "error: no space left on the disk;",
        ),
        (PermissionError(errno.EACCES, "Permission denied", "b"), 4, "error: b: Permission denied"),
        (MemoryError("Unable to allocate 3 TiB"), 1, "error: not enough memory: Unable to allocate 3 TiB"),
    ],
)
def test_failures_of_the_machine(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, error: Exception, code: int, line: str
) -> None:
    def fail(*arguments: Any, **options: Any) -> None:
        raise error

    monkeypatch.setattr(subgrid.run, "run", fail)
    found, _, err = cli("run", "toy.toml", "--out", "a")
    assert found == code
    assert err.startswith(line)
    assert err.count("\n") == 1


@pytest.mark.parametrize(("options", "told"), [((), "a: finished\n"), (("-q",), ""), (("--quiet",), "")])
def test_a_quiet_comparison_tells_its_result_only(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], told: str
) -> None:
    def compare(file: Path, out: Path, registry: Any, jobs: int, changes: Any, report: Callable[[str], None]) -> Any:
        report("a: finished")
        table = SimpleNamespace(render=lambda: "the table\n")
        return SimpleNamespace(table=table, figures=(), failed=[])

    monkeypatch.setattr(subgrid.compare, "compare", compare)
    code, out, err = cli("compare", "x.toml", *options)
    assert (code, err) == (0, told)
    assert out.startswith("the table\n")


def test_check_show_and_list_of_scenarios(cli: Cli) -> None:
    code, out, _ = cli("scenario", "check", "toy.toml")
    assert (code, out) == (0, "toy.toml: fine (oscillators: oscillators on 5, rk4)\n")
    code, out, _ = cli("scenario", "show", "toy.toml", "--set", "seed=5")
    Path("resolved.toml").write_text(out)
    assert (code, tomllib.loads(out)["seed"]) == (0, 5)
    assert cli("scenario", "show", "resolved.toml")[1] == out
    Path("binary.toml").write_bytes(b"\xff\xfe")
    code, out, _ = cli("scenario", "list", ".")
    assert code == 0
    assert "toy.toml       Oscillators that keep their modulus.\n" in out
    assert "binary.toml    (cannot be read" in out


def test_list_marks_comparisons_and_cuts_between_words(cli: Cli) -> None:
    Path("long.toml").write_text("# " + "turbulence " * 30 + "\n[variants.a]\n")
    _, out, _ = cli("scenario", "list", ".")
    line = next(line for line in out.splitlines() if line.startswith("long.toml"))
    assert "[subgrid compare] turbulence" in line
    assert line.endswith("turbulence ...")


def test_plugins_show_gives_the_options_of_nested_tables(cli: Cli) -> None:
    _, out, _ = cli("plugins", "show", "solver/navier_stokes_2d")
    assert 'forcing.type = "kolmogorov": Momentum forcing' in out
    assert "      wavenumber (default 4, > 0): waves across the domain: k = 2 pi wavenumber / Ly" in out


def test_schema_is_json(cli: Cli) -> None:
    code, out, _ = cli("scenario", "schema")
    assert code == 0
    assert "solver.oscillators" in json.loads(out)["$defs"]


def test_plugins_list_shows_problems_and_run_warns_of_them(cli: Cli, install: Any) -> None:
    install("broken", "1 / 0")
    code, out, _ = cli("plugins", "list")
    assert code == 0
    assert "toy (toy 1.0): " in out
    assert "problem: plugin 'broken' (broken 1.0): not loaded: ZeroDivisionError: division by zero\n" in out
    assert cli("plugins", "list", "--strict")[0] == 3
    code, _, err = cli("run", "toy.toml", "-q", "--out", "a")
    assert (code, err.startswith("warning: plugin 'broken'")) == (0, True)


def test_plugins_show_gives_options_with_unit_range_and_default(cli: Cli) -> None:
    code, out, _ = cli("plugins", "show", "mesh/grid")
    assert code == 0
    assert "offered by plugin 'core' (subgrid" in out
    assert "length (required, unit m, > 0): extent along each axis" in out
    assert 'offset (default "node", one of "node", "cell")' in out
    code, out, _ = cli("plugins", "show", "toy")
    assert (code, "closure    drag" in out) == (0, True)


def test_version_and_help_with_every_exit_code(cli: Cli) -> None:
    assert cli("--version")[:2] == (0, f"{__version__}\n")
    code, out, _ = cli("--help")
    assert code == 0
    documented = {line.split()[0] for line in out.partition("Exit codes:")[2].splitlines() if line.strip()}
    assert documented == {"0", *(str(error.exit_code) for error in (SubgridError, *SubgridError.__subclasses__()))}


@pytest.mark.parametrize("arguments", [["scenario", "schema"], ["--version"], ["plugins", "list"]])
def test_closed_pipe_ends_quietly(arguments: list[str]) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "subgrid", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() == 141

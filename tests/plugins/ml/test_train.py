"""Training a stranger's closure by the command: it finds the viscosity that the runs were made with."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from subgrid.cli import main, offered
from subgrid_ml.weights import Weights, read_tensors

VISCOSITY = 0.03

ROLLOUT = """
[[stages]]
loss = "rollout"
compare = ["vorticity"]
horizons = [5, 10]
steps = 8
rate = 0.05
windows = 1
check_every = 4
check_windows = 2
"""


@pytest.fixture
def train(work: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """``train(*arguments)`` as on the command line; returns exit code, output and errors."""
    offered._registry.cache_clear()

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.chdir(work)
        monkeypatch.setattr("sys.argv", ["subgrid", "train", "training.toml", *arguments])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        printed = capsys.readouterr()
        assert "Traceback" not in printed.err
        return code, printed.out, printed.err

    yield call
    offered._registry.cache_clear()


def learned(folder: Path) -> float:
    return float(np.exp(Weights.load(folder / "weights.safetensors").arrays["log_viscosity"][0]))


def test_offline_training_finds_the_viscosity(train: Any, work: Path) -> None:
    code, out, err = train("--out", "out", "--set", "stages.0.steps=150")
    assert code == 0, err
    assert learned(work / "out") == pytest.approx(VISCOSITY, rel=1e-3)
    card = Weights.load(work / "out" / "weights.safetensors").card
    assert card["architecture"] == {"kind": "viscosity", "unknowns": 1}
    assert (card["slot"], card["inputs"], card["closure"]) == ("subgrid_forcing", ["vorticity"], "learned_viscosity")
    assert card["range"]["vorticity"][0] < -1.0 < 1.0 < card["range"]["vorticity"][1]
    assert len(card["data"]["sha256"]) == 4
    assert card["training"]["command"] == "subgrid train training.toml --set 'stages.0.steps=150'"
    assert max(card["figures"]["relative_error"].values()) < 1e-5
    assert set(card["figures"]["baselines"]["nothing"].values()) == {1.0}
    assert (work / "out" / "loss.png").stat().st_size > 5000
    assert "runs/check: relative error" in out
    assert re.search(r"stage 1, pointwise: 10/150  loss \S+  validation \S+  rate \S+  \d+m\d\ds left", err)


def test_training_through_the_solver_finds_it_too(train: Any, work: Path) -> None:
    """From trajectories alone: the frames' own forcing is not looked at."""
    text = (work / "training.toml").read_text()
    (work / "training.toml").write_text(text[: text.index("[[stages]]")] + ROLLOUT.replace("steps = 8", "steps = 25"))
    code, _, err = train("--out", "out", "--set", "stages.0.rate=0.3")
    assert code == 0, err
    assert learned(work / "out") == pytest.approx(VISCOSITY, rel=2e-2)


def test_a_rollout_of_the_true_closure_repeats_the_stored_run(work: Path) -> None:
    """The same solver, steps and viscosity: the only difference is the form of the term."""
    from subgrid.tasks import Registry, read_file
    from subgrid_ml.data import StoredRun
    from subgrid_ml.losses import RunRollout, scenario_data

    run = StoredRun.open(work / "runs" / "check", -1.0, 9.0)
    data = scenario_data(read_file(work / "flow.toml"), {"type": "learned_viscosity"}, run, ["solver.viscosity"], 1)
    rollout = RunRollout(run, data, Registry.load(), work)
    rollout.closure.adopt({"log_viscosity": rollout.backend.asarray([np.log(VISCOSITY)])}, {})
    assert float(rollout.loss(3, 20, ["vorticity"])) < 1e-20
    rollout.closure.adopt({"log_viscosity": rollout.backend.asarray([np.log(2.0 * VISCOSITY)])}, {})
    assert float(rollout.loss(3, 20, ["vorticity"])) > 1e-4


def bits(folder: Path) -> dict[str, bytes]:
    tensors, state = read_tensors(folder / "checkpoint.safetensors")
    progress = {key: value for key, value in state["progress"].items() if key != "seconds"}
    return {**{name: values.tobytes() for name, values in tensors.items()}, "progress": json.dumps(progress).encode()}


def test_stopped_and_resumed_training_has_the_same_bits(train: Any, work: Path) -> None:
    with (work / "training.toml").open("a") as file:
        file.write(ROLLOUT)
    assert train("--out", "whole", "-q")[0] == 0
    for count in (23, 13, 9):  # within a block of frames, at its end, and within the second stage
        arguments = ("--out", "parts", "-q", "--stop-after", str(count))
        code, _, err = train(*arguments, *(("--resume",) if (work / "parts").exists() else ()))
        assert code == 75
        assert "go on with --resume" in err
    assert train("--out", "parts", "-q", "--resume")[0] == 0
    assert bits(work / "whole") == bits(work / "parts")
    assert (
        Weights.load(work / "whole" / "weights.safetensors").arrays
        == Weights.load(work / "parts" / "weights.safetensors").arrays
    )
    assert train("--out", "parts", "-q", "--resume")[0] == 0, "nothing is left to do, and that is no mistake"


def test_trained_weights_serve_in_a_run_and_further_training_begins_with_them(train: Any, work: Path) -> None:
    assert train("--out", "out", "-q", "--set", "stages.0.steps=150")[0] == 0
    from subgrid.registry import Registry
    from subgrid.run import run
    from subgrid.scenario import load

    closure = 'closures=[{type="learned_viscosity", weights="out/weights.safetensors"}]'
    assert (
        run(load(work / "flow.toml", Registry.load(), [closure]), work / "used", Registry.load()).status == "finished"
    )


def test_training_stops_early_and_keeps_the_best(train: Any, work: Path) -> None:
    """A rate that is far too high: nothing is better than the start, and two looks are enough to see that."""
    changes = ("--set", "stages.0.rate=3.0", "--set", "stages.0.patience=2", "--set", "stages.0.steps=4000")
    code, _, err = train("--out", "out", *changes)
    assert code == 0, err
    history = read_tensors(work / "out" / "checkpoint.safetensors")[1]["progress"]["history"]
    assert len(history) == 2
    assert np.log(learned(work / "out")) == pytest.approx(-3.0, abs=0.5)


def test_active_learning_adds_the_worst_run_and_can_be_resumed(train: Any, work: Path) -> None:
    with (work / "training.toml").open("a") as file:
        file.write('[active_learning]\npool = ["runs/train_*"]\naxes = ["seed", "solver.viscosity"]\nrounds = 1\n')
    change = ("--set", 'data.training=["runs/train_a"]', "--set", "stages.0.steps=12")
    code, _, err = train("--out", "out", *change)
    assert code == 0, err
    rounds = json.loads((work / "out" / "rounds.json").read_text())["rounds"]
    assert [len(entry["training"]) for entry in rounds] == [1, 2]
    unseen = {path: error for path, error in rounds[0]["errors"].items() if not path.endswith("train_a")}
    assert rounds[0]["added"] == [max(unseen, key=lambda path: unseen[path])]
    assert rounds[1]["training"][1] == rounds[0]["added"][0]
    assert (work / "out" / "plane.png").stat().st_size > 5000
    code, _, _ = train("--out", "parts", *change, "--stop-after", "5", "-q")
    assert code == 75
    while code == 75:
        code, _, err = train("--out", "parts", *change, "--stop-after", "5", "-q", "--resume")
    assert code == 0, err
    assert (
        Weights.load(work / "parts" / "weights.safetensors").arrays
        == Weights.load(work / "out" / "weights.safetensors").arrays
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["stages.0.loss=sideways"], "stages.0: no loss is called 'sideways'; choose from pointwise, rollout"),
        (["stages.0.step=3"], "stages.0.step: unknown key; did you mean"),
        (["stages.0.steps=0"], "stages.0.steps: 0 is less than 1"),
        (["stages=[]"], "stages: "),
        (["closure={}"], "closure: needs a type"),
        (["closure.type=learned"], "closures.0.type: no closure is called 'learned'"),
        (["closure.type=leith"], "'leith' has nothing to train"),
        (["data.training=[]"], "data.training: "),
        (['data.validation=["runs/train_a"]'], "is a training run and a validation run"),
        (["data.target=nonsense"], "do not hold nonsense, which slot 'subgrid_forcing' is about"),
        (["scenario=missing.toml"], "missing.toml: no such file"),
        (['take=["solver.zeta"]'], "its scenario has no option 'solver.zeta'"),
    ],
)
def test_mistakes_are_single_lines(train: Any, changes: list[str], message: str) -> None:
    code, _, err = train("--out", "out", "-q", *[part for change in changes for part in ("--set", change)])
    assert code == 2
    assert len(err.splitlines()) == 1
    assert message in err


def test_a_rollout_needs_frames_that_steps_land_on(train: Any, work: Path) -> None:
    with (work / "training.toml").open("a") as file:
        file.write(ROLLOUT.replace("[5, 10]", "[3]"))
    code, _, err = train("--out", "out", "-q", "--set", "stages.0.steps=1")
    assert (code, len(err.splitlines())) == (2, 1)
    assert "no two frames are 3 steps of 0.02 or less apart" in err


def test_a_folder_is_not_overwritten_by_accident_and_a_changed_file_is_not_resumed(train: Any, work: Path) -> None:
    assert train("--out", "out", "-q", "--stop-after", "3")[0] == 75
    code, _, err = train("--out", "out", "-q")
    assert code == 4
    assert "holds a training already; --resume goes on, --overwrite begins anew" in err
    code, _, err = train("--out", "out", "-q", "--resume", "--set", "seed=4")
    assert code == 4
    assert "file.seed was 3 and is 4" in err
    assert train("--out", "empty", "--resume")[2].count("holds no training to resume") == 1
    assert train("--out", "out", "-q", "--overwrite", "--stop-after", "2")[0] == 75
    assert train("--out", "out", "--overwrite", "--resume")[0] == 2


def test_a_loss_that_breaks_down_ends_training_in_one_line(train: Any, work: Path) -> None:
    """log nu grows until nu overflows; what was reached before stays in the checkpoint."""
    code, _, err = train("--out", "out", "-q", "--set", "stages.0.rate=1e4", "--set", "closure.start=-9.0")
    assert code == 5
    assert len(err.splitlines()) == 1
    assert "a smaller rate helps" in err

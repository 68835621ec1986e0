"""One call of ``subgrid train``: the folder, the log, signals, and the rounds of active learning."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from subgrid.api import RunFolderError, ScenarioError, SubgridError
from subgrid.tasks import TRAINING, checked, heard_by, read_kind, with_overrides, write_json
from subgrid_ml.config import TrainingFile
from subgrid_ml.data import find_runs
from subgrid_ml.figures import draw_losses, draw_plane
from subgrid_ml.trainer import CHECKPOINT, WEIGHTS, Trainer

__all__ = ["Session", "StoppedTraining", "read_training_file"]

FILES = (CHECKPOINT, WEIGHTS, "weights.json", "loss.png", "training.log", "rounds.json", "plane.png")


class StoppedTraining(SubgridError):
    """Training was stopped; a checkpoint was written, and ``--resume`` goes on."""

    exit_code = 75


def read_training_file(path: Path, overrides: Sequence[str] = ()) -> TrainingFile:
    """A checked training file. Raises ScenarioError with a line for every problem."""
    problems: list[str] = []
    options = checked(TrainingFile, with_overrides(read_kind(path, TRAINING), overrides), "", problems)
    if options is None:
        raise ScenarioError([f"{path}: {problem}" for problem in problems])
    return options


class Session:
    """Trains once, or again and again with the worst runs of a pool added."""

    def __init__(self, file: TrainingFile, folder: Path, out: Path, command: str, show: bool) -> None:
        self.file, self.folder, self.out, self.command, self.show = file, folder, out, command, show
        self._stop_reason = ""

    def run(self, resume: bool, overwrite: bool, stop_after: int | None) -> Iterator[str]:
        """Train into the folder and tell what came of it, line by line.

        Raises StoppedTraining after Ctrl-C or ``stop_after`` steps.
        """
        self._prepare(resume, overwrite)
        training, validation = (find_runs(self.file.data.training, self.folder, "data.training"), [])
        if self.file.data.validation:
            validation = find_runs(self.file.data.validation, self.folder, "data.validation")
        with heard_by(self._signalled), (self.out / "training.log").open("a", encoding="utf-8") as log:
            self._log = log
            if self.file.active_learning is None:
                trainer = self._train(self.out, training, validation, resume, stop_after)
                yield from self._summary(trainer)
            else:
                yield from self._rounds(training, validation, stop_after)

    def _prepare(self, resume: bool, overwrite: bool) -> None:
        begun = any((self.out / name).exists() for name in FILES)
        if resume and not begun:
            raise RunFolderError(f"{self.out}: holds no training to resume")
        if begun and not (resume or overwrite):
            raise RunFolderError(f"{self.out}: holds a training already; --resume goes on, --overwrite begins anew")
        if overwrite:
            for name in FILES:
                (self.out / name).unlink(missing_ok=True)
            for part in self.out.glob("round_*"):
                shutil.rmtree(part)
        self.out.mkdir(parents=True, exist_ok=True)

    def _train(
        self, out: Path, training: list[Path], validation: list[Path], resume: bool, stop_after: int | None
    ) -> Trainer:
        out.mkdir(exist_ok=True)
        trainer = Trainer(self.file, self.folder, training, validation)
        self._tell(f"train {self.file.closure['type']} on {len(trainer.data)} frames of {len(training)} runs")
        if resume and (out / CHECKPOINT).exists():
            trainer.restore(out)
            self._tell(f"resume after {trainer.progress.total} steps")
        else:
            trainer.begin()
        limit = None if stop_after is None else trainer.progress.total + stop_after

        def stop(total: int) -> str:
            return self._stop_reason or (f"stopped after {total} steps" if total == limit else "")

        clock = Clock(trainer, self._tell)
        reason = trainer.train(out, clock.tell, stop)
        draw_losses(trainer.progress.history, out / "loss.png")
        if reason:
            self._tell(reason)
            raise StoppedTraining(f"{out}: {reason}; go on with --resume")
        trainer.weights(self.command).save(out / WEIGHTS)
        return trainer

    def _summary(self, trainer: Trainer) -> Iterator[str]:
        figures = json.loads((self.out / "weights.json").read_text())["figures"]
        for path, error in figures["relative_error"].items():
            beside = "".join(f", {name} {errors[path]:.3e}" for name, errors in figures["baselines"].items())
            yield f"{path}: relative error {error:.3e}{beside}"
        yield f"{trainer.progress.total} steps in {trainer.progress.seconds:.1f} s, weights in {self.out / WEIGHTS}"

    def _rounds(self, training: list[Path], validation: list[Path], stop_after: int | None) -> Iterator[str]:
        """Train, rank the runs of the pool that were not used, add the worst, and train again.

        Each round has a folder; one whose weights exist is not repeated, so that resuming needs nothing else.
        """
        active = self.file.active_learning
        assert active is not None
        pool = [run for run in find_runs(active.pool, self.folder, "active_learning.pool") if run not in validation]
        records: list[dict[str, Any]] = _stored_rounds(self.out / "rounds.json")
        for number in range(active.rounds + 1):
            if number < len(records):
                training = [*training, *map(Path, records[number]["added"])]
                continue
            out = self.out / f"round_{number}"
            trainer = self._train(out, training, validation, resume=True, stop_after=stop_after)
            runs = {str(run.path): run for run in trainer.opened(pool)}
            errors = {path: trainer.error(run) for path, run in runs.items()}
            unseen = sorted((path for path in errors if Path(path) not in training), key=lambda path: -errors[path])
            worst = [path for path in unseen if errors[path] > active.tolerance]
            added = worst[: active.add] if number < active.rounds else []
            places = {path: [run.option(axis) for axis in active.axes] for path, run in runs.items()}
            records.append({"errors": errors, "places": places, "training": [*map(str, training)], "added": added})
            write_json(self.out / "rounds.json", {"rounds": records})
            mean = sum(errors.values()) / len(errors)
            yield (
                f"round {number}: {len(training)} runs, error over the pool mean {mean:.3e}, "
                f"largest {max(errors.values()):.3e}; adds {', '.join(Path(path).name for path in added) or 'nothing'}"
            )
            training = [*training, *map(Path, added)]
            if not added:
                break
        shutil.copy(self.out / f"round_{len(records) - 1}" / WEIGHTS, self.out / WEIGHTS)
        draw_plane(records[0], records[-1], active.axes, self.out / "plane.png")
        yield f"weights in {self.out / WEIGHTS}, error over the parameters in {self.out / 'plane.png'}"

    def _tell(self, text: str) -> None:
        self._log.write(f"{datetime.now().astimezone().isoformat(timespec='seconds')} {text}\n")
        self._log.flush()
        if self.show:
            print(text, file=sys.stderr)

    def _signalled(self, name: str) -> None:
        self._stop_reason = f"stopped by {name}"


class Clock:
    """Adds to each line of progress how long the rest of its stage will take."""

    def __init__(self, trainer: Trainer, tell: Any) -> None:
        self._trainer, self._tell = trainer, tell
        self._mark = (time.monotonic(), trainer.progress.total)

    def tell(self, text: str) -> None:
        progress = self._trainer.progress
        now, (then, total) = time.monotonic(), self._mark
        options = self._trainer.phases[progress.phase].options
        left = (options.steps - progress.step) * (now - then) / max(1, progress.total - total)
        self._mark = (now, progress.total)
        self._tell(f"{text}  {int(left // 60)}m{int(left % 60):02d}s left")


def _stored_rounds(path: Path) -> list[dict[str, Any]]:
    try:
        rounds: list[dict[str, Any]] = json.loads(path.read_text())["rounds"]
        return rounds
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunFolderError(f"{path}: cannot be read ({error}); begin anew with --overwrite") from error

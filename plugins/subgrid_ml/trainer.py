"""The training loop: stages one after the other, resumed to the same bits."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from subgrid.api import Array, RunFolderError, ScenarioError, Slot, Streams, SubgridError
from subgrid.tasks import SCENARIO, Registry, read_kind
from subgrid_ml.config import PointwiseOptions, RolloutOptions, TrainingFile
from subgrid_ml.data import Batches, DataSet, StoredRun
from subgrid_ml.losses import LABEL, RunRollout, pointwise_loss, relative_error, scenario_data, windows
from subgrid_ml.trainable import MeasuredClosure, TrainableClosure
from subgrid_ml.weights import Weights, read_tensors, write_tensors

__all__ = ["Trainer", "TrainingError"]

CHECKPOINT = "checkpoint.safetensors"
WEIGHTS = "weights.safetensors"
DECAY, SQUARED_DECAY, EPSILON = 0.9, 0.999, 1e-8
"""Adam's constants (Kingma and Ba, 2015)."""
CHECKPOINT_SECONDS = 30.0
CHECK_FRAMES = 32
"""Frames of the validation runs that pointwise training looks at."""


class TrainingError(SubgridError):
    """Training broke down."""

    exit_code = 5


@dataclass
class Progress:
    """Where training stands: everything that a checkpoint holds beside arrays."""

    phase: int = 0
    step: int = 0
    updates: int = 0
    best: float = math.inf
    fruitless: int = 0
    seconds: float = 0.0
    total: int = 0
    losses: list[float] = field(default_factory=list)
    history: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Phase:
    """A stage at one horizon (0 for pointwise training), and where it lies within its stage."""

    stage: int
    options: PointwiseOptions | RolloutOptions
    horizon: int
    part: int
    parts: int

    @property
    def label(self) -> str:
        return f"{self.stage}/{self.horizon}"

    def rate(self, step: int) -> float:
        """Learning rate, falling along a cosine over the whole stage."""
        done = (self.part + step / self.options.steps) / self.parts
        low = self.options.last_rate
        return self.options.rate * (low + (1.0 - low) * 0.5 * (1.0 + math.cos(math.pi * done)))

    def __str__(self) -> str:
        return f"stage {self.stage + 1}, {self.options.loss}" + (f", horizon {self.horizon}" if self.horizon else "")


class Trainer:
    """Trains the closure of a training file on stored runs.

    All random numbers depend on the seed and on counters alone, so that a checkpoint holds parameters, the optimiser's
    moments and counters, and nothing else. Raises ScenarioError when file, data and closure do not fit together.
    """

    def __init__(self, file: TrainingFile, folder: Path, training: Sequence[Path], validation: Sequence[Path]) -> None:
        torch.set_num_threads(file.threads)
        if shared := sorted({*training} & {*validation}):
            raise ScenarioError(f"data: {shared[0]} is a training run and a validation run")
        self.file, self.folder, self.registry = file, folder, Registry.load()
        self.scenario = read_kind(folder / file.scenario, SCENARIO)
        self.runs, self.checks = (
            [StoredRun.open(path, file.data.after, file.data.before) for path in paths]
            for paths in (training, validation)
        )
        self._rollouts: dict[Path, RunRollout] = {}
        first = RunRollout(self.runs[0], self._scenario_data(self.runs[0]), self.registry, folder)
        simulation = first.rollout.simulation
        self.closure, self.backend = _trainable(first.closure, file.closure), first.backend
        slot = next(entry.slot for entry in simulation.closures.plugged if entry.label == LABEL)
        self.slot: Slot = simulation.solver.slots[slot]
        self.target = file.data.target or self.slot.name
        names = tuple(dict.fromkeys((*self.closure.inputs, self.target)))
        for run in (*self.runs, *self.checks):
            run.require(names, self.slot.name)
        self.mesh_axes = simulation.mesh.ndim
        self.data = DataSet(tuple(self.runs), names, self.mesh_axes)
        self.phases = [
            Phase(number, options, horizon, part, len(_horizons(options)))
            for number, options in enumerate(file.stages)
            for part, horizon in enumerate(_horizons(options))
        ]
        self.digests = {self.told(run): run.digest() for run in (*self.runs, *self.checks)}
        self.progress = Progress()
        self.ranges: dict[str, list[float]] = {}
        self.parameters: dict[str, Any] = {}
        self.constants: dict[str, Any] = {}
        self.best: dict[str, Any] = {}
        self.moments: dict[str, Any] = {}
        self._batches: dict[str, Batches] = {}

    def begin(self) -> None:
        """First parameters, normalisation and ranges, from all inputs of the training runs."""
        names = self.closure.inputs
        for part in self.data.samples():
            for name in names:
                low, high = self.ranges.get(name, (math.inf, -math.inf))
                self.ranges[name] = [min(low, float(part[name].min())), max(high, float(part[name].max()))]
        samples = ({name: self.backend.asarray(part[name], "real") for name in names} for part in self.data.samples())
        self.closure.begin(samples, Streams(self.file.seed, "begin").generator("parameters"))
        self._take(self.closure.parameters, self.closure.constants)
        self.best = {name: values.detach().clone() for name, values in self.parameters.items()}

    def train(self, out: Path, tell: Callable[[str], None], stop: Callable[[int], str]) -> str:
        """Go on until the last stage has ended, or until ``stop(updates)`` gives a reason, which is returned.

        Leaves a checkpoint every half minute and at the end.
        """
        started, saved = time.monotonic() - self.progress.seconds, time.monotonic()
        while self.progress.phase < len(self.phases):
            phase, step = self.phases[self.progress.phase], self.progress.step
            if step == 0 and phase.part == 0:
                zeros = {name: torch.zeros_like(values) for name, values in self.parameters.items()}
                self.moments = {f"{order}/{name}": zeros[name].clone() for order in ("1", "2") for name in zeros}
                self.progress.updates = 0
            if step == 0 and self.checks:
                self.progress.best = self._validation(phase)
            if step == 0 and self.checks:
                self.progress.best = self._validation(phase)
            self.progress.losses.append(self._update(phase, step))
            self.progress.step += 1
            self.progress.updates += 1
            self.progress.total += 1
            over = self.progress.step == phase.options.steps
            if over or self.progress.step % phase.options.check_every == 0:
                self.progress.seconds = time.monotonic() - started
                over = self._look(phase, float(np.mean(self.progress.losses)), tell) or over
                self.progress.losses.clear()
            if over:
                self._end_phase()
            reason = stop(self.progress.total)
            if reason or over or time.monotonic() - saved > CHECKPOINT_SECONDS:
                self.progress.seconds, saved = time.monotonic() - started, time.monotonic()
                self.save_checkpoint(out)
            if reason and self.progress.phase < len(self.phases):
                return reason
        return ""

    def weights(self, command: str) -> Weights:
        """The trained closure with its card. Reads all runs once more for the errors that the card tells."""
        arrays = {**self.constants, **self.parameters}
        card = {
            "name": self.file.name,
            "closure": self.file.closure["type"],
            "architecture": dict(self.closure.architecture),
            "slot": self.slot.name,
            "inputs": list(self.closure.inputs),
            "range": self.ranges,
            "data": {"sha256": self.digests, "frames": len(self.data), "target": self.target},
            "training": {
                "command": command,
                "file": self.file.model_dump(mode="json"),
                "seconds": round(self.progress.seconds, 1),
                "steps": self.progress.total,
                "torch": torch.__version__,
            },
            "figures": {
                "relative_error": {self.told(run): self.error(run) for run in self.checks or self.runs},
                "baselines": self.baseline_errors(),
            },
        }
        return Weights({name: self.backend.to_numpy(values) for name, values in arrays.items()}, card)

    def told(self, run: StoredRun) -> str:
        """A run as cards and tables name it: its place as seen from the training file."""
        return Path(os.path.relpath(run.path, self.folder)).as_posix()

    def opened(self, paths: Sequence[Path]) -> list[StoredRun]:
        """Other runs of the same kind. Raises ScenarioError when one does not hold what the slot is about."""
        runs = [StoredRun.open(path, self.file.data.after, self.file.data.before) for path in paths]
        for run in runs:
            run.require(self.data.names, self.slot.name)
        return runs

    def error(self, run: StoredRun, closure: Any = None) -> float:
        """Relative mean square error of answers over all frames of a run."""
        with torch.no_grad():
            return relative_error(closure or self.closure, run, self.target, self.mesh_axes, self.backend)

    def baseline_errors(self) -> dict[str, dict[str, float]]:
        """Errors of the baselines over the validation runs, measured as those of the closure are."""
        errors = {}
        for table in self.file.baselines:
            data = self._scenario_data(self.runs[0], table)
            judged = Judged(RunRollout(self.runs[0], data, self.registry, self.folder).closure, self.closure)
            errors[str(table.get("label", table.get("type")))] = {
                self.told(run): self.error(run, judged) for run in self.checks or self.runs
            }
        return errors

    def save_checkpoint(self, out: Path) -> None:
        """Everything that training goes on from, by atomic rename."""
        groups = {
            "parameters": self.parameters, "constants": self.constants, "best": self.best, "moments": self.moments
        }  # fmt: skip
        tensors = {
            f"{group}/{name}": self.backend.to_numpy(values)
            for group, arrays in groups.items()
            for name, values in arrays.items()
        }
        write_tensors(
            out / CHECKPOINT, tensors, {**self._binding(), "progress": asdict(self.progress), "range": self.ranges}
        )

    def restore(self, out: Path) -> None:
        """Go on from a checkpoint. Raises RunFolderError, naming the first change, when file or data have changed."""
        tensors, state = read_tensors(out / CHECKPOINT)
        for key, value in self._binding().items():
            if state.get(key) != value:
                raise RunFolderError(
                    f"{out / CHECKPOINT}: {_first_change(state.get(key), value, key)}; train anew, or change it back"
                )
        groups: dict[str, dict[str, Any]] = {"parameters": {}, "constants": {}, "best": {}, "moments": {}}
        for path, values in tensors.items():
            group, _, name = path.partition("/")
            groups[group][name] = self.backend.asarray(values)
        self._take(groups["parameters"], groups["constants"])
        self.best, self.moments = groups["best"], groups["moments"]
        self.progress, self.ranges = Progress(**state["progress"]), state["range"]

    def _binding(self) -> dict[str, Any]:
        file = json.loads(self.file.model_dump_json(exclude={"active_learning", "baselines", "description"}))
        return {"file": file, "data": self.digests}

    def _take(self, parameters: Mapping[str, Array], constants: Mapping[str, Array]) -> None:
        self.parameters = {name: values.detach().clone().requires_grad_() for name, values in parameters.items()}
        self.constants = {name: values.detach().clone() for name, values in constants.items()}
        for closure in (self.closure, *(rollout.closure for rollout in self._rollouts.values())):
            closure.adopt(self.parameters, self.constants)

    def _scenario_data(self, run: StoredRun, closure: Mapping[str, Any] | None = None) -> dict[str, Any]:
        return scenario_data(self.scenario, closure or self.file.closure, run, self.file.take, self.file.threads)

    def _rollout(self, run: StoredRun) -> RunRollout:
        if run.path not in self._rollouts:
            made = RunRollout(run, self._scenario_data(run), self.registry, self.folder)
            made.closure.adopt(self.parameters, self.constants)
            self._rollouts[run.path] = made
        return self._rollouts[run.path]

    def _update(self, phase: Phase, step: int) -> float:
        """One step of the optimiser. Returns the loss."""
        total, gradients = 0.0, [torch.zeros_like(values) for values in self.parameters.values()]
        # one loss after the other, so that one graph is in memory at a time
        for loss in self._losses(phase, step):
            for gradient, part in zip(
                gradients, torch.autograd.grad(loss, list(self.parameters.values())), strict=True
            ):
                gradient += part
            total += float(loss.detach())
        norm = math.sqrt(sum(float((gradient**2).sum()) for gradient in gradients))
        if not (math.isfinite(total) and math.isfinite(norm)):
            raise TrainingError(
                f"{phase}, step {step}: the loss is {total:g}, its gradient {norm:g}; a smaller rate helps"
            )
        self._descend(gradients, min(1.0, phase.options.clip / max(norm, 1e-300)), phase.rate(step))
        return total

    def _losses(self, phase: Phase, step: int) -> Iterator[Array]:
        options = phase.options
        if isinstance(options, PointwiseOptions):
            yield self._pointwise(phase, step)
            return
        if options.pointwise:
            yield options.pointwise * self._pointwise(phase, step)
        rng = Streams(self.file.seed, phase.label, step).generator("windows")
        for rollout, start in windows([self._rollout(run) for run in self.runs], phase.horizon, rng, options.windows):
            yield rollout.loss(start, phase.horizon, options.compare) / options.windows

    def _pointwise(self, phase: Phase, step: int) -> Array:
        options = phase.options
        if phase.label not in self._batches:
            sizes = options.frames, options.points, options.refresh
            self._batches = {phase.label: Batches(self.data, self.file.seed, phase.label, *sizes)}
        batches = self._batches[phase.label]
        return pointwise_loss(self.closure, batches(step), self.target, batches.axes, self.backend)

    def _descend(self, gradients: Sequence[Array], factor: float, rate: float) -> None:
        """Adam's step with clipped gradients."""
        count = self.progress.updates + 1
        with torch.no_grad():
            for (name, values), gradient in zip(self.parameters.items(), gradients, strict=True):
                first, second = self.moments[f"1/{name}"], self.moments[f"2/{name}"]
                first.mul_(DECAY).add_(factor * gradient, alpha=1.0 - DECAY)
                second.mul_(SQUARED_DECAY).add_((factor * gradient) ** 2, alpha=1.0 - SQUARED_DECAY)
                size = (second / (1.0 - SQUARED_DECAY**count)).sqrt_().add_(EPSILON)
                values.sub_(rate / (1.0 - DECAY**count) * first / size)

    def _look(self, phase: Phase, loss: float, tell: Callable[[str], None]) -> bool:
        """Compare with the validation runs and keep the best parameters. Tells whether it is time to end the phase."""
        progress, checked = self.progress, self._validation(phase) if self.checks else None
        score = progress.updates * -1.0 if checked is None else checked
        if score < progress.best:
            progress.best, progress.fruitless = score, 0
            self.best = {name: values.detach().clone() for name, values in self.parameters.items()}
        else:
            progress.fruitless += 1
        rate = phase.rate(progress.step)
        progress.history.append(
            {"phase": str(phase), "update": self.progress.total, "loss": loss, "validation": checked, "rate": rate}
        )
        against = "" if checked is None else f"  validation {checked:.4e}"
        tell(f"{phase}: {progress.step}/{phase.options.steps}  loss {loss:.4e}{against}  rate {rate:.2e}")
        return progress.fruitless >= phase.options.patience

    def _validation(self, phase: Phase) -> float:
        """Loss on the same batch or windows of the validation runs every time; infinite where a run breaks down."""
        options, rng = phase.options, Streams(self.file.seed, "check").generator(phase.label)
        with torch.no_grad():
            if isinstance(options, PointwiseOptions):
                data = DataSet(tuple(self.checks), self.data.names, self.mesh_axes)
                batches = Batches(data, self.file.seed, "check", CHECK_FRAMES, options.points, 1)
                return float(pointwise_loss(self.closure, batches(0), self.target, batches.axes, self.backend))
            rollouts = [self._rollout(run) for run in self.checks]
            chosen = list(windows(rollouts, phase.horizon, rng, options.check_windows))
            try:
                losses = [float(rollout.loss(start, phase.horizon, options.compare)) for rollout, start in chosen]
            except SubgridError:
                return math.inf
        return float(np.nan_to_num(np.mean(losses), nan=math.inf))

    def _end_phase(self) -> None:
        """Go on with the best parameters of a phase, whose losses say nothing about the next."""
        with torch.no_grad():
            for name, values in self.parameters.items():
                values.copy_(self.best[name])
        self.progress.phase += 1
        self.progress.step, self.progress.fruitless, self.progress.best = 0, 0, math.inf


class Judged:
    """A closure whose answers are compared as those of another one are."""

    def __init__(self, closure: Any, judge: Any) -> None:
        self._judge, self.evaluate = judge, closure.evaluate
        self.inputs = tuple(dict.fromkeys((*closure.inputs, *judge.inputs)))

    def measure(self, inputs: Mapping[str, Array], answer: Array) -> Array:
        """As `subgrid_ml.trainable.MeasuredClosure`; the answer itself where the judge does not measure."""
        return self._judge.measure(inputs, answer) if isinstance(self._judge, MeasuredClosure) else answer


def _horizons(options: PointwiseOptions | RolloutOptions) -> tuple[int, ...]:
    return options.horizons if isinstance(options, RolloutOptions) else (0,)


def _trainable(closure: Any, table: Mapping[str, Any]) -> TrainableClosure:
    if not isinstance(closure, TrainableClosure):
        raise ScenarioError(f"closure.type: {table['type']!r} has nothing to train (see subgrid_ml.trainable)")
    return closure


def _first_change(was: Any, now: Any, path: str) -> str:
    if isinstance(was, Mapping) and isinstance(now, Mapping):
        key = next(key for key in (*now, *was) if was.get(key) != now.get(key))
        return _first_change(was.get(key), now.get(key), f"{path}.{key}")
    return f"{path} was {str(was)[:100]} and is {str(now)[:100]}"

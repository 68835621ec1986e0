"""Every number of a comparison, from the folders of its runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from subgrid.compare.execution import Ending
from subgrid.compare.metrics import (
    Array,
    correlation,
    crossing_time,
    mean_and_spread,
    spectrum_error,
    tail_error,
)
from subgrid.compare.plan import Member, Plan
from subgrid.compare.reference import OwnReference, Reference, SharpFilter, compared_modes
from subgrid.compare.statistics import TAIL_LEVELS, Statistics, of_run, pooled
from subgrid.mesh import Grid
from subgrid.output import RunFolder
from subgrid.scenario import Scenario

Numbers = dict[str, float]


@dataclass(frozen=True)
class Trace:
    """Correlation with the reference at the times of common frames, for one member."""

    times: Array
    correlations: Array


@dataclass(frozen=True)
class VariantResult:
    """What came out of one variant, over all its seeds.

    ``numbers`` holds the value of each metric (see `subgrid.compare.table`), ``spread`` its standard deviation between
    seeds. ``statistics`` and ``reference`` are None when no member lasted until the statistics begin. ``compared`` is
    the number of wavenumbers, from zero, that count.
    """

    name: str
    outcome: str
    numbers: Numbers
    spread: Numbers
    statistics: Statistics | None
    reference: Statistics | None
    compared: int
    traces: tuple[Trace, ...]
    endings: tuple[Ending, ...]
    folders: tuple[Path, ...]
    mesh: Grid | None


class Evaluator:
    """Evaluates variants against the reference of their seed."""

    def __init__(self, plan: Plan, references: Mapping[int, Reference]) -> None:
        self.plan = plan
        self.references = references
        self.metrics = plan.metrics
        self._known: dict[tuple[int, Grid, str], Statistics] = {}

    def evaluate(self, name: str, endings: Mapping[Path, Ending]) -> VariantResult:
        """Numbers of one variant: statistics from the pooled ensemble, costs as means, spreads between seeds."""
        members = self.plan.variants[name]
        scenario = self.plan.scenarios[f"variants.{name}"]
        ended = [endings[member.folder] for member in members]
        ran = [member for member, ending in zip(members, ended, strict=True) if ending.status != "failed"]
        traces = [self._trace(member) for member in ran]
        stable = [m for m, ending in zip(members, ended, strict=True) if ending.status == "finished"]
        own = [self._of_run(member) for member in stable]
        measured = [(m, s) for m, s in zip(stable, own, strict=True) if s is not None]
        mesh = RunFolder(ran[0].folder).mesh() if ran else None
        numbers, spread = _costs(ran)
        statistics = reference = None
        compared = 0
        if measured and mesh is not None:
            compared = compared_modes(min(mesh.shape), self.metrics.k_max)
            statistics = pooled([s for _, s in measured])
            reference = self._reference([m.seed for m, _ in measured], scenario, mesh)
            numbers |= _accuracy(statistics, reference, compared)
            single = [_accuracy(s, self._reference([m.seed], scenario, mesh), compared) for m, s in measured]
            spread |= {key: mean_and_spread([row[key] for row in single])[1] for key in single[0]}
        lasting = [crossing_time(t.times, t.correlations, self.metrics.correlation) for t in traces if t.times.size]
        if lasting:
            numbers["correlation_time"], spread["correlation_time"] = mean_and_spread(lasting)
        return VariantResult(
            name=name,
            outcome=_outcome(ended),
            numbers=numbers,
            spread=spread,
            statistics=statistics,
            reference=reference,
            compared=compared,
            traces=tuple(traces),
            endings=tuple(ended),
            folders=tuple(member.folder for member in members),
            mesh=mesh,
        )

    def _of_run(self, member: Member) -> Statistics | None:
        return of_run(RunFolder(member.folder), self.metrics)

    def _reference(self, seeds: Sequence[int], scenario: Scenario, mesh: Grid) -> Statistics:
        references = [self.references[seed] for seed in seeds]
        if not isinstance(references[0], OwnReference):
            return references[0].statistics(scenario, mesh)
        return pooled([self._measured(seed, scenario, mesh) for seed in seeds])

    def _measured(self, seed: int, scenario: Scenario, mesh: Grid) -> Statistics:
        labels = {path.partition(".")[0] for path in self.metrics.series.values()}
        observers = str([choice.options for choice in scenario.observers if choice.label in labels])
        key = (seed, mesh, observers)
        if key not in self._known:
            self._known[key] = self.references[seed].statistics(scenario, mesh)
        return self._known[key]

    def _trace(self, member: Member) -> Trace:
        run = RunFolder(member.folder)
        name = self.metrics.field
        if name is None:
            return Trace(np.zeros(0), np.zeros(0))
        known = self.references[member.seed].frames(run.mesh())
        times = run.frame_times()
        if known is None or times.size == 0:
            return Trace(np.zeros(0), np.zeros(0))
        pairs = common_frames(times, known.times)
        sharp = SharpFilter(run.mesh(), run.mesh(), self.metrics.k_max)
        values = [correlation(sharp(np.asarray(run.frame(name, i), dtype=np.float64)), known[j]) for i, j in pairs]
        return Trace(np.asarray([times[i] for i, _ in pairs]), np.asarray(values))


def common_frames(times: Array, others: Array) -> list[tuple[int, int]]:
    """Index pairs of equal times."""
    pairs = []
    for i, time in enumerate(times):
        j = int(np.argmin(np.abs(others - time))) if others.size else -1
        if j >= 0 and np.isclose(others[j], time, rtol=1e-9, atol=1e-9):
            pairs.append((i, j))
    return pairs


def _accuracy(statistics: Statistics, reference: Statistics, compared: int) -> Numbers:
    numbers: Numbers = {}
    if statistics.spectrum is not None and reference.spectrum is not None:
        error = spectrum_error(statistics.spectrum, reference.spectrum, compared)
        wanted = reference.spectrum.up_to(compared).total
        numbers |= {"spectrum_error": error.rms, "spectrum_low": error.low, "spectrum_high": error.high}
        numbers["resolved_ratio"] = statistics.spectrum.up_to(compared).total / wanted if wanted > 0 else float("nan")
    if statistics.histogram is not None:
        for level in TAIL_LEVELS:
            numbers[f"tail_error_{level:g}"] = tail_error(statistics.histogram, dict(reference.quantiles), level)
        numbers |= {"std": statistics.std, "kurtosis": statistics.kurtosis}
    for path, value in statistics.means.items():
        wanted = reference.means.get(path, float("nan"))
        numbers |= {f"mean:{path}": value, f"mean_error:{path}": value / wanted - 1.0 if wanted else float("nan")}
    return numbers


def _costs(members: Sequence[Member]) -> tuple[Numbers, Numbers]:
    costs = [RunFolder(member.folder).costs() for member in members]
    numbers, spread = {}, {}
    for key in ("wall_seconds", "steps", "evaluations", "peak_memory_mb"):
        if costs:
            numbers[key], spread[key] = mean_and_spread([float(cost[key]) for cost in costs])
    return numbers, spread


def _outcome(endings: Sequence[Ending]) -> str:
    broken = [ending.time for ending in endings if ending.status == "blown up"]
    failed = sum(ending.status == "failed" for ending in endings)
    share = f" ({len(broken)} of {len(endings)})" if len(endings) > 1 else ""
    if failed:
        return "failed" + (f" ({failed} of {len(endings)})" if len(endings) > 1 else "")
    return f"blown up at t = {min(broken):.3g}{share}" if broken else "stable"

"""From a comparison file to the runs that it needs: spin-up, reference and every variant with every seed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from subgrid import __version__
from subgrid.compare.options import CompareFile, MetricsOptions
from subgrid.compare.requirements import completed, missing, unmeasurable
from subgrid.errors import ScenarioError
from subgrid.overrides import merged
from subgrid.registry import Registry
from subgrid.scenario import Scenario, parse, to_toml

Data = dict[str, Any]


@dataclass(frozen=True)
class Member:
    """One run of the comparison.

    ``key`` changes with everything that the result follows from: the resolved scenario, the version of subgrid, and the
    run it starts from. A finished run with the same key need not be computed again.
    """

    name: str
    seed: int
    folder: Path
    data: Data
    scenario_folder: Path
    key: str


@dataclass(frozen=True)
class Plan:
    """All runs, in the order they can be done: each of ``stages`` needs only those before it.

    ``metrics`` say what is compared, with everything that the file leaves out filled in.
    """

    stages: tuple[tuple[Member, ...], ...]
    references: Mapping[int, Member]
    variants: Mapping[str, tuple[Member, ...]]
    scenarios: Mapping[str, Scenario]
    metrics: MetricsOptions


class Planner:
    """Builds and checks the scenario of every run before any of them starts."""

    def __init__(self, file: CompareFile, out: Path, registry: Registry) -> None:
        self.file = file
        self.out = out
        self.registry = registry
        self.problems: list[str] = []
        self.scenarios: dict[str, Scenario] = {}
        self.base: Data = {key: value for key, value in file.scenario.items() if key != "expect"}
        seed = self.base.get("seed", 0)
        self.seeds: tuple[int, ...] = file.options.seeds or (seed if isinstance(seed, int) else 0,)

    def plan(self) -> Plan:
        """Raises ScenarioError with a line for every problem of every variant."""
        sources: dict[int, Member] = {}
        references: dict[int, Member] = {}
        stages: list[tuple[Member, ...]] = []
        reference = self.file.options.reference
        if reference.set is not None:
            fine = merged(self.base, reference.set)
            if reference.spin_up is None:
                references = {seed: self._member("reference", seed, fine) for seed in self.seeds}
                sources = references
            else:
                spin_up = self._spin_up(fine, reference.spin_up)
                sources = {seed: self._member("spin_up", seed, spin_up) for seed in self.seeds}
                references = {
                    seed: self._member("reference", seed, self._continued(fine, sources[seed]), sources[seed])
                    for seed in self.seeds
                }
            stages.append(tuple(sources.values()))
        variants = {
            variant.name: tuple(self._variant(variant.name, variant.set, seed, sources) for seed in self.seeds)
            for variant in self.file.options.variants
        }
        metrics = completed(self.file.options.metrics, self.scenarios)
        self.problems += missing(metrics, self.scenarios)
        if not self.problems:
            self.problems += unmeasurable(metrics, self.scenarios, self.registry)
        if self.problems:
            raise ScenarioError([f"{self.file.path}: {problem}" for problem in self.problems])
        last = [] if references is sources else list(references.values())
        # the members of one variant lie apart, so that runs of equal length share the cores
        last += [members[index] for index in range(len(self.seeds)) for members in variants.values()]
        return Plan((*stages, tuple(last)), references, variants, self.scenarios, metrics)

    def _spin_up(self, fine: Data, time: float) -> Data:
        output = dict(fine.get("output", {}))
        output.pop("every", None)
        only_the_end = {**output, "at": [time], "precision": "float64"}
        return merged(fine, {"time": {"end": time}}) | {"output": only_the_end, "observers": []}

    def _continued(self, data: Data, source: Member | None) -> Data:
        """The scenario starting from the last frame of a spin-up, or from the first one of the reference."""
        if source is None:
            return data
        spin_up = self.file.options.reference.spin_up
        start = data.get("time", {}).get("start", 0.0) if spin_up is None else spin_up
        initial = {"type": "from_run", "run": str(source.folder.resolve()), "time": start}
        return merged(data, {"time": {"start": start}}) | {"initial": initial}

    def _variant(self, name: str, changes: Data, seed: int, sources: Mapping[int, Member]) -> Member:
        source = sources.get(seed)
        return self._member(f"variants.{name}", seed, merged(self._continued(self.base, source), changes), source)

    def _member(self, name: str, seed: int, data: Data, source: Member | None = None) -> Member:
        # One thread each: the cores are shared out between runs, and results do not depend on who runs beside.
        threads = {"threads": 1, **data.get("backend", {})}
        data = {**data, "seed": seed, "name": name.replace("variants.", "").replace("+", "_"), "backend": threads}
        text = ""
        if not any(problem.startswith(f"{name}.") for problem in self.problems):
            try:
                self.scenarios[name] = parse(data, self.registry, self.file.scenario_folder)
                text = to_toml(self.scenarios[name])
            except ScenarioError as error:
                self.problems += [f"{name}.{problem}" for problem in error.problems]
        key = hashlib.sha256("\0".join([__version__, text, source.key if source else ""]).encode()).hexdigest()
        folder = self.out / "runs" / name.replace("variants.", "variant_") / f"seed_{seed}"
        return Member(name.replace("variants.", ""), seed, folder, data, self.file.scenario_folder, key)

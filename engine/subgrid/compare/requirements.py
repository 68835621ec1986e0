"""What a comparison asks of its runs, found out before any of them starts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from subgrid.assembly import Simulation, assemble
from subgrid.backend import Backend
from subgrid.compare.options import MetricsOptions
from subgrid.errors import ScenarioError, SubgridError
from subgrid.protocols import Observer, Quantity, Setup
from subgrid.registry import Registry
from subgrid.rng import Streams
from subgrid.scenario import Choice, Scenario

SPECTRUM = ("enstrophy_spectrum", "spectrum")
PDF = ("vorticity_pdf", "probability")
FIELD = "vorticity"


def completed(metrics: MetricsOptions, scenarios: Mapping[str, Scenario]) -> MetricsOptions:
    """The metrics with what was left out filled in from what every run has; None stays where there is nothing.

    Spectrum: ``enstrophy_spectrum``, else the first observer whose type ends in "spectrum". Distribution:
    ``vorticity_pdf``. Field: ``vorticity``, else the first stored quantity.
    """
    variants = [scenario for name, scenario in scenarios.items() if name.startswith("variants.")]
    if not variants:
        return metrics
    labels = _common([[choice.label for choice in scenario.observers] for scenario in variants])
    spectra = {choice.label for choice in variants[0].observers if choice.type.endswith("spectrum")}
    stored = _common([scenario.output.quantities for scenario in scenarios.values()])
    changes: dict[str, Any] = {}
    if metrics.spectrum is None:
        changes["spectrum"] = _path(SPECTRUM[0], SPECTRUM[1], labels, [name for name in labels if name in spectra])
    if metrics.pdf is None:
        changes["pdf"] = _path(PDF[0], PDF[1], labels, [])
    if metrics.field is None:
        changes["field"] = FIELD if FIELD in stored else next(iter(stored), None)
    return metrics.model_copy(update=changes)


def missing(metrics: MetricsOptions, scenarios: Mapping[str, Scenario]) -> list[str]:
    """A line for every observer, quantity and time that the metrics name and a scenario does not have."""
    return [line for name, scenario in scenarios.items() for line in _missing(metrics, name, scenario)]


def unmeasurable(metrics: MetricsOptions, scenarios: Mapping[str, Scenario], registry: Registry) -> list[str]:
    """A line for everything that keeps the completed metrics from being measured. Assembles the variants."""
    if not metrics.series and metrics.field is None:
        return ["metrics: nothing to compare; the variants have no spectrum, vorticity_pdf or frames in common"]
    problems = []
    for name, scenario in scenarios.items():
        if name.startswith("variants."):
            problems += _unmeasurable(metrics, name, scenario, scenarios.get("reference"), registry)
    return list(dict.fromkeys(problems))


def _common(lists: Sequence[Sequence[str]]) -> list[str]:
    return [name for name in lists[0] if all(name in other for other in lists)]


def _path(label: str, variable: str, labels: Sequence[str], others: Sequence[str]) -> str | None:
    chosen = label if label in labels else next(iter(others), None)
    return None if chosen is None else f"{chosen}.{variable}"


def _missing(metrics: MetricsOptions, name: str, scenario: Scenario) -> list[str]:
    problems = []
    labels = [choice.label for choice in scenario.observers]
    for key, path in metrics.series.items():
        label = path.partition(".")[0]
        if name.startswith("variants.") and label not in labels:
            where = "means" if key in metrics.means else key
            problems.append(f"metrics.{where}: {name} has no observer {label!r}; it has: {', '.join(labels) or 'none'}")
    if metrics.field is not None and metrics.field not in scenario.output.quantities:
        offered = ", ".join(scenario.output.quantities) or "nothing"
        problems.append(f"metrics.field: {name} stores no {metrics.field!r}; output.quantities: {offered}")
    if metrics.after is not None and name != "spin_up" and metrics.after >= scenario.time.end:
        problems.append(f"metrics.after: {metrics.after:g} lies beyond {name}, which ends at {scenario.time.end:g}")
    return problems


def _unmeasurable(
    metrics: MetricsOptions, name: str, scenario: Scenario, reference: Scenario | None, registry: Registry
) -> list[str]:
    """What keeps the observers of one variant from measuring it, or the frames of the reference, in a common unit."""
    try:
        simulation = assemble(scenario, registry)
    except ScenarioError as error:
        return [f"{name}: {problem}" for problem in error.problems]
    except SubgridError:
        return []  # a variant that fails is a result
    problems = []
    for key, path in metrics.series.items():
        label, _, variable = path.partition(".")
        where = "means" if key in metrics.means else key
        choice = next(choice for choice in scenario.observers if choice.label == label)
        declared = simulation.observed[label]
        if variable not in declared:
            problems.append(f"metrics.{where}: {label!r} has no variable {variable!r}; it has {', '.join(declared)}")
        elif where == "means" and declared[variable].dims:
            over = ", ".join(declared[variable].dims)
            problems.append(f"metrics.means: {path!r} is no single number, it has values over {over}")
        elif key == "pdf" and _in_own_units(choice):
            problems.append(
                f"{name}.observers ({label}): {choice.type}.std is missing: each field would be measured in its own "
                "standard deviations, which hides differences; give std, the same for all"
            )
        if reference is not None:
            problems += _not_stored(choice, simulation, reference, registry)
    return problems


def _in_own_units(choice: Choice) -> bool:
    """Whether a histogram scales its bins by each field, as ``std`` left empty asks for."""
    options = choice.options.model_dump()
    return "std" in options and options["std"] is None and not options.get("edges")


def _not_stored(choice: Choice, simulation: Simulation, reference: Scenario, registry: Registry) -> list[str]:
    """What an observer reads that the frames of the reference lack."""
    offered = simulation.solver.quantities
    stored = {name: offered[name] for name in reference.output.quantities if name in offered}
    observer: Observer = registry.create(choice.component, choice.options)
    lacking = [name for name in observer.needs if name not in stored]
    if not lacking:
        scenario = simulation.scenario
        setup = Setup(simulation.mesh, Backend(), choice.label, Streams(0, choice.label), 0.0, scenario.folder)

        def fits(quantities: Mapping[str, Quantity]) -> bool:
            try:
                registry.create(choice.component, choice.options).setup(setup, quantities)
            except ScenarioError:
                return False
            return True

        lacking = _lacking(fits, stored, offered)
    return [
        f"scenario.output.quantities: add {quantity!r}, which {choice.label!r} reads from the frames of the reference"
        for quantity in lacking
    ]


def _lacking(
    fits: Callable[[Mapping[str, Quantity]], bool], stored: Mapping[str, Quantity], offered: Mapping[str, Quantity]
) -> list[str]:
    """The first quantity with which an observer that names no needs would have enough; none when it has."""
    if fits(stored):
        return []
    return [next((name for name in offered if fits({**stored, name: offered[name]})), "all quantities")]

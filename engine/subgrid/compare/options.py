"""The comparison file: which variants of a scenario are run, against what they are judged, and by which numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from subgrid.errors import ScenarioError
from subgrid.filekind import COMPARISON, SCENARIO, read_kind
from subgrid.options import Options, Unit
from subgrid.overrides import merged, with_overrides
from subgrid.validation import checked

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_+.-]+$", max_length=80)]


def _is_series(path: str) -> str:
    label, _, variable = path.partition(".")
    if not (label and variable) or "." in variable:
        raise ValueError("is not <observer label>.<variable>, such as energy.energy")
    return path


SeriesPath = Annotated[str, AfterValidator(_is_series)]
Changes = Annotated[dict[str, Any], Field(description="changes to the scenario; lists replace, tables merge")]


class VariantOptions(Options):
    """One way to run the scenario."""

    name: Annotated[Name, Field(description="its name in tables and figures")]
    set: Annotated[Changes, Field(default_factory=dict)]


class ReferenceOptions(Options):
    """What the variants are judged against: an own finer run (``set``), or stored ``statistics``."""

    set: Changes | None = None
    spin_up: Annotated[float, Unit("s"), Field(description="time at which the variants leave the reference")] | None = (
        None
    )
    statistics: Annotated[str, Field(min_length=1, description="JSON file, relative to the comparison")] | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> ReferenceOptions:
        if (self.set is None) == (self.statistics is None):
            raise ValueError("give either set (an own reference run) or statistics (a stored one)")
        if self.statistics is not None and self.spin_up is not None:
            raise ValueError("spin_up belongs to an own reference run; stored statistics have none")
        return self


class MetricsOptions(Options):
    """Which numbers are compared, as ``<observer label>.<variable>``, and over which times and wavenumbers.

    What is left out is taken from what every run stores (see `subgrid.compare.requirements.completed`), or is off.
    """

    spectrum: Annotated[SeriesPath, Field(description="a series over wavenumber")] | None = None
    pdf: Annotated[SeriesPath, Field(description="a histogram with its bin edges")] | None = None
    means: Annotated[
        tuple[SeriesPath, ...],
        Field(description="series of single numbers whose means over time are compared"),
    ] = ()
    field: Annotated[str, Field(min_length=1, description="quantity of the frames")] | None = None
    after: Annotated[float, Unit("s"), Field(description="statistics begin here; default: the start")] | None = None
    k_max: Annotated[
        float, Field(gt=0, le=0.5, description="wavenumbers are compared below this fraction of the number of points")
    ] = 1.0 / 3.0
    correlation: Annotated[float, Field(gt=0, lt=1, description="correlation that counts as lost")] = 0.8

    @property
    def series(self) -> dict[str, str]:
        """Every path that is compared: of ``spectrum``, of ``pdf``, and each of ``means`` under itself."""
        pairs = {"spectrum": self.spectrum, "pdf": self.pdf, **{path: path for path in self.means}}
        return {key: path for key, path in pairs.items() if path is not None}


class CompareOptions(Options):
    """A comparison file."""

    name: Annotated[Name, Field(description="short name")] = "comparison"
    description: Annotated[str, Field(description="the question that is asked")] = ""
    base: Annotated[str, Field(min_length=1, description="scenario file, relative to the comparison")] | None = None
    scenario: Annotated[
        dict[str, Any], Field(default_factory=dict, description="scenario given in place of base, or changes to it")
    ]
    seeds: Annotated[
        tuple[Annotated[int, Field(ge=0, lt=2**64)], ...],
        Field(description="an ensemble; default: the scenario's seed"),
    ] = ()
    baseline: Annotated[str, Field(description="the variant that others are set in relation to")]
    reference: ReferenceOptions
    metrics: MetricsOptions = MetricsOptions()
    variants: Annotated[tuple[VariantOptions, ...], Field(min_length=1, description="what is compared")]

    @model_validator(mode="after")
    def _consistent(self) -> CompareOptions:
        names = [variant.name for variant in self.variants]
        twice = [name for name, count in Counter(names).items() if count > 1]
        if twice:
            raise ValueError(f"variants: {twice[0]!r} is the name of two variants")
        if self.baseline not in names:
            raise ValueError(f"baseline: {self.baseline!r} is no variant; choose from {', '.join(names)}")
        if self.base is None and not self.scenario:
            raise ValueError("give base (a scenario file) or a [scenario] table")
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError("seeds: a seed stands there twice")
        return self


@dataclass(frozen=True)
class CompareFile:
    """A checked comparison file and the scenario data it starts from. Relative paths start from ``folder``."""

    options: CompareOptions
    scenario: Mapping[str, Any]
    path: Path

    @property
    def folder(self) -> Path:
        """Folder of the comparison file."""
        return self.path.parent

    @property
    def scenario_folder(self) -> Path:
        """Where relative paths in the scenario's own options start from."""
        return self.folder if self.options.base is None else (self.folder / self.options.base).parent


def load(path: Path, overrides: Sequence[str] = ()) -> CompareFile:
    """Read a comparison file.

    Overrides such as ``scenario.time.end=5`` reach the base scenario as well. Raises ScenarioError with a line for
    every problem.
    """
    data = with_overrides(read_kind(path, COMPARISON), overrides)
    problems: list[str] = []
    data.setdefault("name", path.stem)
    options = checked(CompareOptions, data, "", problems)
    if problems or options is None:
        raise ScenarioError([f"{path}: {problem.lstrip(': ')}" for problem in problems])
    scenario: dict[str, Any] = {} if options.base is None else read_kind(path.parent / options.base, SCENARIO)
    return CompareFile(options, merged(scenario, options.scenario), path)

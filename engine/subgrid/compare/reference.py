"""What variants are judged against: an own finer run, filtered onto their grid, or stored statistics."""

from __future__ import annotations

import json
import math
import weakref
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryFile
from typing import Protocol

import numpy as np

from subgrid.backend import Backend
from subgrid.compare.metrics import Array, Spectrum
from subgrid.compare.options import MetricsOptions
from subgrid.compare.statistics import Statistics, from_time, of_run, of_series
from subgrid.errors import RunFolderError, ScenarioError
from subgrid.kernels.resample import SpectralResampling
from subgrid.mesh import Grid
from subgrid.output import RunFolder
from subgrid.protocols import Observer, Quantity, Setup
from subgrid.registry import Registry
from subgrid.rng import Streams
from subgrid.scenario import Choice, Scenario
from subgrid.state import Clock


class Reference(Protocol):
    """``description`` says in one line what it is; ``source`` where it comes from.

    ``spectrum`` is its own, unfiltered one, as far as it reaches.
    """

    description: str
    source: str

    @property
    def spectrum(self) -> Spectrum | None: ...

    def statistics(self, scenario: Scenario, mesh: Grid) -> Statistics:
        """What a perfect closure would show on this mesh, measured with the observers of this scenario."""

    def frames(self, mesh: Grid) -> KeptFrames | None:
        """Frames (..., *mesh) of the compared quantity on this mesh, where there are any."""


class KeptFrames:
    """Frames of one shape, kept in a file that nobody else sees: however many there are, one is in memory at a time.

    ``frames`` is worked through once; ``folder`` is where the file stands, for as long as this object lives.
    """

    def __init__(self, times: Array, frames: Iterable[Array], folder: Path) -> None:
        self.times = times
        self._shape: tuple[int, ...] = ()
        self._file = TemporaryFile(dir=folder)  # noqa: SIM115  closed with the object
        weakref.finalize(self, self._file.close)
        for values in frames:
            self._shape = values.shape
            self._file.write(np.ascontiguousarray(values, dtype=np.float64).tobytes())

    def __getitem__(self, index: int) -> Array:
        size = 8 * math.prod(self._shape)
        self._file.seek(index * size)
        frame: Array = np.frombuffer(self._file.read(size)).reshape(self._shape)
        return frame


class SharpFilter:
    """Fields of a source grid on a target grid, with the modes |m| < ``k_max`` N of each axis of the target only."""

    def __init__(self, source: Grid, target: Grid, k_max: float) -> None:
        shape = tuple(min(n, 2 * int(np.ceil(k_max * n - 1e-9))) for n in target.shape)
        between = Grid(shape, target.length, target.origin, target.boundaries)
        self._down = SpectralResampling(source, between)
        self._up = SpectralResampling(between, target)

    def __call__(self, values: Array) -> Array:
        return self._up(self._down(values))


def compared_modes(points: int, k_max: float) -> int:
    """How many wavenumbers n, counted from zero, are compared: n < floor(``k_max`` N).

    For N = 32 and k_max = 1/3 that is 1 ... 9: published comparisons leave out the last, only partly filled, n = 10.
    """
    return int(np.floor(k_max * points + 1e-9))


class OwnReference:
    """A finer run. Its frames pass a sharp spectral filter onto a variant's mesh and then the variant's own observers,
    so both sides are measured alike and lack the same scales: those from ``k_max`` times the number of points on, which
    a dealiased variant cannot carry."""

    def __init__(self, run: RunFolder, metrics: MetricsOptions, registry: Registry) -> None:
        self.run = run
        self.metrics = metrics
        self.registry = registry
        grid = run.mesh()
        solver = run.scenario()["solver"]["type"]
        self.description = f"own run of {solver} on {'x'.join(map(str, grid.shape))}, filtered onto each variant's grid"
        self.source = str(run.path)
        self._kept: dict[tuple[str, Grid], KeptFrames] = {}

    @cached_property
    def spectrum(self) -> Spectrum | None:
        own = of_run(self.run, self.metrics)
        if own is None or own.spectrum is None:
            return None
        return own.spectrum.up_to(compared_modes(min(self.run.mesh().shape), self.metrics.k_max))

    @cached_property
    def _quantities(self) -> Mapping[str, Quantity]:
        return self.run.quantities()

    def frames(self, mesh: Grid) -> KeptFrames | None:
        return None if self.metrics.field is None else self._filtered(self.metrics.field, mesh)

    def statistics(self, scenario: Scenario, mesh: Grid) -> Statistics:
        tables = {}
        for key, path in self.metrics.series.items():
            label, _, variable = path.partition(".")
            choice = next(choice for choice in scenario.observers if choice.label == label)
            tables[key] = self._observed(choice, variable, scenario, mesh)
        return of_series(tables)

    def _observed(self, choice: Choice, variable: str, scenario: Scenario, mesh: Grid) -> tuple[Array, Quantity]:
        """The series that an observer gives on the filtered frames."""
        observer: Observer = self.registry.create(choice.component, choice.options)
        setup = Setup(mesh, Backend(), choice.label, Streams(0, choice.label), 0.0, scenario.folder)
        declared = observer.setup(setup, self._quantities)
        times = self.run.frame_times()
        chosen = np.nonzero(from_time(times, self.metrics.after))[0]
        names = observer.needs or tuple(self._quantities)
        fields = {name: self._filtered(name, mesh) for name in names}
        rows = [
            observer.observe({name: kept[int(i)] for name, kept in fields.items()}, Clock(float(times[i])))[variable]
            for i in chosen
        ]
        if not rows:
            raise ScenarioError(f"metrics.after: {self.metrics.after} lies after the last frame of the reference")
        return np.stack(rows), declared[variable]

    def _filtered(self, name: str, mesh: Grid) -> KeptFrames:
        if (name, mesh) not in self._kept:
            sharp, times = SharpFilter(self.run.mesh(), mesh, self.metrics.k_max), self.run.frame_times()
            frames = (sharp(np.asarray(self.run.frame(name, i), dtype=np.float64)) for i in range(len(times)))
            self._kept[name, mesh] = KeptFrames(times, frames, self.run.path)
        return self._kept[name, mesh]


class StoredReference:
    """Statistics from a JSON file: a published spectrum, or those of a run that is too long to repeat.

    ::

        {"description": "...", "source": "where the numbers come from, or the command that regenerates them",
         "spectrum": {"wavenumber": [...], "values": [...], "multiplicity": [...]},
         "std": 6.4, "kurtosis": 3.9, "quantiles": {"0.001": -22.0, "0.999": 22.0}}

    Wavenumbers may have gaps, which are interpolated in log S over log k. Everything but description, source, and the
    spectrum's wavenumber and values may be missing. Raises RunFolderError when the file cannot be read that way.
    """

    def __init__(self, path: Path) -> None:
        try:
            content = json.loads(path.read_text())
            self.description = str(content["description"])
            self.source = str(content["source"])
            table = content["spectrum"]
            self._wavenumber = np.asarray(table["wavenumber"], dtype=np.float64)
            self._values = np.asarray(table["values"], dtype=np.float64)
            self._multiplicity = np.asarray(table.get("multiplicity", np.ones_like(self._values)), dtype=np.float64)
            self._std = float(content.get("std", np.nan))
            self._kurtosis = float(content.get("kurtosis", np.nan))
            self._quantiles = {float(level): float(value) for level, value in content.get("quantiles", {}).items()}
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise RunFolderError(f"reference.statistics: {path} cannot be read ({error!r})") from error
        if not self._wavenumber.shape == self._values.shape == self._multiplicity.shape or self._values.ndim != 1:
            raise ScenarioError(f"reference.statistics: {path}: spectrum columns differ in length")
        if np.any(np.diff(self._wavenumber) <= 0) or np.any(self._values <= 0):
            raise ScenarioError(f"reference.statistics: {path}: wavenumbers must increase and values be positive")

    @property
    def spectrum(self) -> Spectrum:
        return Spectrum(self._wavenumber, self._values, self._multiplicity)

    def frames(self, mesh: Grid) -> None:
        return None

    def statistics(self, scenario: Scenario, mesh: Grid) -> Statistics:
        first = 2.0 * np.pi / max(mesh.length)
        count = round(self._wavenumber[-1] / first) + 1
        wavenumber = first * np.arange(count)
        values = np.interp(np.log(wavenumber[1:]), np.log(self._wavenumber[1:]), np.log(self._values[1:]))
        spectrum = Spectrum(
            wavenumber,
            np.concatenate([self._values[:1], np.exp(values)]),
            np.interp(wavenumber, self._wavenumber, self._multiplicity),
        )
        return Statistics(spectrum, None, self._quantiles, self._std, self._kurtosis, 0)

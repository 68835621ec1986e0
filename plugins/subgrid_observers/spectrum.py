"""Wavenumber spectra whose sums are the domain means exactly (Parseval)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subgrid.api import Array, Clock, Grid, Quantity, ScenarioError, Setup
from subgrid_observers.config import EnergySpectrumConfig, EnstrophySpectrumConfig, Form, PowerSpectrumConfig
from subgrid_observers.velocity import Velocity


class ModeBins:
    """Sorts the modes of a real field into wavenumber bins.

    ``isotropic``: bin n collects the modes with n - 1/2 <= |k| L / (2 pi) < n + 1/2, L the longest side. The sum over
    bins is ``<q^2>/2``.

    ``x``, ``y``: one-dimensional spectra S(k) of two-sided modes, k >= 0, summed over the other axes.
    ``axis_averaged``: the mean of these over all axes, for square domains. Here ``S(0) + 2 sum_{k>0} S(k) = <q^2>/2``
    (the convention of Mojgani et al. 2023, arXiv:2312.00907). ``multiplicity`` holds these factors.

    A mode at the Nyquist wavenumber has no partner of opposite sign; half of it is stored, so the sum stays exact.
    """

    def __init__(self, label: str, grid: Grid, form: Form) -> None:
        self.shape = grid.shape
        self.axes = tuple(range(-grid.ndim, 0))
        modes = [np.abs(np.fft.fftfreq(n, 1.0 / n)) for n in grid.shape[:-1]]
        modes.append(np.fft.rfftfreq(grid.shape[-1], 1.0 / grid.shape[-1]))
        mesh = np.meshgrid(*modes, indexing="ij")
        pairs = np.full(mesh[-1].shape, 2.0)
        pairs[..., 0] = 1.0
        if grid.shape[-1] % 2 == 0:
            pairs[..., -1] = 1.0
        power = 0.5 * pairs / float(np.prod(grid.shape)) ** 2
        if form == "isotropic":
            longest = max(grid.length)
            k_sq = sum((m * longest / length) ** 2 for m, length in zip(mesh, grid.length, strict=True))
            self._bins = [np.floor(np.sqrt(k_sq) + 0.5).astype(np.int64)]
            self._factors = [power]
        else:
            axes = [grid.axes.index(axis) for axis in _axes(label, grid, form)]
            longest = grid.length[axes[0]]
            self._bins = [mesh[axis].astype(np.int64) for axis in axes]
            self._factors = [power * np.where(mesh[axis] > 0, 0.5, 1.0) / len(axes) for axis in axes]
        self.count = 1 + max(int(bins.max()) for bins in self._bins)
        self.wavenumber = 2.0 * np.pi / longest * np.arange(self.count)
        self.multiplicity = np.ones(self.count)
        if form != "isotropic":
            self.multiplicity[1:] = 2.0

    def spectrum(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Spectrum (..., bin) of real fields (..., *mesh)."""
        modes = np.abs(np.fft.rfftn(values, axes=self.axes)) ** 2
        leading = modes.shape[: modes.ndim - len(self.axes)]
        rows = modes.reshape(-1, *modes.shape[len(leading) :])
        result = np.zeros((rows.shape[0], self.count))
        for bins, factor in zip(self._bins, self._factors, strict=True):
            for row, mode in zip(result, rows, strict=True):
                row += np.bincount(bins.ravel(), weights=(factor * mode).ravel(), minlength=self.count)
        return result.reshape(*leading, self.count)

    def quantity(self, leading: tuple[str, ...], units: str, description: str) -> Quantity:
        """Declaration of a spectrum with these axes before the wavenumber."""
        coordinates = {"wavenumber": self.wavenumber, "multiplicity": self.multiplicity}
        return Quantity((*leading, "wavenumber"), units, "none", coordinates, description)


def _axes(label: str, grid: Grid, form: Form) -> tuple[str, ...]:
    if form == "axis_averaged":
        if not np.allclose(grid.length, grid.length[0], rtol=1e-12):
            raise ScenarioError(
                f"observers ({label}): form 'axis_averaged' needs equal side lengths, got {grid.length}; "
                "choose 'isotropic', 'x' or 'y'"
            )
        return grid.axes
    if form not in grid.axes:
        raise ScenarioError(f"observers ({label}): form {form!r} needs an axis of that name, the grid has {grid.axes}")
    return (form,)


class EnergySpectrum:
    """Spectrum of the kinetic energy per unit mass [m2/s2 for each bin]; its sum is ``<|u|^2>/2`` (see `ModeBins`)."""

    needs: tuple[str, ...] = ()

    def __init__(self, config: EnergySpectrumConfig) -> None:
        self.form: Form = config.form

    def __repr__(self) -> str:
        return f"EnergySpectrum(form={self.form!r})"

    def setup(self, setup: Setup, quantities: Mapping[str, Quantity]) -> Mapping[str, Quantity]:
        self.backend = setup.backend
        self.velocity = Velocity(setup.label, setup.mesh, quantities)
        self.bins = ModeBins(setup.label, setup.mesh, self.form)
        return {"spectrum": self.bins.quantity(self.velocity.dims, "m2/s2", f"energy spectrum, {self.form}")}

    def observe(self, view: Mapping[str, Array], clock: Clock) -> Mapping[str, Any]:
        """Return ``spectrum`` [m2/s2], shape (..., bin)."""
        velocity = self.velocity.read(view, self.backend)
        return {"spectrum": self.bins.spectrum(velocity).sum(axis=0)}


class PowerSpectrum:
    """Spectrum of one scalar field q, in the square of its unit; its sum is ``<q^2>/2`` (see `ModeBins`)."""

    def __init__(self, config: PowerSpectrumConfig) -> None:
        self.quantity = config.quantity
        self.form: Form = config.form
        self.needs: tuple[str, ...] = (config.quantity,)

    def __repr__(self) -> str:
        return f"PowerSpectrum(quantity={self.quantity!r}, form={self.form!r})"

    def setup(self, setup: Setup, quantities: Mapping[str, Quantity]) -> Mapping[str, Quantity]:
        self.backend = setup.backend
        self.bins = ModeBins(setup.label, setup.mesh, self.form)
        described = quantities[self.quantity]
        mesh_axes = setup.mesh.ndim
        if len(described.dims) < mesh_axes:
            raise ScenarioError(f"observers ({setup.label}): {self.quantity!r} is no field over the mesh")
        leading = described.dims[: len(described.dims) - mesh_axes]
        units = squared(described.units)
        return {"spectrum": self.bins.quantity(leading, units, f"spectrum of {self.quantity}^2/2, {self.form}")}

    def observe(self, view: Mapping[str, Array], clock: Clock) -> Mapping[str, Any]:
        """Return ``spectrum``, shape (..., bin)."""
        values = np.asarray(self.backend.to_numpy(view[self.quantity]), dtype=np.float64)
        return {"spectrum": self.bins.spectrum(values)}


class EnstrophySpectrum(PowerSpectrum):
    """Spectrum of the enstrophy per unit mass [1/s2 for each bin]; its sum is ``<w^2>/2`` (see `ModeBins`)."""

    def __init__(self, config: EnstrophySpectrumConfig) -> None:
        super().__init__(PowerSpectrumConfig(quantity="vorticity", form=config.form))

    def __repr__(self) -> str:
        return f"EnstrophySpectrum(form={self.form!r})"


def squared(units: str) -> str:
    """The unit of a square: ``1/s`` gives ``1/s 1/s``, which is read as 1/s2."""
    return f"{units} {units}".strip() if units != "1/s" else "1/s2"

"""Starting flows in two dimensions and two layers.

Random starts draw one number for each Fourier mode, shell after shell outwards, so that grids of different size share
their common modes exactly.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from subgrid.api import Backend, Fields, Grid, ScenarioError, Setup
from subgrid.kernels.fourier import FourierBasis
from subgrid_spectral.config_2d import (
    AtRestConfig,
    FourierMode,
    FourierModesConfig,
    GaussianVortex,
    GaussianVorticesConfig,
    McWilliamsConfig,
    RandomPotentialVorticityConfig,
    TaylorGreenConfig,
)

__all__ = ["AtRest", "FourierModes", "GaussianVortices", "McWilliams", "RandomPotentialVorticity", "TaylorGreen"]

Real = NDArray[np.float64]


class TaylorGreen:
    """Taylor-Green vortices, w = A cos(kx x) cos(ky y): an exact solution that decays as exp(-nu (kx^2 + ky^2) t)."""

    def __init__(self, config: TaylorGreenConfig) -> None:
        self.config = config

    def __repr__(self) -> str:
        return f"TaylorGreen(amplitude={self.config.amplitude:g}, wavenumber={self.config.wavenumber})"

    def fill(self, setup: Setup) -> Fields:
        """``vorticity`` [1/s], shape (ny, nx)."""
        y, x = setup.mesh.meshgrid()
        ky, kx = (2.0 * np.pi * self.config.wavenumber / length for length in setup.mesh.length)
        return {"vorticity": self.config.amplitude * np.cos(kx * x) * np.cos(ky * y)}


class McWilliams:
    """Random phases with |psi_k|^2 ~ 1 / (k (1 + (k/k0)^4)), the start of decaying turbulence (McWilliams 1984).

    Amplitudes are normalised to the kinetic energy of all modes up to ``cutoff``, whether or not the grid holds them.
    """

    def __init__(self, config: McWilliamsConfig) -> None:
        self.config = config

    def __repr__(self) -> str:
        return f"McWilliams(energy={self.config.energy:g}, peak_wavenumber={self.config.peak_wavenumber:g})"

    def fill(self, setup: Setup) -> Fields:
        """``vorticity`` [1/s], shape (ny, nx)."""
        mx, my = modes_by_shell(self.config.cutoff)
        ly, lx = setup.mesh.length
        k_sq = (2.0 * np.pi * mx / lx) ** 2 + (2.0 * np.pi * my / ly) ** 2
        density = 1.0 / (np.sqrt(k_sq) * (1.0 + (k_sq / self.config.peak_wavenumber**2) ** 2))
        # a wave of amplitude a in psi has the energy k^2 a^2 / 4
        scale = np.sqrt(self.config.energy / np.sum(k_sq * density / 4.0))
        phases = setup.rng.generator("phases").uniform(0.0, 2.0 * np.pi, mx.size)
        return {"vorticity": sum_of_waves(setup.mesh, mx, my, -k_sq * scale * np.sqrt(density), phases)}


class GaussianVortices:
    """A sum of Gaussian vortices in vorticity or in streamfunction, rescaled to a kinetic energy when one is given.

    Each vortex is taken with its periodic images; the mean vorticity is removed.
    """

    def __init__(self, config: GaussianVorticesConfig) -> None:
        self.config = config

    def __repr__(self) -> str:
        return f"GaussianVortices({len(self.config.vortices)} in {self.config.quantity}, energy={self.config.energy})"

    def fill(self, setup: Setup) -> Fields:
        """``vorticity`` [1/s], shape (ny, nx)."""
        basis = FourierBasis(setup.mesh, Backend(threads=1))
        total = sum(
            (periodic_gaussian(setup.mesh, vortex) for vortex in self.config.vortices), np.zeros(setup.mesh.shape)
        )
        spectrum = basis.forward(total) * (basis.k_sq > 0)
        if self.config.quantity == "streamfunction":
            spectrum = -basis.k_sq * spectrum
        if self.config.energy is not None:
            energy = 0.5 * basis.mean_product(basis.inverse_k_sq * spectrum, spectrum)
            if energy == 0.0:
                raise ScenarioError("initial.energy: the vortices cancel, so no energy can be given to them")
            spectrum *= np.sqrt(self.config.energy / energy)
        return {"vorticity": basis.backward(spectrum)}


class FourierModes:
    """A sum of waves A cos(2 pi (mx x / Lx + my y / Ly) + phase) in vorticity, or in the potential vorticity of two
    layers.

    A single wave in vorticity is a Rossby wave: an exact nonlinear solution with frequency -beta kx / k^2.
    """

    def __init__(self, config: FourierModesConfig) -> None:
        self.config = config

    def __repr__(self) -> str:
        return f"FourierModes({len(self.config.waves)} in {self.config.quantity})"

    def fill(self, setup: Setup) -> Fields:
        """``vorticity`` (ny, nx) or ``potential_vorticity`` (2, ny, nx) [1/s]."""
        layers = np.zeros((2, *setup.mesh.shape))
        for wave in self.config.waves:
            layers[wave.layer - 1] += plane_wave(setup.mesh, wave)
        if self.config.quantity == "potential_vorticity":
            return {"potential_vorticity": layers}
        return {"vorticity": layers[0] + layers[1]}


class RandomPotentialVorticity:
    """Random phases of equal amplitude in both layers: small noise from which baroclinic instability grows."""

    def __init__(self, config: RandomPotentialVorticityConfig) -> None:
        self.config = config

    def __repr__(self) -> str:
        return f"RandomPotentialVorticity(amplitude={self.config.amplitude:g}, cutoff={self.config.cutoff})"

    def fill(self, setup: Setup) -> Fields:
        """``potential_vorticity`` [1/s], shape (2, ny, nx)."""
        mx, my = modes_by_shell(self.config.cutoff)
        amplitude = np.full(mx.size, self.config.amplitude * np.sqrt(2.0 / mx.size))
        layers = []
        for layer in ("upper", "lower"):
            phases = setup.rng.generator(f"phases {layer}").uniform(0.0, 2.0 * np.pi, mx.size)
            layers.append(sum_of_waves(setup.mesh, mx, my, amplitude, phases))
        return {"potential_vorticity": np.stack(layers)}


class AtRest:
    """No motion: where forced flows and spin-up tests start."""

    def __init__(self, config: AtRestConfig) -> None:
        self.config = config

    def __repr__(self) -> str:
        return f"AtRest({self.config.quantity})"

    def fill(self, setup: Setup) -> Fields:
        """``vorticity`` (ny, nx) or ``potential_vorticity`` (2, ny, nx) [1/s]."""
        layers = (2,) if self.config.quantity == "potential_vorticity" else ()
        return {self.config.quantity: np.zeros((*layers, *setup.mesh.shape))}


def modes_by_shell(cutoff: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Mode numbers mx and my, (modes,) each, of one half plane with max(|mx|, |my|) <= cutoff, shell after shell
    outwards.

    The list for a smaller cutoff is the beginning of the list for a larger one.
    """
    mx, my = np.meshgrid(np.arange(cutoff + 1), np.arange(-cutoff, cutoff + 1), indexing="ij")
    half = (mx > 0) | (my > 0)
    mx, my = mx[half], my[half]
    order = np.lexsort((my, mx, np.maximum(np.abs(mx), np.abs(my))))
    return mx[order], my[order]


def sum_of_waves(mesh: Grid, mx: NDArray[np.int64], my: NDArray[np.int64], amplitude: Real, phase: Real) -> Real:
    """sum_j amplitude_j cos(kx_j x + ky_j y + phase_j) over the modes that the mesh resolves below its Nyquist, on
    (ny, nx)."""
    ny, nx = mesh.shape
    keep = (2 * np.abs(mx) < nx) & (2 * np.abs(my) < ny)
    mx, my = mx[keep], my[keep]
    y0, x0 = (start + mesh.offset * step for start, step in zip(mesh.origin, mesh.spacing, strict=True))
    shift = 2.0 * np.pi * (mx * x0 / mesh.length[1] + my * y0 / mesh.length[0])
    coefficient = 0.5 * amplitude[keep] * np.exp(1j * (phase[keep] + shift)) * nx * ny
    spectrum = np.zeros((ny, nx // 2 + 1), dtype=complex)
    spectrum[my % ny, mx] = coefficient
    axis = mx == 0
    spectrum[-my[axis] % ny, 0] = np.conj(coefficient[axis])
    return FourierBasis(mesh, Backend(threads=1)).backward(spectrum)  # type: ignore[no-any-return]


def plane_wave(mesh: Grid, wave: FourierMode) -> Real:
    """The wave over the mesh, shape (ny, nx)."""
    y, x = mesh.meshgrid()
    mx, my = wave.modes
    angle = 2.0 * np.pi * (mx * x / mesh.length[1] + my * y / mesh.length[0])
    return wave.amplitude * np.cos(angle + wave.phase)  # type: ignore[no-any-return]


def periodic_gaussian(mesh: Grid, vortex: GaussianVortex) -> Real:
    """The Gaussian with its neighbouring periodic images, shape (ny, nx)."""
    images = np.arange(-2, 3)
    profiles = []
    for coordinate, centre, length in zip(mesh.coordinates(), (vortex.y, vortex.x), mesh.length, strict=True):
        distance = coordinate[:, None] - centre - images * length
        profiles.append(np.exp(-((distance / vortex.radius) ** 2)).sum(axis=1))
    return vortex.amplitude * np.outer(*profiles)

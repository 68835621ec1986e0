"""A fine flow as a coarse grid sees it: the inputs of closures, and the subgrid term that they should answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from subgrid.api import Array, Backend, Closure, Grid, Quantity, Setup, Slot, Streams
from subgrid.kernels.fourier import FourierBasis
from subgrid_closures.filters import FilterName, transfer

Dealiasing = Literal["none", "two_thirds"]


@dataclass(frozen=True)
class ResolvedFlow:
    """A filtered flow on a coarse grid.

    Attributes
    ----------
    setup
        What closures need to know of the coarse grid.
    inputs
        All that slots of two-dimensional flow solvers offer, each (..., ny, nx).
    subgrid_term
        ``Pi = J(psib, wb) - filter(J(psi, w))`` [1/s2] (ny, nx): the true answer.
    dealias
        ``"two_thirds"`` when the resolved flow has the modes ``|m| < n/3`` only, ``"none"`` when it fills the grid.
    """

    setup: Setup
    inputs: Mapping[str, Array]
    subgrid_term: NDArray[np.float64]
    dealias: Dealiasing

    @cached_property
    def carried(self) -> Array:
        """True for the modes of the coarse grid that the resolved flow has."""
        return self.basis.mask if self.dealias == "two_thirds" else self.basis.below_nyquist

    @cached_property
    def basis(self) -> FourierBasis:
        return FourierBasis(self.setup.mesh, self.setup.backend)

    def vorticity_tendency(self, closure: Closure) -> NDArray[np.float64]:
        """Pi of a closure [1/s2] (ny, nx); an eddy viscosity acts through its stress.

        Only the modes that the resolved flow carries count, as in a solver.
        """
        name = closure.slots[0]
        setup = replace(self.setup, label=type(closure).__name__)
        closure.setup(setup, Slot(name, {}, Quantity(("y", "x"))))
        answer = closure.evaluate(self.inputs, {})
        if name == "eddy_viscosity":
            spectrum = stress_tendency(self.basis, answer, self.inputs["velocity_gradient"])
        else:
            spectrum = self.basis.forward(answer + 0.0 * self.inputs["vorticity"])
        tendency: NDArray[np.float64] = self.basis.backward(spectrum * self.carried)
        return tendency


def flow_inputs(basis: FourierBasis, vorticity: Array) -> dict[str, Array]:
    """Every closure input from the vorticity spectrum (..., ny, nx // 2 + 1), with ``lap(psi) = w``.

    ``strain_rate`` is ``sqrt(2 S_ij S_ij)``, ``velocity_gradient[i, j]`` is ``du_i/dx_j``, all over (x, y).
    """
    xp, d = basis.backend.xp, basis.derivative
    psi = -basis.inverse_k_sq * vorticity
    u, v = -d(psi, -2), d(psi, -1)
    spectra = [vorticity, psi, u, v, d(u, -1), d(u, -2), d(v, -1), d(vorticity, -1), d(vorticity, -2)]
    w, psi, u, v, u_x, u_y, v_x, w_x, w_y, laplacian = basis.backward(xp.stack([*spectra, -basis.k_sq * vorticity]))
    return {
        "vorticity": w,
        "streamfunction": psi,
        "velocity": xp.stack([u, v]),
        "velocity_gradient": xp.stack([xp.stack([u_x, u_y]), xp.stack([v_x, -u_x])]),
        "strain_rate": xp.sqrt(4.0 * u_x**2 + (u_y + v_x) ** 2),
        "vorticity_gradient": xp.stack([w_x, w_y]),
        "vorticity_laplacian": laplacian,
    }


def stress_tendency(basis: FourierBasis, viscosity: Array, velocity_gradient: Array) -> Array:
    """Spectrum of ``Pi = curl div (2 nu S) = (d_xx - d_yy)(2 nu S_12) - 2 d_xy (2 nu S_11)``."""
    ky, kx = basis.k_derivative
    shear = velocity_gradient[0, 1] + velocity_gradient[1, 0]
    stretch = 2.0 * velocity_gradient[0, 0]
    s12, s11 = basis.forward(basis.backend.xp.stack([viscosity * shear, viscosity * stretch]))
    return (ky**2 - kx**2) * s12 + 2.0 * kx * ky * s11


def advection(basis: FourierBasis, vorticity: Array) -> Array:
    """Spectrum [1/s2] of ``J(psi, w) = div(u w)`` for that of w [1/s], both (..., ny, nx // 2 + 1)."""
    d, xp = basis.derivative, basis.backend.xp
    psi = -basis.inverse_k_sq * vorticity
    w, u, v = basis.backward(xp.stack([vorticity, -d(psi, -2), d(psi, -1)]))
    flux_x, flux_y = basis.forward(xp.stack([u * w, v * w]))
    return d(flux_x, -1) + d(flux_y, -2)


def filtered_flow(
    vorticity: Any,
    mesh: Grid,
    cells: tuple[int, int],
    name: FilterName,
    filter_width_ratio: float,
    dealias: Dealiasing = "none",
) -> ResolvedFlow:
    """Filter a fine vorticity field (ny, nx) over ``mesh`` onto a grid of ``cells`` (ny, nx).

    The filter is the named one with width ``filter_width_ratio`` coarse grid spacings, followed by the truncation to
    the modes of the coarse grid. Published correlations take all of them (``dealias = "none"``). A dealiased solver
    sees ``|m| < n/3`` (``"two_thirds"``), where the truncation weighs more than a smooth filter and correlations are
    lower. Of the fine field the modes ``|m| < n/3`` are used, so that the true term has no aliasing errors.

    Raises ValueError when ``cells`` is finer than the mesh.
    """
    if any(small > fine for small, fine in zip(cells, mesh.shape, strict=True)):
        raise ValueError(f"cells: {cells} is finer than the flow's grid {mesh.shape}")
    backend = Backend(threads=1)
    fine = FourierBasis(mesh, backend)
    coarse = FourierBasis(Grid(cells, mesh.length), backend)
    width = filter_width_ratio * float(np.prod(coarse.grid.spacing)) ** 0.5
    highest = 2.0 * np.pi / (3.0 if dealias == "two_thirds" else 2.0) * (1.0 - 1e-9)
    carried = [np.abs(k) * h < highest for k, h in zip(fine.k, coarse.grid.spacing, strict=True)]
    response = transfer(name, fine, width) * (carried[0] & carried[1])
    spectrum = fine.forward(np.asarray(vorticity, dtype=np.float64)) * fine.mask
    filtered = response * spectrum
    exact = advection(fine, filtered) - response * advection(fine, spectrum)
    return ResolvedFlow(
        setup=Setup(coarse.grid, backend, "a_priori", Streams(0, "a_priori"), 0.0, Path()),
        inputs=flow_inputs(coarse, fine.truncate(filtered, coarse)),
        subgrid_term=coarse.backward(fine.truncate((carried[0] & carried[1]) * exact, coarse)),
        dealias=dealias,
    )

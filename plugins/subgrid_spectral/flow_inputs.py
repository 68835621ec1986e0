"""What two-dimensional solvers show to closures, and how an eddy viscosity becomes a vorticity tendency.

Sign convention: ``lap(psi) = w``, ``u = -psi_y``, ``v = psi_x``, ``w = v_x - u_y``. Arrays may carry a layer axis
before (y, x).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from subgrid.api import Array, Closures, Quantity, Slot
from subgrid.kernels.fourier import FourierBasis

__all__ = ["FlowSpectra", "closure_slots", "closure_tendency", "eddy_viscosity_tendency"]


class FlowSpectra(Mapping[str, Array]):
    """Flow quantities in physical space by name, computed when first read from the spectra of vorticity and
    streamfunction, and kept until the object is dropped.

    Parameters
    ----------
    vorticity, streamfunction
        Spectra (..., ny, nx // 2 + 1).
    mean_flow
        Uniform velocity [m/s] by component (x, y), added to the derived ``velocity``; each entry is a number or an
        array of one value for each layer that broadcasts over the mesh.
    """

    def __init__(
        self,
        basis: FourierBasis,
        vorticity: Array,
        streamfunction: Array,
        mean_flow: tuple[Array, Array] = (0.0, 0.0),
    ) -> None:
        self.basis = basis
        self.vorticity = vorticity
        self.streamfunction = streamfunction
        self.mean_flow = mean_flow
        # not LazyFields: it would hold a function that holds this object, and the arrays of every evaluation would wait
        # for the garbage collector
        self._known: dict[str, Array] = {}

    def __getitem__(self, name: str) -> Array:
        if name not in self._known:
            if name not in FLOW_INPUTS:
                raise KeyError(f"{name!r} is not offered here; choose from {', '.join(FLOW_INPUTS)}")
            self._known[name] = getattr(self, f"_{name}")()
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        return iter(FLOW_INPUTS)

    def __len__(self) -> int:
        return len(FLOW_INPUTS)

    def _back(self, *spectra: Array) -> Array:
        return self.basis.backward(self.basis.backend.xp.stack(spectra))

    def _vorticity(self) -> Array:
        return self.basis.backward(self.vorticity)

    def _streamfunction(self) -> Array:
        return self.basis.backward(self.streamfunction)

    def _velocity(self) -> Array:
        d, psi = self.basis.derivative, self.streamfunction
        u, v = self._back(-d(psi, -2), d(psi, -1))
        return self.basis.backend.xp.stack([u + self.mean_flow[0], v + self.mean_flow[1]])

    def _velocity_gradient(self) -> Array:
        d, psi = self.basis.derivative, self.streamfunction
        u, v = -d(psi, -2), d(psi, -1)
        u_x, u_y, v_x = self._back(d(u, -1), d(u, -2), d(v, -1))
        xp = self.basis.backend.xp
        # incompressible: v_y = -u_x saves a transform
        return xp.stack([xp.stack([u_x, u_y]), xp.stack([v_x, -u_x])])

    def _strain_rate(self) -> Array:
        (u_x, u_y), (v_x, _) = self["velocity_gradient"]
        return self.basis.backend.xp.sqrt((2.0 * u_x) ** 2 + (u_y + v_x) ** 2)

    def _vorticity_gradient(self) -> Array:
        d, w = self.basis.derivative, self.vorticity
        return self._back(d(w, -1), d(w, -2))

    def _vorticity_laplacian(self) -> Array:
        return self.basis.backward(-self.basis.k_sq * self.vorticity)


def _input_quantities(dims: tuple[str, ...]) -> dict[str, Quantity]:
    return {
        "vorticity": Quantity(dims, "1/s", description="relative vorticity w = v_x - u_y"),
        "streamfunction": Quantity(dims, "m2/s", description="streamfunction, lap(psi) = w"),
        "velocity": Quantity(("component", *dims), "m/s", description="velocity (u, v)"),
        "velocity_gradient": Quantity(
            ("component", "direction", *dims), "1/s", description="G[i, j] = du_i/dx_j, i and j over (x, y)"
        ),
        "strain_rate": Quantity(dims, "1/s", description="|S| = sqrt(2 S_ij S_ij)"),
        "vorticity_gradient": Quantity(("component", *dims), "1/(m s)", description="(w_x, w_y)"),
        "vorticity_laplacian": Quantity(dims, "1/(m2 s)", description="lap(w)"),
    }


FLOW_INPUTS = tuple(_input_quantities(("y", "x")))
"""Names of what `FlowSpectra` offers."""


def closure_slots(dims: tuple[str, ...], advected: str) -> dict[str, Slot]:
    """The two additive questions that flows with (layered) arrays over ``dims`` ask: ``eddy_viscosity`` and
    ``subgrid_forcing``; ``advected`` names the variable that the forcing changes."""
    inputs = _input_quantities(dims)
    return {
        "eddy_viscosity": Slot("eddy_viscosity", inputs, Quantity(dims, "m2/s", description="eddy viscosity nu_e")),
        "subgrid_forcing": Slot(
            "subgrid_forcing", inputs, Quantity(dims, "1/s2", description=f"subgrid tendency Pi of the {advected}")
        ),
    }


def eddy_viscosity_tendency(
    basis: FourierBasis, nu: Array, inputs: Mapping[str, Array], vorticity: Array, form: str
) -> Array:
    """Spectrum of the vorticity tendency of an eddy viscosity.

    ``stress``: Pi = curl div (2 nu S) = (d_xx - d_yy)(2 nu S12) - 2 d_xy (2 nu S11); ``gradient``: Pi = div(nu grad
    w). Both are nu lap w for uniform nu, which then needs no transform: ``nu`` of length one along y and x, or a
    number.
    """
    if getattr(nu, "ndim", 0) == 0 or tuple(nu.shape[-2:]) == (1, 1):
        return -basis.k_sq * nu * vorticity
    xp = basis.backend.xp
    ky, kx = basis.k_derivative
    if form == "gradient":
        w_x, w_y = inputs["vorticity_gradient"]
        flux_x, flux_y = basis.forward(xp.stack([nu * w_x, nu * w_y]))
        return 1j * kx * flux_x + 1j * ky * flux_y
    (u_x, u_y), (v_x, _) = inputs["velocity_gradient"]
    s11, s12 = basis.forward(xp.stack([2.0 * nu * u_x, nu * (u_y + v_x)]))
    return (ky**2 - kx**2) * s12 + 2.0 * kx * ky * s11


def closure_tendency(flow: FlowSpectra, closures: Closures, form: str) -> Array:
    """Spectrum [1/s2] of what all closures together do to the (potential) vorticity, (..., ny, nx // 2 + 1), not
    dealiased."""
    total = flow.basis.backend.xp.zeros_like(flow.vorticity)
    if "eddy_viscosity" in closures:
        nu = closures("eddy_viscosity", flow)
        total = total + eddy_viscosity_tendency(flow.basis, nu, flow, flow.vorticity, form)
    if "subgrid_forcing" in closures:
        answer = closures("subgrid_forcing", flow)
        total = total + flow.basis.forward(flow.basis.over_mesh(answer))
    return total

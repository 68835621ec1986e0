"""Forms of the advection agree and conserve energy and enstrophy; the fused path equals its definition."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from subgrid.api import Backend
from subgrid_spectral.config_2d import NavierStokes2DConfig
from subgrid_spectral.navier_stokes import NavierStokes2D

SHAPES = [(48, 32), (27, 45), (64, 64)]
LENGTH = (3.0, 7.0)


def noise(shape: tuple[int, int], seed: int = 0) -> dict[str, Any]:
    return {"vorticity": np.random.default_rng(seed).standard_normal(shape)}


def started(plane_run: Any, shape: tuple[int, int], backend: Backend | None = None, **options: Any) -> Any:
    solver = NavierStokes2D(NavierStokes2DConfig(**options))
    return plane_run(solver, shape, LENGTH, backend=backend).start(noise(shape))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("form", ["flux", "advective", "skew_symmetric"])
def test_dealiased_forms_agree_to_rounding(plane_run: Any, shape: tuple[int, int], form: str) -> None:
    expected = started(plane_run, shape).tendency()["vorticity"]
    rate = started(plane_run, shape, advection=form).tendency()["vorticity"]
    assert np.abs(rate - expected).max() < 1e-13 * np.abs(expected).max()


@pytest.mark.parametrize("shape", SHAPES)
def test_advection_conserves_energy_and_enstrophy(plane_run: Any, shape: tuple[int, int]) -> None:
    run = started(plane_run, shape)
    basis, w, rate = run.solver.basis, run.fields["vorticity"], run.tendency()["vorticity"]
    psi = w * basis.inverse_k_sq
    for conjugate in (w, psi):
        scale = np.sqrt(basis.mean_product(conjugate, conjugate) * basis.mean_product(rate, rate))
        assert abs(basis.mean_product(conjugate, rate)) < 1e-14 * scale


@pytest.mark.parametrize("form", ["flux", "skew_symmetric"])
def test_aliased_enstrophy_is_kept_by_the_skew_symmetric_form_only(plane_run: Any, form: str) -> None:
    run = started(plane_run, (32, 32), dealias="none", advection=form)
    # white noise on all modes aliases strongly; modes at the Nyquist wavenumber have no derivative and stay out
    keep = run.solver.basis.below_nyquist
    run.fields = {"vorticity": run.fields["vorticity"] * keep}
    basis, w = run.solver.basis, run.fields["vorticity"]
    rate = run.tendency()["vorticity"]
    relative = abs(basis.mean_product(w, rate)) / np.sqrt(basis.mean_product(w, w) * basis.mean_product(rate, rate))
    assert relative < 1e-14 if form == "skew_symmetric" else relative > 1e-4


@pytest.mark.parametrize("shape", [*SHAPES, (15, 8)])
@pytest.mark.parametrize("dealias", ["two_thirds", "none"])
@pytest.mark.parametrize("fft", ["scipy", "fftw"])
def test_fused_path_equals_its_definition(plane_run: Any, shape: tuple[int, int], dealias: str, fft: str) -> None:
    if fft == "fftw":
        pytest.importorskip("pyfftw")
    run = started(plane_run, shape, Backend(threads=1, fft=fft), dealias=dealias)
    torch_free = started(plane_run, shape, dealias=dealias)
    from subgrid_spectral.advection_2d import basdevant

    solver, w = torch_free.solver, torch_free.fields["vorticity"]
    expected = np.where(solver.keep, basdevant(solver.basis, w, -solver.basis.inverse_k_sq * w), 0.0)
    rate = run.tendency()["vorticity"]
    assert np.abs(rate - expected).max() < 1e-13 * np.abs(expected).max()


def test_threads_change_no_bit(plane_run: Any) -> None:
    rates = [started(plane_run, (270, 256), Backend(threads=threads)).tendency()["vorticity"] for threads in (1, 2, 3)]
    assert np.array_equal(rates[0], rates[1])
    assert np.array_equal(rates[0], rates[2])


def test_tendency_writes_into_out_and_leaves_the_state_alone(plane_run: Any) -> None:
    run = started(plane_run, (48, 32), forcing={"type": "kolmogorov", "wavenumber": 2})
    before = run.fields["vorticity"].copy()
    out = {"vorticity": np.full_like(before, np.nan)}
    assert run.solver.tendency(run.fields, 0.0, run.closures, out)["vorticity"] is out["vorticity"]
    assert np.array_equal(out["vorticity"], run.tendency()["vorticity"])
    assert np.array_equal(run.fields["vorticity"], before)


def test_single_precision_stays_single(plane_run: Any) -> None:
    rate = started(plane_run, (48, 32), Backend(threads=1, precision="float32")).tendency()["vorticity"]
    exact = started(plane_run, (48, 32)).tendency()["vorticity"]
    assert rate.dtype == np.complex64
    # unit roundoff 6e-8, a few dozen operations deep
    assert np.abs(rate - exact).max() < 3e-6 * np.abs(exact).max()

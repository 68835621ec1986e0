"""Fused kernels against their NumPy definitions, for odd sizes and non-square grids."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from subgrid.api import Backend, Grid
from subgrid.kernels import basdevant, two_layer, vorticity
from subgrid.kernels.fourier import FourierBasis
from subgrid.kernels.spectral_products import SpectralProducts
from subgrid_spectral import advection_2d
from subgrid_spectral.fused_advection import fused_basdevant

SHAPES = [(16, 16), (15, 21), (24, 10)]


def basis_of(shape: tuple[int, int], fft: str = "scipy") -> FourierBasis:
    return FourierBasis(Grid(shape, (2.0, 5.0)), Backend(threads=1, fft=fft))


def spectra(basis: FourierBasis, count: int) -> Any:
    return basis.forward(np.random.default_rng(3).standard_normal((count, *basis.grid.shape)))


def wavenumbers(basis: FourierBasis) -> tuple[Any, Any]:
    return basis.k_derivative[1].ravel().copy(), basis.k_derivative[0].ravel().copy()


def kept_columns(keep: Any) -> int:
    return int(np.flatnonzero(keep.any(axis=0)).max()) + 1


@pytest.mark.parametrize("shape", SHAPES)
def test_velocity_spectra(shape: tuple[int, int]) -> None:
    basis = basis_of(shape)
    (w,), (kx, ky), symbol = spectra(basis, 1), wavenumbers(basis), basis.inverse_k_sq * basis.mask
    rows, columns = basis.mask.any(axis=1), kept_columns(basis.mask)
    out = np.full((2, *w.shape), np.nan, dtype=complex)
    vorticity.velocity_spectra(w, symbol, kx, ky, rows, 2, columns, out)
    assert np.isnan(out[:, :, :2]).all()
    assert np.isnan(out[:, :, columns:]).all()
    vorticity.velocity_spectra(w, symbol, kx, ky, rows, 0, 2, out)
    expected = vorticity.velocity_spectra_reference(w, symbol, kx, ky, rows)
    np.testing.assert_allclose(out[..., :columns], expected[..., :columns], rtol=0, atol=1e-14)


@pytest.mark.parametrize("shape", SHAPES)
def test_two_layer_products(shape: tuple[int, int]) -> None:
    values = np.random.default_rng(5).standard_normal((5, *shape))
    expected = two_layer.products_reference(values)
    two_layer.products(values)
    np.testing.assert_allclose(values, expected, rtol=0, atol=1e-14)


@pytest.mark.parametrize("shape", SHAPES)
def test_pair_products(shape: tuple[int, int]) -> None:
    u, v = np.random.default_rng(5).standard_normal((2, *shape))
    values = u + 1j * v
    np.testing.assert_array_equal(basdevant.pair_products_reference(values), u * v + 1j * (v - u) * (v + u))
    basdevant.pair_products(values)
    np.testing.assert_allclose(values, u * v + 1j * (v - u) * (v + u), rtol=0, atol=1e-14)


@pytest.mark.parametrize("points", [16, 21, 24])
@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("dtype", ["complex128", "complex64"])
def test_two_real_rows_travel_as_one_complex_row(points: int, whole: bool, dtype: str) -> None:
    """``joined_rows`` and ``split_rows`` against their definitions, in blocks of rows, with and without all columns."""
    columns = points // 2 + 1 if whole else points // 3 + 1
    tolerance = 1e-13 if dtype == "complex128" else 1e-5
    values = np.random.default_rng(7).standard_normal((2, 6, points))
    pair = np.fft.rfft(values, axis=-1)[..., :columns].astype(dtype)
    rows = np.full((4, points), np.nan, dtype=dtype)
    basdevant.joined_rows(pair, 2, rows)
    expected = basdevant.joined_rows_reference(pair[:, 2:], points)
    np.testing.assert_allclose(rows, expected, rtol=0, atol=tolerance * np.abs(expected).max())
    back = np.full_like(pair, np.nan)
    basdevant.split_rows(rows, 2, back)
    assert np.isnan(back[:, :2]).all()
    np.testing.assert_allclose(
        back[:, 2:], basdevant.split_rows_reference(rows, columns), rtol=0, atol=tolerance * np.abs(expected).max()
    )
    np.testing.assert_allclose(back[:, 2:], pair[:, 2:], rtol=0, atol=tolerance * np.abs(expected).max())


@pytest.mark.parametrize("shape", [*SHAPES, (300, 260)])
@pytest.mark.parametrize("dealias", ["two_thirds", "none"])
@pytest.mark.parametrize("fft", ["scipy", "fftw"])
@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_fused_advection_is_that_of_plain_transforms(
    shape: tuple[int, int], dealias: str, fft: str, precision: str
) -> None:
    """On one to three threads, bit for bit the same; the largest grid is cut into several blocks."""
    if fft == "fftw":
        pytest.importorskip("pyfftw")
    results = []
    for threads in (1, 2, 3):
        basis = FourierBasis(Grid(shape, (2.0, 5.0)), Backend(threads=threads, fft=fft, precision=precision))
        keep = basis.kept_modes(dealias)
        w = basis.forward(basis.backward(spectra(basis, 1)[0] * keep))
        w = (w * keep).astype(basis.backend.dtype("complex"))
        advect, out = fused_basdevant(basis, keep), np.full_like(w, np.nan)
        for _ in range(2):
            advect(w, out)
        results.append(out)
    expected = np.where(keep, advection_2d.basdevant(basis, w, -basis.inverse_k_sq * w), 0.0)
    tolerance = 1e-13 if precision == "float64" else 1e-4
    np.testing.assert_allclose(results[0], expected, rtol=0, atol=tolerance * np.abs(expected).max())
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[0], results[2])


def test_fused_advection_refuses_arrays_that_compiled_code_would_misread() -> None:
    pytest.importorskip("pyfftw")
    basis = basis_of((16, 16), "fftw")
    advect = fused_basdevant(basis, basis.kept_modes("two_thirds"))
    good = basis.backend.zeros(basis.spectral_shape, "complex")
    for bad in (good[:, :-1], np.asfortranarray(good), good.astype("complex64")):
        with pytest.raises(ValueError, match="need contiguous complex128 \\(16, 9\\)"):
            advect(good, bad)


@pytest.mark.parametrize("shape", SHAPES)
def test_advection_spectrum(shape: tuple[int, int]) -> None:
    basis = basis_of(shape)
    (a, b), (kx, ky) = spectra(basis, 2), wavenumbers(basis)
    out, columns, rows = np.zeros_like(a), kept_columns(basis.mask), basis.mask.any(axis=1)
    vorticity.advection_spectrum(a, b, kx, ky, rows, 0, 2, out)
    vorticity.advection_spectrum(a, b, kx, ky, rows, 2, columns, out)
    expected = vorticity.advection_spectrum_reference(a, b, kx, ky, rows) * basis.mask.any(axis=0)
    np.testing.assert_allclose(out, expected, rtol=0, atol=1e-14 * np.abs(expected).max())


@pytest.mark.parametrize("shape", SHAPES)
def test_two_layer_inversion(shape: tuple[int, int]) -> None:
    basis = basis_of(shape)
    q = spectra(basis, 2) * basis.mask
    inverse = basis.inverse_k_sq / (basis.k_sq + 3.0)
    out = np.zeros_like(q)
    two_layer.invert(q, basis.k_sq, inverse, 2.0, 1.0, 0, kept_columns(basis.mask), out)
    expected = two_layer.invert_reference(q, basis.k_sq, inverse, 2.0, 1.0)
    np.testing.assert_allclose(out, expected, rtol=0, atol=1e-14 * np.abs(expected).max())


@pytest.mark.parametrize("shape", SHAPES)
def test_two_layer_rate(shape: tuple[int, int]) -> None:
    basis = basis_of(shape)
    fields, (kx, ky) = spectra(basis, 7), wavenumbers(basis)
    coupling, gradient = np.array([2.0, -1.0]), np.array([0.3, -0.2])
    out = np.zeros_like(fields[:2])
    columns, mask = kept_columns(basis.mask), basis.mask
    two_layer.potential_vorticity_rate(fields[:5], fields[5:], kx, ky, mask, coupling, gradient, 0.7, 0, columns, out)
    expected = two_layer.potential_vorticity_rate_reference(
        fields[:5], fields[5:], kx, ky, mask, coupling, gradient, 0.7
    )
    np.testing.assert_allclose(out, expected, rtol=0, atol=1e-14 * np.abs(expected).max())


@pytest.mark.parametrize("shape", [*SHAPES, (300, 260)])
@pytest.mark.parametrize("fft", ["scipy", "fftw"])
@pytest.mark.parametrize("threads", [1, 2])
def test_spectral_products_are_those_of_plain_transforms(shape: tuple[int, int], fft: str, threads: int) -> None:
    """Three products of two fields; the largest grid is cut into several blocks."""
    if fft == "fftw":
        pytest.importorskip("pyfftw")
    basis = FourierBasis(Grid(shape, (2.0, 5.0)), Backend(threads=threads, fft=fft))
    a, b = spectra(basis, 2) * basis.mask
    values = basis.backward(np.stack([a, b]))
    expected = basis.forward(np.stack([values[0] * values[1], values[0] ** 2, values[1]]))
    evaluate = SpectralProducts(basis, 2, 3, basis.mask)

    outputs = np.zeros((3, *basis.spectral_shape), dtype=complex)

    def fill(first: int, last: int) -> None:
        evaluate.spectrum[:2, :, first:last] = np.stack([a, b])[..., first:last] / basis.points

    def collect(first: int, last: int) -> None:
        outputs[..., first:last] = evaluate.spectrum[..., first:last]

    def multiply(values: Any) -> None:
        u, v = values[0].copy(), values[1].copy()
        values[0], values[1], values[2] = u * v, u * u, v

    evaluate.spectrum[...] = np.nan
    columns = evaluate.columns
    assert columns == kept_columns(basis.mask)
    for _ in range(2):
        evaluate(fill, multiply, collect)
        np.testing.assert_allclose(
            outputs[..., :columns], expected[..., :columns], rtol=0, atol=1e-13 * np.abs(expected).max()
        )

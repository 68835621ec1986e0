"""Fused kernels against their NumPy definitions, for odd sizes and non-square grids."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from subgrid.api import Backend, Grid
from subgrid.kernels import two_layer, vorticity
from subgrid.kernels.fourier import FourierBasis
from subgrid.kernels.spectral_products import SpectralProducts

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
@pytest.mark.parametrize("component", [0, 1])
def test_rotated_spectrum(shape: tuple[int, int], component: int) -> None:
    basis = basis_of(shape)
    (w,), (kx, ky), symbol = spectra(basis, 1), wavenumbers(basis), basis.inverse_k_sq * basis.mask
    out = np.zeros_like(w)
    columns = kept_columns(basis.mask)
    vorticity.rotated_spectrum(w, symbol, kx, ky, component, 2, columns, out)
    assert not out[:, :2].any()
    vorticity.rotated_spectrum(w, symbol, kx, ky, component, 0, 2, out)
    np.testing.assert_allclose(
        out, vorticity.rotated_spectrum_reference(w, symbol, kx, ky, component), rtol=0, atol=1e-14
    )


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("kernels", "count"), [(vorticity, 2), (two_layer, 5)])
def test_products(shape: tuple[int, int], kernels: Any, count: int) -> None:
    values = np.random.default_rng(5).standard_normal((count, *shape))
    expected = kernels.products_reference(values)
    kernels.products(values)
    np.testing.assert_allclose(values, expected, rtol=0, atol=1e-14)


@pytest.mark.parametrize("shape", SHAPES)
def test_advection_spectrum(shape: tuple[int, int]) -> None:
    basis = basis_of(shape)
    (a, b), (kx, ky) = spectra(basis, 2), wavenumbers(basis)
    out, columns = np.zeros_like(a), kept_columns(basis.mask)
    vorticity.advection_spectrum(a, b, kx, ky, basis.mask, 0, 2, out)
    vorticity.advection_spectrum(a, b, kx, ky, basis.mask, 2, columns, out)
    expected = vorticity.advection_spectrum_reference(a, b, kx, ky, basis.mask)
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

"""Fused kernels against their NumPy definitions, for odd sizes and non-square grids."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from subgrid.api import Backend, Grid
from subgrid.kernels import two_layer, vorticity
from subgrid.kernels.field_transforms import FieldTransforms
from subgrid.kernels.fourier import FourierBasis

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
    out = np.full_like(w, np.nan)
    vorticity.rotated_spectrum(w, symbol, kx, ky, component, kept_columns(basis.mask), out)
    np.testing.assert_allclose(
        out, vorticity.rotated_spectrum_reference(w, symbol, kx, ky, component), rtol=0, atol=1e-14
    )


@pytest.mark.parametrize("shape", SHAPES)
def test_products(shape: tuple[int, int]) -> None:
    u1, v1, u2, v2 = np.random.default_rng(5).standard_normal((4, *shape))
    out = np.empty(shape)
    for component in (0, 1):
        vorticity.product(u1, v1, component, out)
        np.testing.assert_allclose(out, vorticity.product_reference(u1, v1, component), rtol=1e-15)
    vorticity.cross_product(u1, v1, u2, v2, out)
    np.testing.assert_allclose(out, vorticity.cross_product_reference(u1, v1, u2, v2), rtol=0, atol=1e-14)


@pytest.mark.parametrize("shape", SHAPES)
def test_advection_spectrum(shape: tuple[int, int]) -> None:
    basis = basis_of(shape)
    (a, b), (kx, ky) = spectra(basis, 2), wavenumbers(basis)
    out = np.full_like(a, np.nan)
    vorticity.advection_spectrum(a, b, kx, ky, basis.mask.astype(float), kept_columns(basis.mask), out)
    expected = vorticity.advection_spectrum_reference(a, b, kx, ky, basis.mask)
    np.testing.assert_allclose(out, expected, rtol=0, atol=1e-14 * np.abs(expected).max())


@pytest.mark.parametrize("shape", SHAPES)
def test_two_layer_inversion(shape: tuple[int, int]) -> None:
    basis = basis_of(shape)
    q = spectra(basis, 2) * basis.mask
    inverse = basis.inverse_k_sq / (basis.k_sq + 3.0)
    out = np.full_like(q, np.nan)
    two_layer.invert(q, basis.k_sq, inverse, 2.0, 1.0, kept_columns(basis.mask), out)
    expected = two_layer.invert_reference(q, basis.k_sq, inverse, 2.0, 1.0)
    np.testing.assert_allclose(out, expected, rtol=0, atol=1e-14 * np.abs(expected).max())


@pytest.mark.parametrize("shape", SHAPES)
def test_two_layer_rate(shape: tuple[int, int]) -> None:
    basis = basis_of(shape)
    fields, (kx, ky) = spectra(basis, 7), wavenumbers(basis)
    coupling, gradient = np.array([2.0, -1.0]), np.array([0.3, -0.2])
    out = np.full_like(fields[:2], np.nan)
    columns, mask = kept_columns(basis.mask), basis.mask
    two_layer.potential_vorticity_rate(
        fields[:5], fields[5:], kx, ky, mask.astype(float), coupling, gradient, 0.7, columns, out
    )
    expected = two_layer.potential_vorticity_rate_reference(
        fields[:5], fields[5:], kx, ky, mask, coupling, gradient, 0.7
    )
    np.testing.assert_allclose(out, expected, rtol=0, atol=1e-14 * np.abs(expected).max())


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("fft", ["scipy", "fftw"])
def test_field_transforms_are_those_of_the_basis(shape: tuple[int, int], fft: str) -> None:
    if fft == "fftw":
        pytest.importorskip("pyfftw")
    basis = basis_of(shape, fft)
    transforms = FieldTransforms(basis, 2, basis.mask)
    kept = spectra(basis, 2) * basis.mask
    for index in range(2):
        transforms.spectrum[index] = kept[index]
        transforms.backward(index)
    np.testing.assert_allclose(transforms.values / basis.points, basis.backward(kept), rtol=0, atol=1e-14)
    transforms.values /= basis.points
    for index in range(2):
        transforms.forward(index)
    columns = transforms.columns
    np.testing.assert_allclose(
        transforms.spectrum[..., :columns] * basis.mask[:, :columns], kept[..., :columns], atol=1e-12
    )

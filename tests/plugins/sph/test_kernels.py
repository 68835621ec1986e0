"""Wendland's kernel, and the compiled sums against their definitions."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.integrate import quad

from subgrid.kernels.neighbours import Box, within
from subgrid_sph import kernels, reference

TOLERANCE = {"float64": 1e-12, "float32": 2e-4}
"""Relative to the largest value: sums of fifty terms that nearly cancel."""


@pytest.mark.parametrize("d", [2, 3])
def test_the_kernel_is_normalised_and_its_slope_is_its_derivative(d: int) -> None:
    h = 0.7
    shell = (lambda r: 2.0 * np.pi * r) if d == 2 else (lambda r: 4.0 * np.pi * r * r)
    total = quad(lambda r: shell(r) * reference.kernel(np.array(r), h, d), 0.0, 2.0 * h, epsabs=1e-13)[0]
    assert total == pytest.approx(1.0, abs=1e-10)
    r = np.linspace(0.01, 2.2, 50) * h
    step = 1e-6
    slope = (reference.kernel(r + step, h, d) - reference.kernel(r - step, h, d)) / (2.0 * step)
    np.testing.assert_allclose(r * reference.kernel_slope(r, h, d), slope, atol=1e-6 * np.abs(slope).max())


def lattice(ratio: float, n: int = 50) -> dict[str, Any]:
    """Sums of the kernel on a periodic square lattice: unity, slope of x, and Laplacian."""
    dx, h = 1.0 / n, ratio / n
    y, x = np.meshgrid((np.arange(n) + 0.5) * dx, (np.arange(n) + 0.5) * dx, indexing="ij")
    points = np.stack([x.ravel(), y.ravel()], axis=1)
    near = within(points, 2.0 * h * (1.0 - 1e-9), Box((0.0, 0.0), (1.0, 1.0), (True, True)))
    j, i = near.edge_index
    r = -near.displacements(points)
    distance = np.sqrt(np.sum(r**2, axis=1))
    volume, count = dx * dx, len(points)
    slope = volume * reference.kernel_slope(distance, h, 2)
    unity = volume * (np.bincount(i, reference.kernel(distance, h, 2)) + reference.kernel_scale(2, h))
    wave = np.cos(2.0 * np.pi * points[:, 0])
    laplacian = 2.0 * np.bincount(i, slope * (wave[i] - wave[j]), minlength=count)
    return {
        "neighbours": near.counts[0],
        "unity": unity[0] - 1.0,
        "gradient": np.bincount(i, -slope * r[:, 0] * r[:, 0])[0],
        "laplacian": laplacian[0] / (-((2.0 * np.pi) ** 2) * wave[0]),
    }


@pytest.mark.parametrize(
    ("ratio", "neighbours", "unity", "gradient", "laplacian"),
    [
        (1.0, 8, 3.8e-2, 0.976, 0.975),
        (1.2, 20, 1.8e-2, 0.964, 0.962),
        (1.3, 20, 1.05e-2, 0.974, 0.972),
        (1.5, 24, 5.1e-3, 0.997, 0.995),
        (2.0, 44, 1.2e-3, 0.999, 0.995),
    ],
)
def test_sums_on_a_lattice(ratio: float, neighbours: int, unity: float, gradient: float, laplacian: float) -> None:
    found = lattice(ratio)
    assert found["neighbours"] == neighbours
    assert found["unity"] == pytest.approx(unity, rel=0.03)
    assert found["gradient"] == pytest.approx(gradient, abs=6e-4)
    assert found["laplacian"] == pytest.approx(laplacian, abs=2e-3)


def cloud(d: int, precision: str) -> dict[str, Any]:
    """Particles of both kinds in a box with one periodic axis, their record and pairs."""
    rng = np.random.default_rng(5)
    n, fluid, h = 230, 170, 0.11 if d == 2 else 0.17
    box = Box((0.0,) * d, (1.0, 1.3, 0.9)[:d], (True, False, False)[:d])
    x = (rng.random((n, d)) * (1.0, 1.3, 0.9)[:d]).astype(precision)
    near = within(x, 2.0 * h, box)
    j, i = near.edge_index
    u, ut, rho = rng.standard_normal((n, d)), rng.standard_normal((n, d)), rng.uniform(0.9, 1.1, n)
    p, volume = rng.standard_normal(n), rng.uniform(0.5, 1.5, n)
    values = {"u": u, "ut": ut, "rho": rho, "p": p, "volume": volume}
    values = {name: a.astype(precision) for name, a in values.items()}
    record = np.zeros((n, 12), precision)
    record[:, :d], record[:, 3], record[:, 4 : 4 + d] = x, values["volume"], values["u"]
    record[:, 8 : 8 + d], record[:, 11] = values["ut"], values["rho"]
    low, periods = (0.0,) * d, (1.0, 0.0, 0.0)[:d]
    rows = (near.offsets[:-1], near.offsets[1:], near.indices)
    wide = {name: a.astype(np.float64) for name, a in values.items()}
    return {
        **wide, "n": n, "fluid": fluid, "h": h, "d": d, "record": record, "rows": rows, "low": low, "periods": periods,
        "i": i, "j": j, "r": -near.displacements(x).astype(np.float64), "g": np.array([0.3, -1.0, 0.2])[:d],
    }  # fmt: skip


def padded(vector: Any) -> Any:
    return np.concatenate([vector, np.zeros(3 - len(vector))])


def compare(found: Any, expected: Any, precision: str) -> None:
    np.testing.assert_allclose(found, expected, atol=TOLERANCE[precision] * np.abs(expected).max(), rtol=0)


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("d", [2, 3])
class TestCompiledSums:
    def test_delta_rates(self, d: int, precision: str) -> None:
        c = cloud(d, precision)
        record, out = c["record"], np.empty(c["n"], precision)
        record[:, 7] = c["rho"]
        scale = reference.kernel_scale(d, c["h"])
        kernels.delta_rates(
            record,
            *c["rows"],
            c["low"],
            c["periods"],
            c["h"],
            scale,
            c["fluid"],
            0.07,
            padded(c["g"]),
            out,
            0,
            c["n"],
        )
        expected = reference.delta_rates(
            c["u"], c["rho"], c["volume"], c["i"], c["j"], c["r"], c["h"], c["fluid"], 0.07, c["g"]
        )
        compare(out, expected, precision)

    def test_delta_forces(self, d: int, precision: str) -> None:
        c = cloud(d, precision)
        record, out = c["record"], np.empty((c["n"], 3), precision)
        record[:, 7] = c["p"]
        scale = reference.kernel_scale(d, c["h"])
        kernels.delta_forces(
            record, c["rho"].astype(precision), *c["rows"], c["low"], c["periods"], c["h"], scale, c["fluid"],
            0.4, 0.2, 0.1, padded(c["g"]), out, 0, c["n"],
        )  # fmt: skip
        expected = reference.delta_forces(
            c["u"], c["p"], c["rho"], c["volume"], c["i"], c["j"], c["r"], c["h"], c["fluid"], 0.4, 0.2, 0.1, c["g"]
        )
        compare(out[:, :d], expected, precision)

    def test_densities_and_extrapolation(self, d: int, precision: str) -> None:
        c = cloud(d, precision)
        record, out = c["record"], np.empty(c["n"], precision)
        record[:, 7] = c["p"]
        scale = reference.kernel_scale(d, c["h"])
        kernels.densities(record, *c["rows"], c["low"], c["periods"], c["h"], scale, 0.01, out, 0, c["n"])
        compare(out, reference.densities(c["i"], c["r"], c["h"], 0.01, c["n"]), precision)
        pressure, mean = np.zeros(c["n"], precision), np.zeros((c["n"], 3), precision)
        kernels.extrapolate(
            record, c["rho"].astype(precision), *c["rows"], c["low"], c["periods"], c["h"], c["fluid"],
            padded(c["g"]), pressure, mean, 0, c["n"],
        )  # fmt: skip
        expected = reference.extrapolate(c["u"], c["p"], c["rho"], c["i"], c["j"], c["r"], c["h"], c["fluid"], c["g"])
        compare(pressure, expected[0], precision)
        compare(mean[:, :d], expected[1], precision)

    def test_transport_forces(self, d: int, precision: str) -> None:
        c = cloud(d, precision)
        record = c["record"]
        record[:, 7] = c["p"]
        out, shift = np.empty((c["n"], 3), precision), np.empty((c["n"], 3), precision)
        scale = reference.kernel_scale(d, c["h"])
        kernels.transport_forces(
            record, *c["rows"], c["low"], c["periods"], c["h"], scale, 0.7, 0.2, 0.1, 5.0,
            c["fluid"], padded(c["g"]), out, shift, 0, c["n"],
        )  # fmt: skip
        expected = reference.transport_forces(
            c["u"], c["ut"], c["p"], c["rho"], c["volume"], c["i"], c["j"], c["r"], c["h"], 0.7, 0.2, 0.1, 5.0,
            c["fluid"], c["g"],
        )  # fmt: skip
        compare(out[:, :d], expected[0], precision)
        compare(shift[:, :d], expected[1], precision)


@pytest.mark.parametrize("n", [1, 3, 17, 229])
def test_the_plane_is_space_without_z_in_bands_of_any_size(n: int) -> None:
    rng = np.random.default_rng(8)
    x, h = rng.random((n, 2)), 0.12
    near = within(x, 2.0 * h, Box((0.0, 0.0), (1.0, 1.0), (True, False)))
    rows = (near.offsets[:-1], near.offsets[1:], near.indices)
    record, density = np.zeros((n, 12)), rng.uniform(0.9, 1.1, n)
    record[:, :2], record[:, 3], record[:, 7], record[:, 11] = x, rng.random(n), rng.random(n), density
    record[:, 4:6], record[:, 8:10] = rng.standard_normal((2, n, 2))
    fluid, gravity = n - n // 3, np.array([0.3, -1.0, 0.0])

    def sums(d: int, columns: int, cuts: list[int]) -> list[Any]:
        box = (0.0,) * d, (1.0, 0.0, 0.0)[:d]
        out = [np.full(shape, np.nan) for shape in (n, (n, 3), n, n, (n, 3), (n, 3), (n, 3))]
        narrow = np.ascontiguousarray(record[:, :columns])
        for a, b in itertools.pairwise(cuts):
            kernels.delta_rates(narrow, *rows, *box, h, 3.0, fluid, 0.07, gravity, out[0], a, b)
            kernels.delta_forces(narrow, density, *rows, *box, h, 3.0, fluid, 0.4, 0.2, 0.1, gravity, out[1], a, b)
            kernels.densities(narrow, *rows, *box, h, 3.0, 0.01, out[2], a, b)
            kernels.extrapolate(narrow, density, *rows, *box, h, fluid, gravity, out[3], out[4], a, b)
            kernels.transport_forces(
                record, *rows, *box, h, 3.0, 0.7, 0.2, 0.1, 5.0, fluid, gravity, out[5], out[6], a, b
            )
        return out

    plane = sums(2, 8, [0, n])
    for found, again, in_space in zip(plane, sums(2, 8, [0, n // 3, n // 2, n]), sums(3, 12, [0, n]), strict=True):
        np.testing.assert_array_equal(found, again)
        compare(found, in_space, "float64")


def test_cuda_twins_agree_with_the_definitions(in_cuda_simulator: Callable[[Path], str]) -> None:
    printed = in_cuda_simulator(Path(__file__).with_name("cuda_parity.py"))
    assert printed.count("agree") == 10

"""One compiled ETDRK4 step for u_t = L u + (flux u^2) on a periodic line: eight real transforms without leaving Numba.

At a few hundred points a step is bound by calls, not by arithmetic: about 2 us compiled for n = 128, and fifty times as
much through NumPy. Definition and parity reference: the scheme of Cox and Matthews 2002 on top of NumPy's transforms.

A real transform of n points is a complex one of m = n/2 points on z_j = u_2j + i u_2j+1. The inverse transform leaves
its points in digit-reversed order, which the square does not mind, and the forward transform is its mirror image, so
nothing is ever reordered. Each radix-4 pass reads at distances of m/4 and writes four neighbours (constant geometry,
Pease 1968); its loop over m/4 butterflies has unit stride and a length known to the compiler, because sizes live in the
record type of the workspace. Real and imaginary parts stand apart, for the sake of vector instructions.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import numba
import numpy as np
from numba import types
from numba.extending import overload
from numpy.typing import NDArray

Function = TypeVar("Function", bound=Callable[..., None])


def _jit(function: Function) -> Function:
    # Contraction to fused multiply-add never changes the order of operations, so that runs repeat bit for bit.
    compiled: Function = numba.njit(cache=True, error_model="numpy", fastmath={"contract"})(function)
    return compiled


def supported(n: int) -> bool:
    """Whether the compiled step takes n points: powers of two from 8."""
    return n >= 8 and n & (n - 1) == 0


def fused_etdrk4(flux: NDArray[np.float64], kept: int) -> Callable[..., None]:
    """Return ``step(v, out, E, E2, Q, f1, f2, f3, t, dt)`` for v' = L v + i flux F[u^2].

    Parameters
    ----------
    flux
        Real factor of each mode [1/m], shape (n // 2 + 1,), with n as `supported` says; zero where dealiased.
    kept
        The first ``kept`` modes enter the product, the others only decay and turn with E.

    ``v`` and ``out`` are different complex128 half spectra (n // 2 + 1,); the coefficients, real or complex, are those
    of Kassam and Trefethen 2005: E = exp(dt L), E2 = exp(dt L / 2), and out = E v + f1 N_v + 2 f2 (N_a + N_b) + f3 N_c.
    Raises ValueError for an unsupported size.
    """
    n = 2 * (len(flux) - 1)
    if not supported(n):
        raise ValueError(f"the compiled step takes powers of two from 8, not {n} points")
    return partial(_step, _workspace(n, flux, kept))


def _workspace(n: int, flux: NDArray[np.float64], kept: int) -> NDArray[Any]:
    """One record with the tables and scratch of a step; its field shapes are the sizes that the compiler sees."""
    m = n // 2
    levels = m.bit_length() - 1
    radix_two = levels % 2
    passes = (levels - radix_two) // 2 - 1
    padded = -(-(m + 1) // 8) * 8
    active = min(m + 1, -(-kept // 8) * 8)
    layout = [
        ("radix_two", np.int64, (1,)),
        ("passes", np.int64, (1,)),
        ("kept", np.int64, (1,)),
        ("twiddle_two", np.float64, (2, m // 2)),
        ("twiddle_four", np.float64, (max(passes, 1), 3, 2, m // 4)),
        ("split", np.float64, (2, m // 2)),
        ("flux", np.float64, (padded,)),
        ("buffer", np.float64, (2, 2, padded)),
        ("spectrum", np.float64, (2, padded)),
        ("rate", np.float64, (2, padded)),
        ("start", np.float64, (2, active)),
        ("last_stage", np.float64, (2, active)),
        ("result", np.float64, (2, active)),
    ]
    workspace = np.zeros(1, dtype=np.dtype(layout, align=True))
    workspace["radix_two"] = radix_two
    workspace["passes"] = passes
    workspace["kept"] = kept
    workspace["twiddle_two"][0] = _wave(np.arange(m // 2) / m)
    done = 1 + radix_two
    for index in range(passes):
        for leg in range(3):
            turns = (np.arange(m // 4) // done) * (leg + 1) / (m // done)
            workspace["twiddle_four"][0, index, leg] = _wave(turns)
        done *= 4
    workspace["split"][0] = _wave(np.arange(m // 2) / n)
    # Neither transform normalises: 1/m comes in twice with the square, 1/2 of each packing three times.
    workspace["flux"][0, : m + 1] = flux / (8.0 * m * m)
    return workspace


def _wave(turns: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.stack([np.cos(2.0 * np.pi * turns), np.sin(2.0 * np.pi * turns)])


def _times(factor: Any, re: float, im: float) -> tuple[float, float]:
    """Product of a real or complex factor with re + i im."""
    product = factor * complex(re, im)
    return product.real, product.imag


@overload(_times, inline="always")
def _times_compiled(factor, re, im):  # type: ignore[no-untyped-def]  # Numba compares it with the lambdas
    # Numba would promote a real factor to complex and multiply by its zero imaginary part.
    if isinstance(factor, types.Float):
        return lambda factor, re, im: (factor * re, factor * im)
    return lambda factor, re, im: (factor.real * re - factor.imag * im, factor.real * im + factor.imag * re)


@_jit
def _pack(w: Any) -> None:
    """Half spectrum of u to the spectrum of z in buffer 0: Z_k = E + O, Z_(m-k) = conj(E - O)."""
    spectrum, split, z = w.spectrum, w.split, w.buffer
    half = split.shape[1]
    m = 2 * half
    for k in range(half):
        even_re = spectrum[0, k] + spectrum[0, m - k]
        even_im = spectrum[1, k] - spectrum[1, m - k]
        odd_re = spectrum[0, k] - spectrum[0, m - k]
        odd_im = spectrum[1, k] + spectrum[1, m - k]
        turned_re = -split[0, k] * odd_im - split[1, k] * odd_re
        turned_im = split[0, k] * odd_re - split[1, k] * odd_im
        z[0, 0, k] = even_re + turned_re
        z[0, 1, k] = even_im + turned_im
        z[0, 0, m - k] = even_re - turned_re
        z[0, 1, m - k] = turned_im - even_im
    z[0, 0, half] = 2.0 * spectrum[0, half]
    z[0, 1, half] = -2.0 * spectrum[1, half]


@_jit
def _unpack(w: Any) -> None:
    """Spectrum of z in buffer 0 to the rate i flux F[u^2]."""
    split, z, flux, rate = w.split, w.buffer, w.flux, w.rate
    half = split.shape[1]
    m = 2 * half
    z[0, 0, m] = z[0, 0, 0]
    z[0, 1, m] = z[0, 1, 0]
    for k in range(half):
        even_re = z[0, 0, k] + z[0, 0, m - k]
        even_im = z[0, 1, k] - z[0, 1, m - k]
        odd_re = z[0, 0, k] - z[0, 0, m - k]
        odd_im = z[0, 1, k] + z[0, 1, m - k]
        turned_re = split[0, k] * odd_im - split[1, k] * odd_re
        turned_im = -split[0, k] * odd_re - split[1, k] * odd_im
        rate[0, k] = -flux[k] * (even_im + turned_im)
        rate[1, k] = flux[k] * (even_re + turned_re)
        rate[0, m - k] = -flux[m - k] * (turned_im - even_im)
        rate[1, m - k] = flux[m - k] * (even_re - turned_re)
    rate[0, half] = 2.0 * flux[half] * z[0, 1, half]
    rate[1, half] = 2.0 * flux[half] * z[0, 0, half]


@_jit
def _inverse_two(w: Any) -> None:
    """Radix-2 pass of the inverse transform, buffer 0 to 1."""
    twiddle, x = w.twiddle_two, w.buffer
    half = twiddle.shape[1]
    for j in range(half):
        re = x[0, 0, j] - x[0, 0, half + j]
        im = x[0, 1, j] - x[0, 1, half + j]
        x[1, 0, 2 * j] = x[0, 0, j] + x[0, 0, half + j]
        x[1, 1, 2 * j] = x[0, 1, j] + x[0, 1, half + j]
        x[1, 0, 2 * j + 1] = re * twiddle[0, j] - im * twiddle[1, j]
        x[1, 1, 2 * j + 1] = re * twiddle[1, j] + im * twiddle[0, j]


@_jit
def _forward_two(w: Any) -> None:
    """Radix-2 pass of the forward transform, buffer 1 to 0."""
    twiddle, x = w.twiddle_two, w.buffer
    half = twiddle.shape[1]
    for j in range(half):
        re = x[1, 0, 2 * j + 1] * twiddle[0, j] + x[1, 1, 2 * j + 1] * twiddle[1, j]
        im = x[1, 1, 2 * j + 1] * twiddle[0, j] - x[1, 0, 2 * j + 1] * twiddle[1, j]
        x[0, 0, j] = x[1, 0, 2 * j] + re
        x[0, 1, j] = x[1, 1, 2 * j] + im
        x[0, 0, half + j] = x[1, 0, 2 * j] - re
        x[0, 1, half + j] = x[1, 1, 2 * j] - im


@_jit
def _inverse_four(w: Any, index: int, source: int) -> None:
    """Radix-4 pass of the inverse transform out of buffer ``source``."""
    x, y, twiddle = w.buffer[source], w.buffer[1 - source], w.twiddle_four[index]
    q = w.twiddle_four.shape[3]
    for j in range(q):
        sum_ac_re, sum_ac_im = x[0, j] + x[0, 2 * q + j], x[1, j] + x[1, 2 * q + j]
        dif_ac_re, dif_ac_im = x[0, j] - x[0, 2 * q + j], x[1, j] - x[1, 2 * q + j]
        sum_bd_re, sum_bd_im = x[0, q + j] + x[0, 3 * q + j], x[1, q + j] + x[1, 3 * q + j]
        dif_bd_re, dif_bd_im = x[0, q + j] - x[0, 3 * q + j], x[1, q + j] - x[1, 3 * q + j]
        one_re, one_im = dif_ac_re - dif_bd_im, dif_ac_im + dif_bd_re
        two_re, two_im = sum_ac_re - sum_bd_re, sum_ac_im - sum_bd_im
        three_re, three_im = dif_ac_re + dif_bd_im, dif_ac_im - dif_bd_re
        y[0, 4 * j] = sum_ac_re + sum_bd_re
        y[1, 4 * j] = sum_ac_im + sum_bd_im
        y[0, 4 * j + 1] = one_re * twiddle[0, 0, j] - one_im * twiddle[0, 1, j]
        y[1, 4 * j + 1] = one_re * twiddle[0, 1, j] + one_im * twiddle[0, 0, j]
        y[0, 4 * j + 2] = two_re * twiddle[1, 0, j] - two_im * twiddle[1, 1, j]
        y[1, 4 * j + 2] = two_re * twiddle[1, 1, j] + two_im * twiddle[1, 0, j]
        y[0, 4 * j + 3] = three_re * twiddle[2, 0, j] - three_im * twiddle[2, 1, j]
        y[1, 4 * j + 3] = three_re * twiddle[2, 1, j] + three_im * twiddle[2, 0, j]


@_jit
def _forward_four(w: Any, index: int, source: int) -> None:
    """Radix-4 pass of the forward transform out of buffer ``source``, the transpose of `_inverse_four`."""
    x, y, twiddle = w.buffer[source], w.buffer[1 - source], w.twiddle_four[index]
    q = w.twiddle_four.shape[3]
    for j in range(q):
        a_re, a_im = x[0, 4 * j], x[1, 4 * j]
        b_re = x[0, 4 * j + 1] * twiddle[0, 0, j] + x[1, 4 * j + 1] * twiddle[0, 1, j]
        b_im = x[1, 4 * j + 1] * twiddle[0, 0, j] - x[0, 4 * j + 1] * twiddle[0, 1, j]
        c_re = x[0, 4 * j + 2] * twiddle[1, 0, j] + x[1, 4 * j + 2] * twiddle[1, 1, j]
        c_im = x[1, 4 * j + 2] * twiddle[1, 0, j] - x[0, 4 * j + 2] * twiddle[1, 1, j]
        d_re = x[0, 4 * j + 3] * twiddle[2, 0, j] + x[1, 4 * j + 3] * twiddle[2, 1, j]
        d_im = x[1, 4 * j + 3] * twiddle[2, 0, j] - x[0, 4 * j + 3] * twiddle[2, 1, j]
        y[0, j], y[1, j] = a_re + c_re + (b_re + d_re), a_im + c_im + (b_im + d_im)
        y[0, q + j], y[1, q + j] = a_re - c_re + (b_im - d_im), a_im - c_im - (b_re - d_re)
        y[0, 2 * q + j], y[1, 2 * q + j] = a_re + c_re - (b_re + d_re), a_im + c_im - (b_im + d_im)
        y[0, 3 * q + j], y[1, 3 * q + j] = a_re - c_re - (b_im - d_im), a_im - c_im + (b_re - d_re)


@_jit
def _square(w: Any, source: int) -> None:
    """Last inverse pass, square of both parts of z, and first forward pass, in place in buffer ``source``."""
    x = w.buffer[source]
    q = w.twiddle_four.shape[3]
    for j in range(q):
        sum_ac_re, sum_ac_im = x[0, j] + x[0, 2 * q + j], x[1, j] + x[1, 2 * q + j]
        dif_ac_re, dif_ac_im = x[0, j] - x[0, 2 * q + j], x[1, j] - x[1, 2 * q + j]
        sum_bd_re, sum_bd_im = x[0, q + j] + x[0, 3 * q + j], x[1, q + j] + x[1, 3 * q + j]
        dif_bd_re, dif_bd_im = x[0, q + j] - x[0, 3 * q + j], x[1, q + j] - x[1, 3 * q + j]
        a_re, a_im = (sum_ac_re + sum_bd_re) ** 2, (sum_ac_im + sum_bd_im) ** 2
        b_re, b_im = (dif_ac_re - dif_bd_im) ** 2, (dif_ac_im + dif_bd_re) ** 2
        c_re, c_im = (sum_ac_re - sum_bd_re) ** 2, (sum_ac_im - sum_bd_im) ** 2
        d_re, d_im = (dif_ac_re + dif_bd_im) ** 2, (dif_ac_im - dif_bd_re) ** 2
        x[0, j], x[1, j] = a_re + c_re + (b_re + d_re), a_im + c_im + (b_im + d_im)
        x[0, q + j], x[1, q + j] = a_re - c_re + (b_im - d_im), a_im - c_im - (b_re - d_re)
        x[0, 2 * q + j], x[1, 2 * q + j] = a_re + c_re - (b_re + d_re), a_im + c_im - (b_im + d_im)
        x[0, 3 * q + j], x[1, 3 * q + j] = a_re - c_re - (b_im - d_im), a_im - c_im + (b_re - d_re)


@_jit
def _evaluate(w: Any) -> None:
    """``rate`` = i flux F[u^2] of ``spectrum``."""
    side = w.radix_two[0]
    _pack(w)
    if side == 1:
        _inverse_two(w)
    for index in range(w.passes[0]):
        _inverse_four(w, index, side)
        side = 1 - side
    _square(w, side)
    for index in range(w.passes[0] - 1, -1, -1):
        _forward_four(w, index, side)
        side = 1 - side
    if side == 1:
        _forward_two(w)
    _unpack(w)


@_jit
def _step(
    workspace: Any,
    v: Any,
    out: Any,
    E: Any,
    E2: Any,
    Q: Any,
    f1: Any,
    f2: Any,
    f3: Any,
    t: float,
    dt: float,
) -> None:
    """One ETDRK4 step from ``v`` to ``out``; t and dt belong to the calling convention, the equation is autonomous."""
    w = workspace[0]
    start, spectrum, rate, last_stage, result = w.start, w.spectrum, w.rate, w.last_stage, w.result
    kept = w.kept[0]
    active = start.shape[1]
    for k in range(kept):
        start[0, k], start[1, k] = v[k].real, v[k].imag
        spectrum[0, k], spectrum[1, k] = v[k].real, v[k].imag
    for k in range(kept, active):
        start[0, k], start[1, k] = 0.0, 0.0
        spectrum[0, k], spectrum[1, k] = 0.0, 0.0
    _evaluate(w)
    for k in range(active):
        half_re, half_im = _times(E2[k], start[0, k], start[1, k])
        push_re, push_im = _times(Q[k], rate[0, k], rate[1, k])
        a_re, a_im = half_re + push_re, half_im + push_im
        spectrum[0, k], spectrum[1, k] = a_re, a_im
        full_re, full_im = _times(E2[k], a_re, a_im)
        last_stage[0, k], last_stage[1, k] = full_re - push_re, full_im - push_im
        free_re, free_im = _times(E[k], start[0, k], start[1, k])
        term_re, term_im = _times(f1[k], rate[0, k], rate[1, k])
        result[0, k], result[1, k] = free_re + term_re, free_im + term_im
    _evaluate(w)
    for k in range(active):
        half_re, half_im = _times(E2[k], start[0, k], start[1, k])
        push_re, push_im = _times(Q[k], rate[0, k], rate[1, k])
        spectrum[0, k], spectrum[1, k] = half_re + push_re, half_im + push_im
        term_re, term_im = _times(f2[k], rate[0, k], rate[1, k])
        result[0, k] += 2.0 * term_re
        result[1, k] += 2.0 * term_im
    _evaluate(w)
    for k in range(active):
        push_re, push_im = _times(Q[k], rate[0, k], rate[1, k])
        spectrum[0, k], spectrum[1, k] = last_stage[0, k] + 2.0 * push_re, last_stage[1, k] + 2.0 * push_im
        term_re, term_im = _times(f2[k], rate[0, k], rate[1, k])
        result[0, k] += 2.0 * term_re
        result[1, k] += 2.0 * term_im
    _evaluate(w)
    for k in range(kept):
        term_re, term_im = _times(f3[k], rate[0, k], rate[1, k])
        out[k] = complex(result[0, k] + term_re, result[1, k] + term_im)
    for k in range(kept, v.shape[0]):
        re, im = _times(E[k], v[k].real, v[k].imag)
        out[k] = complex(re, im)

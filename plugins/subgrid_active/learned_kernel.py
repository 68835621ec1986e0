"""The learned closures in one pass over the points, in blocks that stay in the cache.

`subgrid_active.learned.LearnedFourthMoment.reference` is the definition.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from subgrid_ml.perceptron import Perceptron

__all__ = ["ACTIVATION_CODES", "fourth_moment", "packed"]

ACTIVATION_CODES = {"algebraic": 0, "sin": 1, "tanh": 2}
BLOCK = 256
"""Points that go through the network together: two layers of 16 units in double precision take 64 kB."""


def packed(
    network: Perceptron, parameters: Mapping[str, Any], constants: Mapping[str, Any]
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """All numbers in one array, layer by layer (weights by rows, then biases), and the sizes of the layers.

    The normalisation is part of the first layer: W (x - m)/s + b = (W/s) x + (b - W m/s).
    """
    first = parameters["0.weight"] / constants["scale"].T
    numbers = [first, parameters["0.bias"] - first @ constants["mean"]]
    for layer in range(1, len(network.sizes) - 1):
        numbers += [parameters[f"{layer}.weight"], parameters[f"{layer}.bias"]]
    return np.concatenate([values.ravel() for values in numbers]), np.asarray(network.sizes)


def fourth_moment(
    c: NDArray[Any],
    a2: NDArray[Any],
    e: NDArray[Any],
    zeta: NDArray[Any],
    numbers: NDArray[Any],
    sizes: NDArray[np.int64],
    series: NDArray[Any],
    activation: int,
) -> NDArray[Any]:
    """(Re a_4, Im a_4) of the shape of ``a2``, for one zeta everywhere."""
    a2, e = np.ascontiguousarray(a2), np.ascontiguousarray(e)
    out = np.empty_like(a2)
    points = a2[0].size
    kind = a2.dtype.type
    first = numbers.astype(kind)
    # zeta is the same everywhere, and belongs to the biases of the first layer
    inputs, units = int(sizes[0]), int(sizes[1])
    weights = first[: inputs * units].reshape(units, inputs)
    first[inputs * units : inputs * units + units] += weights[:, inputs - 1] * kind(zeta.reshape(-1)[0])
    concentration = np.ascontiguousarray(np.broadcast_to(c, a2.shape[1:]))
    _answer(
        concentration.reshape(points), a2.reshape(2, points), e.reshape(2, points), first, sizes,
        series.astype(kind), activation, out.reshape(2, points),
    )  # fmt: skip
    return out


@numba.njit(cache=True, nogil=True, fastmath={"contract"})  # type: ignore[untyped-decorator]
def _answer(c, a2, e, numbers, sizes, series, activation, out):  # type: ignore[no-untyped-def]
    points = c.size
    widest = sizes.max()
    one = a2.dtype.type(1.0)
    two = a2.dtype.type(2.0)
    zero = a2.dtype.type(0.0)
    tiny = a2.dtype.type(1e-30)
    x = np.empty((widest, BLOCK), a2.dtype)
    y = np.empty((widest, BLOCK), a2.dtype)
    zr, zi = np.empty(BLOCK, a2.dtype), np.empty(BLOCK, a2.dtype)
    qr, qi = np.empty(BLOCK, a2.dtype), np.empty(BLOCK, a2.dtype)
    s, low, earlier = np.empty(BLOCK, a2.dtype), np.empty(BLOCK, a2.dtype), np.empty(BLOCK, a2.dtype)
    layers = sizes.size - 1
    for start in range(0, points, BLOCK):
        count = min(BLOCK, points - start)
        for p in range(count):
            n = max(c[start + p], tiny)
            zr[p], zi[p] = a2[0, start + p] / n, a2[1, start + p] / n
            er, ei = e[0, start + p], e[1, start + p]
            bound = one / math.sqrt(one + er * er + ei * ei)
            qr[p], qi[p] = bound * er, bound * ei
            s[p] = min(zr[p] * zr[p] + zi[p] * zi[p], one)
            x[0, p] = s[p]
            x[1, p] = qr[p] * qr[p] + qi[p] * qi[p]
            x[2, p] = zr[p] * qr[p] + zi[p] * qi[p]
            x[3, p] = zero
        at = 0
        for layer in range(layers):
            inputs, outputs = sizes[layer], sizes[layer + 1]
            bias = at + inputs * outputs
            for j in range(outputs):
                b = numbers[bias + j]
                for p in range(count):
                    y[j, p] = b
                for i in range(inputs):
                    w = numbers[at + j * inputs + i]
                    for p in range(count):
                        y[j, p] += w * x[i, p]
                if layer < layers - 1:
                    if activation == 0:
                        for p in range(count):
                            v = y[j, p]
                            y[j, p] = v / math.sqrt(one + v * v)
                    elif activation == 1:
                        for p in range(count):
                            y[j, p] = math.sin(y[j, p])
                    else:
                        for p in range(count):
                            y[j, p] = math.tanh(y[j, p])
            x, y = y, x
            at = bias + outputs
        # Clenshaw's sum of the series at 2 s - 1, all points of the block in step
        for p in range(count):
            low[p], earlier[p] = series[series.size - 1], zero
        for k in range(series.size - 2, 0, -1):
            for p in range(count):
                latest = series[k] + two * (two * s[p] - one) * low[p] - earlier[p]
                earlier[p] = low[p]
                low[p] = latest
        for p in range(count):
            low_p = series[0] + (two * s[p] - one) * low[p] - earlier[p] - one
            z2r, z2i = zr[p] * zr[p] - zi[p] * zi[p], two * zr[p] * zi[p]
            room = one - s[p]
            zqr, zqi = zr[p] * qr[p] - zi[p] * qi[p], zr[p] * qi[p] + zi[p] * qr[p]
            q2r, q2i = qr[p] * qr[p] - qi[p] * qi[p], two * qr[p] * qi[p]
            dr = low_p * z2r + room * (x[0, p] * z2r + x[1, p] * zqr + x[2, p] * q2r)
            di = low_p * z2i + room * (x[0, p] * z2i + x[1, p] * zqi + x[2, p] * q2i)
            factor = min(room / math.sqrt(dr * dr + di * di + tiny), one)
            n = max(c[start + p], tiny)
            out[0, start + p] = n * (z2r + factor * dr)
            out[1, start + p] = n * (z2i + factor * di)

"""Sums over neighbours for smoothed particles, compiled: the twins of `subgrid_sph.reference`.

``record`` (n, 8 or 12) holds what neighbours read of a particle, so that one or two cache lines bring all of it:
position (0-2), volume (3), velocity (4-6), density or pressure (7), and for `transport_forces` transport velocity
(8-10) and density (11). Two-dimensional vectors end with a zero. ``begin``, ``end`` and ``indices`` are rows of
neighbours. Rows ``first`` to ``last`` belong to the caller. Particles before ``fluid`` are fluid, the others walls.

``low`` is the lower corner and ``lengths`` are periods, zero along open axes, both tuples with a number for each axis:
their length is part of their type, so that two and three dimensions are compiled apart, and the former without z.

Near periodic ends neighbours may be images: the loop over them comes in two forms, and most rows take the shorter one.
Sums may be reassociated, which puts several neighbours into a vector register; the order depends on the row alone, so
that results do not depend on threads or on when the list was made.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

__all__ = [
    "apply_state",
    "delta_forces",
    "delta_rates",
    "densities",
    "extrapolate",
    "kick_and_drift",
    "load",
    "transport_forces",
]

Array = Any
Vector = tuple[float, ...]

U = np.uint64
X, Y, Z, V, VX, VY, VZ, Q, TX, TY, TZ, R = (U(k) for k in range(12))

FAST = {"reassoc", "contract", "nsz", "arcp"}


@njit(cache=True, nogil=True, fastmath=FAST, error_model="numpy")  # type: ignore[untyped-decorator]
def _periods(record, lengths):  # type: ignore[no-untyped-def]
    """Periods along x, y and z and one over them, zero along open axes, in the precision of the record."""
    real = record.dtype.type
    lx, ly, lz = real(lengths[0]), real(lengths[1]), real(lengths[-1])
    px = real(1.0) / lx if lx > 0 else real(0.0)
    py = real(1.0) / ly if ly > 0 else real(0.0)
    pz = real(1.0) / lz if lz > 0 else real(0.0)
    return lx, ly, lz, px, py, pz


@njit(cache=True, nogil=True, fastmath=FAST, error_model="numpy")  # type: ignore[untyped-decorator]
def _near_an_end(record, i, low, lengths, h):  # type: ignore[no-untyped-def]
    """Whether neighbours of particle i may be images, seen across a periodic end."""
    margin = 2.001 * h
    edge = False
    for a in range(len(lengths)):
        if lengths[a] > 0.0:
            along_axis = float(record[i, U(a)]) - low[a]
            edge |= (along_axis < margin) | (along_axis > lengths[a] - margin)
    return edge


@njit(cache=True, nogil=True, fastmath=FAST, error_model="numpy")  # type: ignore[untyped-decorator]
def _apart(record, x, y, z, j, lengths, periods, edge):  # type: ignore[no-untyped-def]
    """(x, y, z) minus the position of particle j, or of its nearest image at an ``edge``; without z in two dimensions.

    ``edge`` does not change along a row, so that the compiler makes two loops of one that calls this.
    """
    real = record.dtype.type
    half, zero = real(0.5), real(0.0)
    three = len(lengths) == 3
    lx, ly, lz, px, py, pz = periods
    dx, dy, dz = x - record[j, X], y - record[j, Y], z - record[j, Z] if three else zero
    if edge:
        dx -= lx * math.floor(dx * px + half)
        dy -= ly * math.floor(dy * py + half)
        if three:
            dz -= lz * math.floor(dz * pz + half)
    return dx, dy, dz


@njit(cache=True, nogil=True, fastmath=FAST, error_model="numpy")  # type: ignore[untyped-decorator]
def delta_rates(
    record: Array, begin: Array, end: Array, indices: Array, low: Vector, lengths: Vector, h: float, scale: float,
    fluid: int, diffusion: float, rest: Array, out: Array, first: int, last: int,
) -> None:  # fmt: skip
    """Rates of density [kg/m3/s] into ``out``; see `subgrid_sph.reference.delta_rates`."""
    real = record.dtype.type
    three = len(lengths) == 3
    periods = _periods(record, lengths)
    one, zero = real(1.0), real(0.0)
    per_h, slope, spread = real(0.5 / h), real(-5.0 * scale / (h * h)), real(2.0 * diffusion)
    gx, gy, gz = real(rest[0]), real(rest[1]), real(rest[2])
    for i in range(U(first), U(last)):
        x, y, z, u, v, w, rho = (
            record[i, X], record[i, Y], record[i, Z], record[i, VX], record[i, VY], record[i, VZ], record[i, Q]
        )  # fmt: skip
        divergence, flux = zero, zero
        own = one if i < U(fluid) else zero
        edge = _near_an_end(record, i, low, lengths, h)
        for e in range(U(begin[i]), U(end[i])):
            j = U(indices[e])
            dx, dy, dz = _apart(record, x, y, z, j, lengths, periods, edge)
            c = max(one - math.sqrt(dx * dx + dy * dy + dz * dz) * per_h, zero)
            weight = slope * c * c * c * record[j, V]
            along = (u - record[j, VX]) * dx + (v - record[j, VY]) * dy
            apart = record[j, Q] - rho + gx * dx + gy * dy
            if three:
                along += (w - record[j, VZ]) * dz
                apart += gz * dz
            divergence += along * weight
            # what density differs by at rest spreads nothing (Fourtakas et al. 2019)
            both = own if j < U(fluid) else zero
            flux -= both * apart * weight
        out[i] = rho * divergence + spread * flux


@njit(cache=True, nogil=True, fastmath=FAST, error_model="numpy")  # type: ignore[untyped-decorator]
def delta_forces(
    record: Array, density: Array, begin: Array, end: Array, indices: Array, low: Vector, lengths: Vector, h: float,
    scale: float, fluid: int, artificial: float, viscosity: float, wall_viscosity: float, gravity: Array, out: Array,
    first: int, last: int,
) -> None:  # fmt: skip
    """Accelerations [m/s2] (n, 3) into ``out``; see `subgrid_sph.reference.delta_forces`."""
    real = record.dtype.type
    three = len(lengths) == 3
    periods = _periods(record, lengths)
    one, zero = real(1.0), real(0.0)
    per_h, slope, tiny = real(0.5 / h), real(-5.0 * scale / (h * h)), real(1e-12 * h * h)
    push, drag, drag_wall = real(artificial), real(2.0 * viscosity), real(2.0 * wall_viscosity)
    gx, gy, gz = real(gravity[0]), real(gravity[1]), real(gravity[2])
    for i in range(U(first), U(last)):
        x, y, z, u, v, w, p = (
            record[i, X], record[i, Y], record[i, Z], record[i, VX], record[i, VY], record[i, VZ], record[i, Q]
        )  # fmt: skip
        ax, ay, az = zero, zero, zero
        edge = _near_an_end(record, i, low, lengths, h)
        for e in range(U(begin[i]), U(end[i])):
            j = U(indices[e])
            dx, dy, dz = _apart(record, x, y, z, j, lengths, periods, edge)
            square = dx * dx + dy * dy + dz * dz
            c = max(one - math.sqrt(square) * per_h, zero)
            weight = slope * c * c * c * record[j, V]
            du, dv, dw = u - record[j, VX], v - record[j, VY], w - record[j, VZ] if three else zero
            inner = j < U(fluid)
            along = (push if inner else zero) * (du * dx + dv * dy + dw * dz) / (square + tiny)
            radial = (along - p - record[j, Q]) * weight
            shear = (drag if inner else drag_wall) * weight
            ax += radial * dx + shear * du
            ay += radial * dy + shear * dv
            if three:
                az += radial * dz + shear * dw
        per_density = one / density[i]
        out[i, 0] = ax * per_density + gx
        out[i, 1] = ay * per_density + gy
        out[i, 2] = az * per_density + gz


@njit(cache=True, nogil=True, fastmath=FAST, error_model="numpy")  # type: ignore[untyped-decorator]
def densities(
    record: Array, begin: Array, end: Array, indices: Array, low: Vector, lengths: Vector, h: float, scale: float,
    mass: float, out: Array, first: int, last: int,
) -> None:  # fmt: skip
    """Densities [kg/m3] by summation into ``out``; see `subgrid_sph.reference.densities`."""
    real = record.dtype.type
    periods = _periods(record, lengths)
    one, two, per_h, zero = real(1.0), real(2.0), real(0.5 / h), real(0.0)
    for i in range(U(first), U(last)):
        x, y, z = record[i, X], record[i, Y], record[i, Z]
        total = one
        edge = _near_an_end(record, i, low, lengths, h)
        for e in range(U(begin[i]), U(end[i])):
            j = U(indices[e])
            dx, dy, dz = _apart(record, x, y, z, j, lengths, periods, edge)
            q = math.sqrt(dx * dx + dy * dy + dz * dz) * per_h
            c = max(one - q, zero)
            c = c * c
            total += c * c * (two * two * q + one)
        out[i] = real(mass * scale) * total


@njit(cache=True, nogil=True, fastmath=FAST, error_model="numpy")  # type: ignore[untyped-decorator]
def extrapolate(
    record: Array, density: Array, begin: Array, end: Array, indices: Array, low: Vector, lengths: Vector, h: float,
    fluid: int, gravity: Array, pressure: Array, velocity: Array, first: int, last: int,
) -> None:  # fmt: skip
    """Pressure (n,) and mean velocity (n, 3) of the fluid at walls; see `subgrid_sph.reference.extrapolate`."""
    real = record.dtype.type
    three = len(lengths) == 3
    periods = _periods(record, lengths)
    one, per_h, zero = real(1.0), real(0.5 / h), real(0.0)
    gx, gy, gz = real(gravity[0]), real(gravity[1]), real(gravity[2])
    for i in range(U(first), U(last)):
        x, y, z = record[i, X], record[i, Y], record[i, Z]
        total, p, u, v, w = zero, zero, zero, zero, zero
        edge = _near_an_end(record, i, low, lengths, h)
        for e in range(U(begin[i]), U(end[i])):
            j = U(indices[e])
            dx, dy, dz = _apart(record, x, y, z, j, lengths, periods, edge)
            q = math.sqrt(dx * dx + dy * dy + dz * dz) * per_h
            c = max(one - q, zero)
            c = c * c
            weight = c * c * (real(4.0) * q + one) if j < U(fluid) else zero
            total += weight
            p += weight * (record[j, Q] + density[j] * (gx * dx + gy * dy + (gz * dz if three else zero)))
            u += weight * record[j, VX]
            v += weight * record[j, VY]
            if three:
                w += weight * record[j, VZ]
        share = one / total if total > zero else zero
        pressure[i] = p * share
        velocity[i, 0], velocity[i, 1], velocity[i, 2] = u * share, v * share, w * share


@njit(cache=True, nogil=True, fastmath=FAST, error_model="numpy")  # type: ignore[untyped-decorator]
def transport_forces(
    record: Array, begin: Array, end: Array, indices: Array, low: Vector, lengths: Vector, h: float, scale: float,
    mass: float, viscosity: float, wall_viscosity: float, background: float, fluid: int, gravity: Array,
    out: Array, shift: Array, first: int, last: int,
) -> None:  # fmt: skip
    """Accelerations and shifts [m/s2], both (n, 3); see `subgrid_sph.reference.transport_forces`."""
    real = record.dtype.type
    three = len(lengths) == 3
    periods = _periods(record, lengths)
    half, one, zero = real(0.5), real(1.0), real(0.0)
    per_h, slope = real(0.5 / h), real(-5.0 * scale / (h * h))
    drag, drag_wall = real(viscosity), real(wall_viscosity)
    per_mass, push = real(1.0 / mass), real(-background / mass)
    gx, gy, gz = real(gravity[0]), real(gravity[1]), real(gravity[2])
    for i in range(U(first), U(last)):
        x, y, z, u, v, w, p, rho = (
            record[i, X], record[i, Y], record[i, Z], record[i, VX], record[i, VY], record[i, VZ], record[i, Q],
            record[i, R],
        )  # fmt: skip
        tx, ty, tz = record[i, TX] - u, record[i, TY] - v, record[i, TZ] - w
        volume = record[i, V] * record[i, V]
        ax, ay, az, sx, sy, sz = zero, zero, zero, zero, zero, zero
        edge = _near_an_end(record, i, low, lengths, h)
        for e in range(U(begin[i]), U(end[i])):
            j = U(indices[e])
            dx, dy, dz = _apart(record, x, y, z, j, lengths, periods, edge)
            c = max(one - math.sqrt(dx * dx + dy * dy + dz * dz) * per_h, zero)
            weight = slope * c * c * c * (volume + record[j, V] * record[j, V])
            uj, vj, wj, rho_j = record[j, VX], record[j, VY], record[j, VZ], record[j, R]
            # momentum that moves with the difference of the two velocities: (A_i + A_j) . r / 2
            own, other = tx * dx + ty * dy, (record[j, TX] - uj) * dx + (record[j, TY] - vj) * dy
            if three:
                own += tz * dz
                other += (record[j, TZ] - wj) * dz
            own, other = half * rho * own, half * rho_j * other
            both = -(rho_j * p + rho * record[j, Q]) / (rho + rho_j)
            shear = drag if j < U(fluid) else drag_wall
            ax += weight * (both * dx + own * u + other * uj + shear * (u - uj))
            ay += weight * (both * dy + own * v + other * vj + shear * (v - vj))
            sx += weight * dx
            sy += weight * dy
            if three:
                az += weight * (both * dz + own * w + other * wj + shear * (w - wj))
                sz += weight * dz
        out[i, 0], out[i, 1], out[i, 2] = ax * per_mass + gx, ay * per_mass + gy, az * per_mass + gz
        shift[i, 0], shift[i, 1], shift[i, 2] = push * sx, push * sy, push * sz


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def load(
    position: Array, velocity: Array, density: Array, mass: Array, record: Array, densities: Array, offset: int,
    first: int, last: int,
) -> None:  # fmt: skip
    """Write columns (n, d) into ``record``, ``offset`` rows further down."""
    d, wide = position.shape[1], record.shape[1] > 8
    for i in range(first, last):
        row = i + offset
        for a in range(d):
            record[row, a], record[row, 4 + a] = position[i, a], velocity[i, a]
            if wide:
                record[row, 8 + a] = velocity[i, a]
        record[row, V], record[row, Q] = mass[i] / density[i], density[i]
        if wide:
            record[row, R] = density[i]
        densities[row] = density[i]


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def apply_state(
    record: Array, densities: Array, mass: float, rest: float, sound: float, exponent: int, first: int, last: int
) -> None:
    """Volume and pressure into ``record`` (n, 8 or 12), of ``densities`` (n,), in rows ``first`` to ``last``.

    ``p = rho0 c0^2/gamma [(rho/rho0)^gamma - 1]`` (Tait), gamma = ``exponent`` a whole number.
    """
    real = record.dtype.type
    stiffness, per_rest, one = real(rest * sound * sound / exponent), real(1.0 / rest), real(1.0)
    wide = record.shape[1] > 8
    for i in range(first, last):
        ratio = densities[i] * per_rest
        power = ratio
        for _ in range(1, exponent):
            power *= ratio
        record[i, V], record[i, Q] = real(mass) / densities[i], stiffness * (power - one)
        if wide:
            record[i, R] = densities[i]


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def kick_and_drift(
    position: Array, velocity: Array, acceleration: Array, kick: float, extra: Array, extra_kick: float, drift: float,
    low: Array, lengths: Array, first: int, last: int,
) -> None:  # fmt: skip
    """``u += kick a``, then ``x += drift (u + extra_kick extra)``, brought back into the box along periodic axes.

    Columns are (n, d), ``low`` and ``lengths`` (d,), the latter zero along open axes. Without an extra acceleration
    ``extra`` has no rows.
    """
    real = position.dtype.type
    for a in range(position.shape[1]):
        start, length, step, push = real(low[a]), real(lengths[a]), real(drift), real(kick)
        for i in range(first, last):
            velocity[i, a] += push * acceleration[i, a]
            speed = velocity[i, a]
            if extra.shape[0] > 0:
                speed += real(extra_kick) * extra[i, a]
            x = position[i, a] + step * speed
            if length > 0:
                if x < start:
                    x += length
                if x >= start + length:
                    x -= length
                x = max(x, start)
            position[i, a] = x

"""Two elastic disks in a second MLS-MPM, written from the equations and sharing no code with the first.

Quadratic B-splines, APIC, fixed corotated elasticity, on a grid of its own extent and origin; sums by ``bincount``.
"""

import math
from typing import Any

import numpy as np

YOUNG, POISSON, DENSITY = 1000.0, 0.3, 1000.0
MU, LAMBDA = YOUNG / (2.0 * (1.0 + POISSON)), YOUNG * POISSON / ((1.0 + POISSON) * (1.0 - 2.0 * POISSON))


def disks(cells: int, end: float = 3.6) -> dict[str, Any]:
    """Series ``time``, ``kinetic`` and ``stored`` (steps,), energies over the first kinetic energy."""
    dx = 1.0 / cells
    dt = 0.2 * dx / math.sqrt((LAMBDA + 2.0 * MU) / DENSITY)
    points = -0.3 + 0.5 * dx * (np.arange(3.2 * cells) + 0.5)
    x = np.stack(np.meshgrid(points, points, indexing="ij"), axis=-1).reshape(-1, 2)
    first, second = (np.hypot(*(x - center).T) <= 0.2 for center in (0.2, 0.8))
    x, v = np.concatenate([x[first], x[second]]), np.full((first.sum() + second.sum(), 2), 0.1)
    v[first.sum() :] *= -1.0
    mass, volume = DENSITY * dx**2 / 4.0, dx**2 / 4.0
    C, F = np.zeros((len(x), 2, 2)), np.tile(np.eye(2), (len(x), 1, 1))
    side, origin = 2 * cells + 8, -0.5
    series = []
    for _ in range(math.ceil(end / dt)):
        J = F[:, 0, 0] * F[:, 1, 1] - F[:, 0, 1] * F[:, 1, 0]
        # the rotation of a polar decomposition in the plane
        angle = np.arctan2(F[:, 1, 0] - F[:, 0, 1], F[:, 0, 0] + F[:, 1, 1])
        R = np.stack([np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)], axis=-1).reshape(-1, 2, 2)
        tau = 2.0 * MU * (F - R) @ F.swapaxes(1, 2) + (LAMBDA * J * (J - 1.0))[:, None, None] * np.eye(2)
        energy = MU * ((F - R) ** 2).sum(axis=(1, 2)) + 0.5 * LAMBDA * (J - 1.0) ** 2
        series.append((len(series) * dt, 0.5 * mass * (v**2).sum(), volume * energy.sum()))
        place = (x - origin) / dx
        base = np.floor(place - 0.5).astype(int)
        f = place - base
        weights = 0.5 * (1.5 - f) ** 2, 0.75 - (f - 1.0) ** 2, 0.5 * (f - 0.5) ** 2
        affine = mass * C - dt * volume * 4.0 / dx**2 * tau
        stencil = []
        nodes = np.zeros((3, side * side))
        for a in range(3):
            for b in range(3):
                node, w = (base[:, 0] + a) * side + base[:, 1] + b, weights[a][:, 0] * weights[b][:, 1]
                away = (np.array([a, b]) - f) * dx
                stencil.append((node, w, away))
                momentum = w[:, None] * (mass * v + np.einsum("nij,nj->ni", affine, away))
                for row, values in zip(nodes, (w * mass, *momentum.T), strict=True):
                    row += np.bincount(node, values, side * side)
        velocity = (nodes[1:] / np.where(nodes[0] > 0.0, nodes[0], 1.0)).T
        v, C = np.zeros_like(v), np.zeros_like(C)
        for node, w, away in stencil:
            part = w[:, None] * velocity[node]
            v += part
            C += 4.0 / dx**2 * part[:, :, None] * away[:, None, :]
        x = x + dt * v
        F = F + dt * C @ F
    time, kinetic, stored = np.array(series).T
    return {"time": time, "kinetic": kinetic / kinetic[0], "stored": stored / kinetic[0]}

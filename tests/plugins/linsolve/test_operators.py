"""Grid operators: with and without a matrix, symmetric, of second order, and refused when they do not fit."""

from itertools import product

import numpy as np
import pytest

from subgrid.api import GridOperator
from subgrid.grid_operator import BOUNDARY_TYPES


def with_random_coefficients(shape: tuple[int, ...], boundaries: tuple[str, ...]) -> GridOperator:
    random = np.random.default_rng(0)
    faces = []
    for axis, name in enumerate(boundaries):
        longer = tuple(n + (axis == other) for other, n in enumerate(shape))
        values = np.moveaxis(random.uniform(0.5, 2.0, longer), axis, 0)
        if name == "periodic":
            values[-1] = values[0]
        faces.append(np.moveaxis(values, 0, axis))
    return GridOperator(
        shape, tuple(0.1 * (1 + n) for n in range(len(shape))), boundaries, tuple(faces), random.random(shape)
    )


@pytest.mark.parametrize("boundaries", [*product(BOUNDARY_TYPES, BOUNDARY_TYPES), ("periodic",), ("neumann",) * 3])
def test_matrix_and_application_agree(boundaries: tuple[str, ...]) -> None:
    shape = (5, 4, 3)[: len(boundaries)]
    operator = with_random_coefficients(shape, boundaries)
    matrix = operator.to_sparse()
    values = np.random.default_rng(1).standard_normal(shape)
    assert operator.apply(values).ravel() == pytest.approx(matrix @ values.ravel(), rel=1e-12, abs=1e-10)
    assert abs(matrix - matrix.T).max() == 0.0


@pytest.mark.parametrize(("boundary", "wave"), [
    ("dirichlet", np.sin), ("neumann", np.cos), ("periodic", lambda x: np.cos(2 * x)), ("dirichlet_node", np.sin),
])  # fmt: skip
def test_second_order_on_eigenfunctions(boundary: str, wave: object) -> None:
    errors = []
    for n in (16, 32):
        h = np.pi / (n + 1) if boundary == "dirichlet_node" else np.pi / n
        x = h * (np.arange(n) + (1.0 if boundary == "dirichlet_node" else 0.5))
        u = wave(x)  # type: ignore[operator]
        exact = (4.0 if boundary == "periodic" else 1.0) * u
        errors.append(np.max(np.abs(GridOperator((n,), (h,), (boundary,)).apply(u) - exact)))
    assert np.log2(errors[0] / errors[1]) == pytest.approx(2.0, abs=0.12)


def test_constants_are_in_the_null_space_without_walls() -> None:
    operator = GridOperator((4, 6), (1.0, 1.0), ("neumann", "periodic"))
    assert operator.singular
    assert np.all(operator.apply(np.ones((4, 6))) == 0.0)
    assert not GridOperator((4, 6), (1.0, 1.0), ("neumann", "dirichlet")).singular


@pytest.mark.parametrize(("change", "message"), [
    ({"boundaries": ("slip", "neumann")}, "slip"),
    ({"spacing": (1.0,)}, "lengths differ"),
    ({"diffusivity": (np.ones((4, 6)), np.ones((4, 6)))}, r"expected \[\(5, 6\), \(4, 7\)\]"),
    ({"shape": (1, 6)}, "two cells"),
])  # fmt: skip
def test_what_does_not_fit_is_refused(change: dict[str, object], message: str) -> None:
    fine = {"shape": (4, 6), "spacing": (1.0, 1.0), "boundaries": ("neumann", "neumann")}
    with pytest.raises(ValueError, match=message):
        GridOperator(**{**fine, **change})  # type: ignore[arg-type]

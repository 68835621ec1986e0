"""Closures respect what the equations respect, whatever their options."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from subgrid.api import Backend, Grid

from .conftest import COUPLED_LAYERS, every_variant, inputs_of, random_vorticity, square

INVARIANCE = 1e-10
"""Relative, for every closure; transforms of 32^2 points leave errors of 1e-13."""


def rotated(field: Any) -> Any:
    """The field turned by 90 degrees about the first grid point."""
    return np.roll(np.rot90(field, axes=(-2, -1)), 1, axis=-2)


def close(answer: Any, expected: Any, tolerance: float = INVARIANCE) -> None:
    assert_allclose(answer, expected, rtol=0, atol=tolerance * np.abs(expected).max())


@every_variant
def test_answers_turn_with_the_flow(variant: Any, make_closure: Callable[..., Any]) -> None:
    name, options = variant
    mesh = square(32)
    closure, vorticity = make_closure(name, mesh, **options), random_vorticity(mesh, layers=2)
    answer = closure.evaluate(inputs_of(vorticity, mesh), {})
    turned = closure.evaluate(inputs_of(rotated(vorticity), mesh), {})
    close(turned, rotated(answer) if answer.shape[-1] > 1 else answer)


@every_variant
def test_a_uniform_velocity_changes_nothing(variant: Any, make_closure: Callable[..., Any]) -> None:
    name, options = variant
    mesh = square(32)
    closure, inputs = make_closure(name, mesh, **options), dict(inputs_of(random_vorticity(mesh, layers=2), mesh))
    answer = closure.evaluate(inputs, {})
    inputs["velocity"] = inputs["velocity"] + np.array([0.7, -0.4]).reshape(2, 1, 1, 1)
    close(closure.evaluate(inputs, {}), answer)


@every_variant
def test_layers_are_answered_one_by_one(variant: Any, make_closure: Callable[..., Any]) -> None:
    name, options = variant
    if name in COUPLED_LAYERS or "layer_thickness" in options:
        pytest.skip("its layers know of each other")
    mesh = Grid((24, 32), (2.0, 3.0))
    closure, vorticity = make_closure(name, mesh, **options), random_vorticity(mesh, layers=2)
    together = closure.evaluate(inputs_of(vorticity, mesh), {})
    for layer in range(2):
        alone = closure.evaluate(inputs_of(vorticity[layer], mesh), {})
        close(np.broadcast_to(together, (2, *together.shape[-2:]))[layer], alone, 1e-13)


@every_variant
def test_torch_gives_the_numbers_of_numpy(variant: Any, make_closure: Callable[..., Any]) -> None:
    pytest.importorskip("torch")
    name, options = variant
    mesh, backend = Grid((24, 32), (2.0, 3.0)), Backend("torch", threads=1)
    vorticity = random_vorticity(mesh, layers=2)
    expected = make_closure(name, mesh, **options).evaluate(inputs_of(vorticity, mesh), {})
    tensors = inputs_of(backend.asarray(vorticity), mesh, backend)
    answer = make_closure(name, mesh, backend, **options).evaluate(tensors, {})
    close(backend.to_numpy(answer), expected, 1e-12)


@every_variant
def test_gradients_match_differences(variant: Any, make_closure: Callable[..., Any]) -> None:
    """Automatic differentiation against a central difference along a random direction."""
    pytest.importorskip("torch")
    name, options = variant
    mesh, backend = Grid((12, 16), (2.0, 3.0)), Backend("torch", threads=1)
    closure = make_closure(name, mesh, backend, **options)
    vorticity = backend.asarray(random_vorticity(mesh, layers=2))
    direction = backend.asarray(random_vorticity(mesh, layers=2, seed=2))

    def squares(field: Any) -> Any:
        return (closure.evaluate(inputs_of(field, mesh, backend), {}) ** 2).sum()

    step = 1e-5
    difference = float(squares(vorticity + step * direction) - squares(vorticity - step * direction)) / (2 * step)
    vorticity.requires_grad_(True)
    value = squares(vorticity)
    if not value.requires_grad:
        assert difference == 0.0
        return
    value.backward()
    # central differences err by step^2, and clipping kinks at few points
    assert float((vorticity.grad * direction).sum()) == pytest.approx(difference, rel=1e-4)


@every_variant
def test_a_flow_at_rest_gives_finite_answers_and_gradients(variant: Any, make_closure: Callable[..., Any]) -> None:
    torch = pytest.importorskip("torch")
    name, options = variant
    mesh, backend = square(16), Backend("torch", threads=1)
    names = make_closure(name, mesh, backend, **options).inputs
    rest = {
        key: torch.zeros_like(value) for key, value in inputs_of(torch.zeros(2, 16, 16).double(), mesh, backend).items()
    }
    for key in names:
        rest[key].requires_grad_(True)
    answer = make_closure(name, mesh, backend, **options).evaluate(rest, {})
    assert torch.isfinite(answer).all()
    if answer.requires_grad:
        answer.sum().backward()
        assert all(torch.isfinite(rest[key].grad).all() for key in names if rest[key].grad is not None)


@every_variant
def test_evaluation_is_pure_and_reads_only_what_it_declares(variant: Any, make_closure: Callable[..., Any]) -> None:
    name, options = variant
    mesh = square(16)
    closure, inputs = make_closure(name, mesh, **options), inputs_of(random_vorticity(mesh, layers=2), mesh)
    declared = {key: inputs[key].copy() for key in closure.inputs}
    first, second = closure.evaluate(declared, {}), closure.evaluate(declared, {})
    assert np.array_equal(first, second)
    assert all(np.array_equal(declared[key], inputs[key]) for key in declared)


@every_variant
def test_single_precision_stays_single(variant: Any, make_closure: Callable[..., Any]) -> None:
    name, options = variant
    mesh, backend = square(16), Backend(precision="float32", threads=1)
    vorticity = random_vorticity(mesh, layers=2).astype(np.float32)
    inputs = inputs_of(vorticity, mesh, backend)
    assert make_closure(name, mesh, backend, **options).evaluate(inputs, {}).dtype == np.float32

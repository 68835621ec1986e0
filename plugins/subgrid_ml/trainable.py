"""What a closure must offer to be trained by ``subgrid train``; a stranger's closure implements the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol, runtime_checkable

import numpy as np

from subgrid.api import Array, Closure

__all__ = ["MeasuredClosure", "TrainableClosure"]


@runtime_checkable
class TrainableClosure(Closure, Protocol):
    """A closure whose numbers can be learned.

    ``evaluate`` must be differentiable on the torch backend, and take its parameters from what was last adopted, so
    that several instances, each in a scenario of its own, learn the same numbers. ``architecture`` is what the weights
    card says about it, and ``constants`` (such as a normalisation) are saved but not trained. Inputs come with an axis
    for frames before those of the mesh: (component, frame, y, x), or (component, frame, point) when points are drawn.
    """

    @property
    def architecture(self) -> Mapping[str, Any]:
        """What the weights card says about it: plain data."""

    @property
    def parameters(self) -> Mapping[str, Array]:
        """Arrays of any shape, by name, that training changes."""

    @property
    def constants(self) -> Mapping[str, Array]:
        """Arrays of any shape, by name, that are saved with the parameters and not trained."""

    def begin(self, samples: Iterable[Mapping[str, Array]], rng: np.random.Generator) -> None:
        """Draw first parameters and fit the normalisation to inputs of the training runs, which come in parts.

        Called once, after `setup` and before training, unless the closure was given weights.
        """

    def adopt(self, parameters: Mapping[str, Array], constants: Mapping[str, Array]) -> None:
        """From now on answer with these."""


@runtime_checkable
class MeasuredClosure(Protocol):
    """A closure whose answers are compared by what they do rather than by themselves."""

    def measure(self, inputs: Mapping[str, Array], answer: Array) -> Array:
        """What the pointwise loss compares, (component, frame, y, x), of an ``answer`` of the slot to these inputs."""

"""A small fully connected network, the same source for NumPy and torch."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["ACTIVATIONS", "Perceptron"]

ACTIVATIONS: Mapping[str, Callable[[Any, Any], Any]] = {
    "algebraic": lambda xp, x: x / xp.sqrt(1.0 + x * x),
    "sin": lambda xp, x: xp.sin(x),
    "tanh": lambda xp, x: xp.tanh(x),
}
"""Nonlinearity by name, of an array namespace and an array. ``algebraic`` is the quickest in compiled loops."""


@dataclass(frozen=True)
class Perceptron:
    """y = W_n f(... f(W_1 x + b_1) ...) + b_n over the columns of x (``sizes[0]``, points).

    ``parameters`` are named ``0.weight`` (outputs, inputs), ``0.bias`` (outputs, 1), ``1.weight`` and so on.
    """

    sizes: tuple[int, ...]
    activation: str

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of each parameter by name."""
        shapes = {}
        for layer, (inputs, outputs) in enumerate(zip(self.sizes[:-1], self.sizes[1:], strict=True)):
            shapes |= {f"{layer}.weight": (outputs, inputs), f"{layer}.bias": (outputs, 1)}
        return shapes

    def initial(self, rng: np.random.Generator) -> dict[str, NDArray[np.float64]]:
        """Glorot's normal weights and zero biases; the last layer is zero, so that the network begins as zero."""
        last, parameters = len(self.sizes) - 2, {}
        for name, shape in self.shapes().items():
            scale = math.sqrt(2.0 / sum(shape)) if name.endswith("weight") and name != f"{last}.weight" else 0.0
            parameters[name] = scale * rng.standard_normal(shape)
        return parameters

    def __call__(self, xp: Any, parameters: Mapping[str, Any], x: Any) -> Any:
        """Outputs (``sizes[-1]``, points), in the precision of the arguments."""
        activate, last = ACTIVATIONS[self.activation], len(self.sizes) - 2
        for layer in range(last + 1):
            x = xp.matmul(parameters[f"{layer}.weight"], x) + parameters[f"{layer}.bias"]
            if layer < last:
                x = activate(xp, x)
        return x

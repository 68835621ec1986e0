"""Learned closures of the fourth moment: a small network of invariants, within what is realisable.

With z = a_2/c, s = |z|^2, the strain rate scaled as q = e/sqrt(1 + |e|^2), and complex numbers for spin-4 tensors,

    a_4 = c (z^2 + D),   D = (B(s) - 1) z^2 + (1 - s) (h_0 z^2 + h_1 z q + h_2 q^2),

where D is drawn back to |D| = 1 - s when it is larger. The network gives h_0, h_1 and h_2 as functions of s, |q|^2,
Re(q conj z) and zeta. Every distribution that is nowhere negative has |a_4 - a_2^2/c| <= c (1 - s) (its Toeplitz
matrix of moments is positive), so the answers are those that some distribution has, and |a_4| <= c among them. a_4 is
quadratic in a_2 and e, so rods near isotropy grow at the exact rate whatever the network says.

h are scalars and each term turns by 4 phi when the frame turns by phi: the closure is equivariant by construction,
under reflections too. In the published form S:T = (A0 + 2 zeta B0) I + (A1 + 2 zeta B1) D + A2 E all that depends on
a_4 is the contraction a_4 conj(T), which z^2, z q and q^2 span with functions of the same invariants.

References: Maddu, Weady and Shelley, J. Comput. Phys. 504 (2024), 112869 (basis and invariants).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from subgrid.api import Array, Fields, ScenarioError, Setup, Slot, StateSpec
from subgrid_active.bingham import TINY, clenshaw
from subgrid_active.bingham_distribution import fourth_moment_series
from subgrid_active.learned_config import LearnedConfig
from subgrid_active.learned_kernel import learned_fourth_moment
from subgrid_ml.perceptron import Perceptron
from subgrid_ml.weights import Weights

__all__ = ["LearnedEquivariant", "LearnedResidual"]

SHIPPED = Path(__file__).parent / "weights"
FEATURES = ("order^2", "strain^2 bounded", "order.strain bounded", "alignment")
OUTPUTS = 3
SERIES_DEGREE = 40
"""Bingham's f to 1e-10: a learned residual is a thousand times larger where it is smallest."""
SLACK = 1e-5
"""Part of the trained range of the alignment by which a run may leave it: frames are stored in single precision."""


class LearnedFourthMoment:
    """What both closures share; they differ in ``series``, the Chebyshev coefficients of B(s) in 2 s - 1."""

    slots: Sequence[str] = ("fourth_moment",)
    inputs: Sequence[str] = ("concentration", "second_moment", "strain_rate", "alignment")
    kind: ClassVar[str]
    series: ClassVar[tuple[float, ...]]

    def __init__(self, config: LearnedConfig) -> None:
        self.config = config

    def __repr__(self) -> str:
        return f"{type(self).__name__}(weights={self.config.weights!r})"

    def setup(self, setup: Setup, slot: Slot) -> StateSpec:
        """Read the weights. Raises ScenarioError, naming the first thing that does not fit."""
        self.backend, self.xp = setup.backend, setup.backend.xp
        self.weights = None if self.config.weights == "none" else self._load(setup.folder)
        if self.weights is None:
            self.network = Perceptron((len(FEATURES), *self.config.hidden, OUTPUTS), self.config.activation)
            arrays: dict[str, Any] = {name: np.zeros(shape) for name, shape in self._shapes().items()}
            arrays["scale"] = np.ones((len(FEATURES), 1))
        else:
            self.network = self._network(self.weights)
            arrays = dict(self.weights.arrays)
        given = {name: self.backend.asarray(values, "real") for name, values in arrays.items()}
        constants = {name: given.pop(name) for name in ("mean", "scale")}
        self.adopt(given, constants)
        return StateSpec()

    @property
    def architecture(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "hidden": list(self.network.sizes[1:-1]),
            "activation": self.network.activation,
            "features": list(FEATURES),
        }

    @property
    def origin(self) -> Mapping[str, str]:
        """Where the weights come from, for the provenance of a run."""
        return self.weights.origin if self.weights is not None else {}

    def adopt(self, parameters: Mapping[str, Array], constants: Mapping[str, Array]) -> None:
        """From now on answer with these."""
        self.parameters, self.constants = dict(parameters), dict(constants)
        self._layers = None
        if self.backend.in_place and len(self.network.sizes) == 3 and self.network.activation == "algebraic":
            self._layers = self._compiled_layers()

    def _compiled_layers(self) -> tuple[Array, Array, Array]:
        """Both layers with their biases as last columns, the normalisation in the first, and the series."""
        weights = self.parameters["0.weight"] / self.constants["scale"].T
        bias = self.parameters["0.bias"] - weights @ self.constants["mean"]
        first = np.concatenate([weights, bias], axis=1)
        last = np.concatenate([self.parameters["1.weight"], self.parameters["1.bias"]], axis=1)
        return first, last, self.backend.asarray(self.series, "real")

    def begin(self, samples: Iterable[Mapping[str, Array]], rng: np.random.Generator) -> None:
        """Draw first parameters, and scale the features to mean 0 and variance 1. Keeps weights that were given."""
        if self.weights is not None:
            return
        count, total, squares = 0, 0.0, 0.0
        for inputs in samples:
            features = self._features(*self._complex_parts(inputs))[0]
            count += features.shape[1]
            total, squares = total + features.sum(axis=1), squares + (features**2).sum(axis=1)
        mean = self.backend.to_numpy(total / count)
        deviation = np.sqrt(np.maximum(self.backend.to_numpy(squares / count) - mean**2, 0.0))
        # a feature that never changes, such as the alignment in runs of one zeta, tells nothing
        scale = np.where(deviation > 1e-9, deviation, 1.0)
        constants = {"mean": mean[:, None], "scale": scale[:, None]}
        self.adopt(self._as_real(self.network.initial(rng)), self._as_real(constants))

    def outside(self, inputs: Mapping[str, Array], memory: Fields) -> str:
        """Whether the alignment lies outside the range of the training."""
        if self.weights is None:
            return ""
        low, high = self.weights.card["range"]["alignment"]
        zeta, slack = inputs["alignment"], SLACK * max(abs(low), abs(high))
        least, most = float(zeta.min()), float(zeta.max())
        if least >= low - slack and most <= high + slack:
            return ""
        return f"zeta = {least if least < low - slack else most:g}, trained were {low:.4g} to {high:.4g}"

    def evaluate(self, inputs: Mapping[str, Array], memory: Fields) -> Array:
        """(Re a_4, Im a_4), shape (2, ny, nx); further axes before (ny, nx) pass."""
        return self.reference(inputs) if self._layers is None else self._compiled(inputs)

    def _compiled(self, inputs: Mapping[str, Array]) -> Array:
        a2, e = (np.ascontiguousarray(inputs[name]) for name in ("second_moment", "strain_rate"))
        c, zeta = (
            np.ascontiguousarray(np.broadcast_to(inputs[name], a2.shape[1:])).reshape(-1)
            for name in ("concentration", "alignment")
        )
        out, real = np.empty_like(a2), a2.dtype.type
        pairs = (values.reshape(2, -1) for values in (a2, e))
        learned_fourth_moment(c, *pairs, zeta, *self._layers, real(TINY), out.reshape(2, -1))
        return out

    def reference(self, inputs: Mapping[str, Array]) -> Array:
        """The same in array operations: the definition, for any network, and differentiable on torch."""
        xp = self.xp
        c, z, q, zeta = self._complex_parts(inputs)
        features, s = self._features(c, z, q, zeta)
        normalised = (features - self.constants["mean"]) / self.constants["scale"]
        h0, h1, h2 = (xp.reshape(h, s.shape) for h in self.network(xp, self.parameters, normalised))
        (zr, zi), (qr, qi) = z, q
        z2r, z2i = zr * zr - zi * zi, 2.0 * zr * zi
        room = 1.0 - s
        low = clenshaw(self.series, 2.0 * s - 1.0) - 1.0
        dr = low * z2r + room * (h0 * z2r + h1 * (zr * qr - zi * qi) + h2 * (qr * qr - qi * qi))
        di = low * z2i + room * (h0 * z2i + h1 * (zr * qi + zi * qr) + h2 * 2.0 * qr * qi)
        size = xp.sqrt(dr * dr + di * di + TINY)
        factor = xp.clip(room / size, max=1.0)
        return xp.stack([c * (z2r + factor * dr), c * (z2i + factor * di)])

    def measure(self, inputs: Mapping[str, Array], answer: Array) -> Array:
        """Components 11, 12 and 22 of S:T_full, T_full = E + 2 zeta D: how the fourth moment acts on flow and rods.

        dev(S:T) = (c e + conj(e) a_4)/4 + zeta (3 c a_2 + conj(a_2) a_4)/4, and half the trace is Re(e conj a_2)/2 +
        zeta (c^2 + |a_2|^2)/2.
        """
        xp = self.xp
        c, (ar, ai), (er, ei) = inputs["concentration"], inputs["second_moment"], inputs["strain_rate"]
        zeta, (mr, mi) = inputs["alignment"], answer
        tr, ti = er + zeta * ar, ei + zeta * ai
        re = 0.25 * (c * er + 3.0 * zeta * c * ar + mr * tr + mi * ti)
        im = 0.25 * (c * ei + 3.0 * zeta * c * ai + mi * tr - mr * ti)
        half = 0.5 * (er * ar + ei * ai) + 0.5 * zeta * (c * c + ar * ar + ai * ai)
        return xp.stack([half + re, im, half - re])

    def _complex_parts(
        self, inputs: Mapping[str, Array]
    ) -> tuple[Array, tuple[Array, Array], tuple[Array, Array], Array]:
        """c, z, q and zeta; |z| is not limited yet."""
        xp = self.xp
        c = xp.clip(inputs["concentration"], min=TINY)
        (ar, ai), (er, ei) = inputs["second_moment"], inputs["strain_rate"]
        bound = 1.0 / xp.sqrt(1.0 + er * er + ei * ei)
        return c, (ar / c, ai / c), (bound * er, bound * ei), inputs["alignment"]

    def _features(self, c: Array, z: tuple[Array, Array], q: tuple[Array, Array], zeta: Array) -> tuple[Array, Array]:
        """Invariants (4, points), and s over the points, at most 1."""
        xp, ((zr, zi), (qr, qi)) = self.xp, (z, q)
        s = xp.clip(zr * zr + zi * zi, max=1.0)
        features = (s, qr * qr + qi * qi, zr * qr + zi * qi, zeta + 0.0 * s)
        return xp.stack([xp.reshape(feature, (-1,)) for feature in features]), s

    def _as_real(self, arrays: Mapping[str, Any]) -> dict[str, Array]:
        return {name: self.backend.asarray(values, "real") for name, values in arrays.items()}

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        return {**self.network.shapes(), "mean": (len(FEATURES), 1), "scale": (len(FEATURES), 1)}

    def _load(self, folder: Path) -> Weights:
        name = self.config.weights
        if name.endswith(".safetensors"):
            return Weights.load(folder / name)
        path = SHIPPED / f"{self.kind}-{name}.safetensors"
        if not path.is_file():
            names = sorted(p.stem.removeprefix(f"{self.kind}-") for p in SHIPPED.glob(f"{self.kind}-*.safetensors"))
            raise ScenarioError(
                f"weights: {name!r} is not shipped; choose from {', '.join(names) or 'nothing'}, "
                "a path that ends with .safetensors, or none"
            )
        return Weights.load(path)

    def _network(self, weights: Weights) -> Perceptron:
        """The network that a card describes. Raises ScenarioError when it is not one of this closure."""
        weights.require(closure=self.kind, slot="fourth_moment", inputs=list(self.inputs))
        place, architecture = weights.origin["file"], weights.card.get("architecture")
        try:
            described = LearnedConfig(hidden=architecture["hidden"], activation=architecture["activation"])
            low, high = (float(bound) for bound in weights.card["range"]["alignment"])
            ranged = low <= high
        except (KeyError, TypeError, ValueError) as error:
            raise ScenarioError(f"{place}: its card describes no network of {self.kind!r}") from error
        if architecture.get("features") != list(FEATURES) or not ranged:
            raise ScenarioError(
                f"{place}: made for features {architecture.get('features')}, this closure normalises {list(FEATURES)}"
            )
        self.network = Perceptron((len(FEATURES), *described.hidden, OUTPUTS), described.activation)
        weights.require_shapes(self._shapes())
        if not np.all(weights.arrays["scale"] > 0.0):
            raise ScenarioError(f"{place}: its normalisation divides by zero or less (array 'scale')")
        return self.network


class LearnedEquivariant(LearnedFourthMoment):
    """The form of Maddu, Weady and Shelley: B = 1 (see the module); the network of zeros is the quadratic closure."""

    kind = "learned_equivariant"
    series = (1.0, 0.0)


class LearnedResidual(LearnedFourthMoment):
    """A residual to Bingham's closure: B is its f (see the module), and the network of zeros is Bingham's closure.

    f(s) is a Chebyshev series of degree 40, which gives it to 1e-10.
    """

    kind = "learned_residual"
    series = tuple(float(coefficient) for coefficient in fourth_moment_series(SERIES_DEGREE))

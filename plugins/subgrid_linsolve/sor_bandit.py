"""Relaxation and conjugate gradients that learn their omega over a sequence of solves."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from subgrid.api import Array, ArraySpec, Fields, GridOperator, Setup, Solution, Streams
from subgrid_linsolve.config import BanditConfig, ContextualBanditConfig, PcgBanditConfig
from subgrid_linsolve.gaussian_process import GaussianProcess
from subgrid_linsolve.krylov import conjugate_gradients
from subgrid_linsolve.learners import BinnedTsallisInf, Chebyshev, Learner, TsallisInf
from subgrid_linsolve.relaxation import relax, symmetric_sweep
from subgrid_linsolve.systems import (
    Attempt,
    IterativeSolver,
    Latest,
    Real,
    matrix_of,
    norm,
    refuse_singular,
    refuse_unsymmetric,
)
from subgrid_linsolve.youngs_curve import YoungsCurve, logarithms_of_cost


def diagonal_dominance(operator: Any) -> float:
    """Mean row sum over mean diagonal, in [0, 1] for M-matrices: how far Jacobi's iteration is from not converging."""
    if isinstance(operator, GridOperator):
        return float(np.mean(operator.apply(np.ones(operator.shape))) / np.mean(operator.diagonal()))
    return float(operator.sum() / operator.diagonal().sum())


class SorBandit(IterativeSolver):
    """SOR with a learnt omega; no context.

    ``youngs_curve`` (`YoungsCurve`) learns within some five solves and follows changes; ``gaussian_process``
    (`GaussianProcess`) takes ten and needs no theory; ``tsallis_inf`` (`TsallisInf`) is the published bandit. ``setup``
    raises ScenarioError for an operator that leaves constants undetermined.
    """

    parameters = ("omega",)
    name = "sor_bandit"

    def __init__(self, config: BanditConfig) -> None:
        super().__init__(config)
        self.options = config
        self.omegas = np.linspace(config.lowest, config.highest, config.arms)
        self.learner = self._learner()
        self._matrix = Latest(matrix_of)
        self._context = Latest(diagonal_dominance)

    def __repr__(self) -> str:
        config = self.options
        return f"{type(self).__name__}(omegas={config.lowest:g}..{config.highest:g}, arms={config.arms})"

    def _learner(self) -> Learner:
        if self.options.policy == "tsallis_inf":
            return TsallisInf(self.options.arms)
        if self.options.policy == "gaussian_process":
            return GaussianProcess(tuple(self.omegas), context=False)
        return YoungsCurve(tuple(self.omegas))

    def check(self, operator: Any, setup: Setup) -> None:
        refuse_singular(operator, setup, self.name)

    def memory(self) -> dict[str, ArraySpec]:
        """What is learnt from solve to solve."""
        return self.learner.memory()

    def iterate(self, operator: Any, rhs: Array, guess: Array, memory: Fields, rng: Streams) -> Solution:
        """Choose omega, iterate until the true residual is below the tolerance, and learn from the iterations."""
        context = self._context(operator)
        uniform, least = rng.generator("omega").random(), self._least(operator, rhs, guess)
        arm, chance = self.learner.choose(context, memory, uniform, least)
        solution = self._solve(operator, rhs, guess, float(self.omegas[arm]))
        learnt = self.learner.learn(context, memory, arm, chance, solution.iterations, least)
        return replace(solution, memory=learnt, parameters={"omega": float(self.omegas[arm])})

    def _least(self, operator: Any, rhs: Array, guess: Array) -> Real:
        """Fewest iterations by omega: no sweep reduces an error by more than omega - 1 in the long run (Kahan 1958)."""
        attempt = Attempt(self.config, operator, rhs)
        start = norm(attempt.residual(guess))
        if start <= attempt.tolerance or attempt.tolerance == 0.0:
            return np.zeros(self.omegas.size)
        rate = np.clip(np.abs(self.omegas - 1.0), 1e-12, None)
        return np.asarray(np.log(start / attempt.tolerance) / -np.log(rate))

    def _solve(self, operator: Any, rhs: Array, guess: Array, omega: float) -> Solution:
        return relax(self.config, self._matrix(operator), rhs, guess, omega, symmetric=False)


class SorBanditContextual(SorBandit):
    """SOR with omega as a learnt function of the context, the diagonal dominance of the matrix.

    The context varies with the time step, the diffusivity or a shift. ``gaussian_process`` shares what it learns
    among omegas and contexts; ``chebyshev`` (`Chebyshev`) and ``bins`` (`BinnedTsallisInf`) are the published ones.
    """

    name = "sor_bandit_contextual"
    options: ContextualBanditConfig

    def _learner(self) -> Learner:
        config = self.options
        if config.policy == "gaussian_process":
            return GaussianProcess(tuple(self.omegas), context=True, expected=self._expected())
        kind = Chebyshev if config.policy == "chebyshev" else BinnedTsallisInf
        return kind(config.arms, config.pieces, config.lowest_context, config.highest_context)

    def _expected(self) -> tuple[float, ...]:
        """Logarithms of cost by omega, on average over what Jacobi's spectral radius may be."""
        return tuple(float(value) for value in logarithms_of_cost(tuple(self.omegas)).mean(axis=0))


class PcgBandit(SorBanditContextual):
    """Conjugate gradients preconditioned by SSOR whose omega is learnt, with the context as `SorBanditContextual`.

    ``setup`` raises ScenarioError for an operator that is not symmetric or leaves constants undetermined.
    """

    name = "pcg_bandit"

    def __init__(self, config: PcgBanditConfig) -> None:
        super().__init__(config)

    def check(self, operator: Any, setup: Setup) -> None:
        super().check(operator, setup)
        refuse_unsymmetric(operator, setup, self.name)

    def _expected(self) -> tuple[float, ...]:
        """Of conjugate gradients nothing is expected beforehand."""
        return ()

    def _least(self, operator: Any, rhs: Array, guess: Array) -> Real:
        """They know no such bound either."""
        return np.zeros(self.omegas.size)

    def _solve(self, operator: Any, rhs: Array, guess: Array, omega: float) -> Solution:
        matrix = self._matrix(operator)
        return conjugate_gradients(
            self.config, operator, rhs, guess, lambda residual: symmetric_sweep(matrix, residual, omega)
        )

"""What feeds and drains energy and enstrophy, as the solver accounts for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from subgrid.api import Array, Clock, Quantity, ScenarioError, Setup
from subgrid_observers.config import BudgetConfig


class Budget:
    """Every rate of change that the solver accounts for: ``energy_rate_*`` and ``enstrophy_rate_*``, with their sums.

    The sums ``energy_rate`` and ``enstrophy_rate`` equal dE/dt and dZ/dt where the nonlinear term conserves both.
    """

    needs: tuple[str, ...] = ()

    def __init__(self, config: BudgetConfig) -> None:
        self.of = config.of

    def __repr__(self) -> str:
        return f"Budget(of={self.of})"

    def setup(self, setup: Setup, quantities: Mapping[str, Quantity]) -> Mapping[str, Quantity]:
        self.backend = setup.backend
        terms = {
            total: tuple(name for name in quantities if name.startswith(f"{total}_rate_"))
            for total in self.of or ("energy", "enstrophy")
        }
        self.terms = {total: names for total, names in terms.items() if names}
        empty = [total for total in terms if total not in self.terms]
        if empty and (self.of or not self.terms):
            offered = ", ".join(quantities)
            raise ScenarioError(
                f"observers ({setup.label}): the solver offers no {empty[0]}_rate_* quantities; offered are {offered}"
            )
        declared = {name: quantities[name] for names in self.terms.values() for name in names}
        for total, names in self.terms.items():
            first = quantities[names[0]]
            declared[f"{total}_rate"] = Quantity(first.dims, first.units, "none", description=f"sum of {total} rates")
        return declared

    def observe(self, view: Mapping[str, Array], clock: Clock) -> Mapping[str, Any]:
        """Return each rate and the sums."""
        result: dict[str, Any] = {}
        for total, names in self.terms.items():
            rates = {name: np.asarray(self.backend.to_numpy(view[name]), dtype=np.float64) for name in names}
            result.update(rates)
            result[f"{total}_rate"] = np.sum(list(rates.values()), axis=0)
        return result

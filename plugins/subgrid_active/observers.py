"""What is looked at in active fluids: speed and order, defects, and the growth of a single wave."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from subgrid.api import Array, Clock, Quantity, ScenarioError, Setup
from subgrid_active.config import DefectsConfig, ModeGrowthConfig, RodStatisticsConfig
from subgrid_active.defects import defect_charges

__all__ = ["Defects", "ModeGrowth", "RodStatistics"]


class RodStatistics:
    """Means over the plane: ``mean_speed`` <|u|>, ``mean_order`` <|a_2|/c>, and the ``largest_order``.

    The a-posteriori measures of Maddu, Weady and Shelley, J. Comput. Phys. 504, 112869 (2024).
    """

    needs: tuple[str, ...] = ("velocity", "concentration", "second_moment")

    def __init__(self, config: RodStatisticsConfig) -> None:
        pass

    def __repr__(self) -> str:
        return "RodStatistics()"

    def setup(self, setup: Setup, quantities: Mapping[str, Quantity]) -> Mapping[str, Quantity]:
        self.backend = setup.backend
        return {
            "mean_speed": Quantity((), "m/s", "none", description="<|u|>"),
            "mean_order": Quantity((), "", "none", description="<|a2| / c>"),
            "largest_order": Quantity((), "", "none", description="max |a2| / c"),
        }

    def observe(self, view: Mapping[str, Array], clock: Clock) -> Mapping[str, Any]:
        u, c, a2 = (np.asarray(self.backend.to_numpy(view[name]), dtype=np.float64) for name in self.needs)
        order = np.hypot(a2[0], a2[1]) / c
        return {"mean_speed": np.hypot(u[0], u[1]).mean(), "mean_order": order.mean(), "largest_order": order.max()}


class Defects:
    """Numbers of disclinations of charge +1/2 (``positive``) and -1/2 (``negative``), which are equal in a periodic
    plane. `subgrid_active.defects` gives their positions."""

    needs: tuple[str, ...] = ("second_moment",)

    def __init__(self, config: DefectsConfig) -> None:
        pass

    def __repr__(self) -> str:
        return "Defects()"

    def setup(self, setup: Setup, quantities: Mapping[str, Quantity]) -> Mapping[str, Quantity]:
        self.backend = setup.backend
        return {
            "positive": Quantity((), "", "none", description="number of defects of charge +1/2"),
            "negative": Quantity((), "", "none", description="number of defects of charge -1/2"),
        }

    def observe(self, view: Mapping[str, Array], clock: Clock) -> Mapping[str, Any]:
        charges = defect_charges(self.backend.to_numpy(view["second_moment"]))
        return {"positive": float(np.sum(charges > 0)), "negative": float(np.sum(charges < 0))}


class ModeGrowth:
    """One Fourier mode of a_2: its ``amplitude``, from both components, and the ``rate`` d/dt log amplitude at which it
    grows at this instant, from the equation itself."""

    needs: tuple[str, ...] = ("second_moment", "second_moment_rate")

    def __init__(self, config: ModeGrowthConfig) -> None:
        self.modes = config.modes

    def __repr__(self) -> str:
        return f"ModeGrowth(modes={self.modes})"

    def setup(self, setup: Setup, quantities: Mapping[str, Quantity]) -> Mapping[str, Quantity]:
        self.backend = setup.backend
        if any(2 * abs(m) >= n for m, n in zip(self.modes, reversed(setup.mesh.shape), strict=True)):
            raise ScenarioError(
                f"observers ({setup.label}): modes {self.modes} lie beyond a mesh of {setup.mesh.shape} points (ny, nx)"
            )
        return {
            "amplitude": Quantity((), "", "none", description="amplitude of the wave in a2"),
            "rate": Quantity((), "1/s", "none", description="its rate of growth"),
        }

    def observe(self, view: Mapping[str, Array], clock: Clock) -> Mapping[str, Any]:
        mode, change = (self._mode(self.backend.to_numpy(view[name])) for name in self.needs)
        power = np.sum(np.abs(mode) ** 2)
        rate = np.sum(mode.conj() * change).real / power if power > 0.0 else 0.0
        # two modes of opposite wavevector make up a real wave
        return {"amplitude": 2.0 * np.sqrt(power), "rate": rate}

    def _mode(self, values: Any) -> Any:
        mx, my = self.modes
        return np.fft.fft2(np.asarray(values, dtype=np.float64), norm="forward")[:, my, mx]

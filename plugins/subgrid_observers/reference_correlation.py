"""How closely a run follows the frames of another one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from subgrid.api import Array, Clock, Quantity, RunFolder, ScenarioError, Setup
from subgrid.kernels.resample import SpectralResampling
from subgrid_observers.config import ReferenceCorrelationConfig

SAME_TIME = 1e-9
"""Relative difference below which two times are the same."""


class ReferenceCorrelation:
    """Correlation and relative L2 error of a field against a reference run, filtered onto this grid.

    ``correlation = <a' b'> / sqrt(<a'^2> <b'^2>)`` with deviations from the mean, ``error = |a - b| / |b|``. The
    reference goes through a sharp spectral filter (or zero padding). Both are NaN at times without a reference frame.
    """

    def __init__(self, config: ReferenceCorrelationConfig) -> None:
        self.config = config
        self.needs: tuple[str, ...] = (config.quantity,)

    def __repr__(self) -> str:
        return f"ReferenceCorrelation(run={self.config.run!r}, quantity={self.config.quantity!r})"

    def setup(self, setup: Setup, quantities: Mapping[str, Quantity]) -> Mapping[str, Quantity]:
        self.backend = setup.backend
        self.reference = RunFolder(setup.folder / self.config.run)
        offered = self.reference.quantities()
        if self.config.quantity not in offered:
            raise ScenarioError(
                f"observers ({setup.label}).run: frames of {self.config.run!r} hold {', '.join(offered) or 'nothing'}, "
                f"not {self.config.quantity!r}"
            )
        try:
            self.resample = SpectralResampling(self.reference.mesh(), setup.mesh)
        except ValueError as error:
            raise ScenarioError(f"observers ({setup.label}).run: {self.config.run!r} does not fit: {error}") from error
        self.times = self.reference.frame_times()
        return {
            "correlation": Quantity((), "", "none", description="correlation with the filtered reference"),
            "error": Quantity((), "", "none", description="relative L2 error against the filtered reference"),
        }

    def observe(self, view: Mapping[str, Array], clock: Clock) -> Mapping[str, Any]:
        """Return ``correlation`` and ``error``."""
        matches = np.nonzero(np.isclose(self.times, clock.time, rtol=SAME_TIME, atol=SAME_TIME * clock.dt))[0]
        if matches.size == 0:
            return {"correlation": np.nan, "error": np.nan}
        frame = np.asarray(self.reference.frame(self.config.quantity, int(matches[0])), dtype=np.float64)
        reference = self.resample(frame)
        values = np.asarray(self.backend.to_numpy(view[self.config.quantity]), dtype=np.float64)
        return {
            "correlation": float(np.corrcoef(values.ravel(), reference.ravel())[0, 1]),
            "error": float(np.linalg.norm(values - reference) / np.linalg.norm(reference)),
        }

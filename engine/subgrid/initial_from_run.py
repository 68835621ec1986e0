"""Start from a frame of another run, filtered or padded onto this grid."""

from __future__ import annotations

import numpy as np

from subgrid.errors import RunFolderError, ScenarioError
from subgrid.initial_from_run_config import FromRunConfig
from subgrid.kernels.resample import SpectralResampling
from subgrid.output import RunFolder
from subgrid.protocols import Setup
from subgrid.state import Fields

SAME_TIME = 1e-9
"""Relative difference below which two times are the same."""


class FromRun:
    """A frame of another run as initial state.

    Onto a coarser grid the frame goes through a sharp spectral filter, onto a finer one it is padded with zeros; on the
    same grid it is taken as it is. The extents must agree. Raises RunFolderError when the run cannot be read or has no
    such frame, ScenarioError when the grids do not fit.
    """

    def __init__(self, config: FromRunConfig) -> None:
        self.config = config

    def __repr__(self) -> str:
        return f"FromRun(run={self.config.run!r}, time={self.config.time}, frame={self.config.frame})"

    def fill(self, setup: Setup) -> Fields:
        """Return the quantities over the mesh."""
        run = RunFolder(setup.folder / self.config.run)
        index = self._index(run)
        names = self.config.quantities or tuple(run.quantities())
        try:
            resample = SpectralResampling(run.mesh(), setup.mesh)
        except ValueError as error:
            raise ScenarioError(f"initial.run: the grid of {self.config.run!r} does not fit: {error}") from error
        return {name: resample(np.asarray(run.frame(name, index), dtype=np.float64)) for name in names}

    def _index(self, run: RunFolder) -> int:
        times = run.frame_times()
        if times.size == 0:
            raise RunFolderError(f"{run.path}: has no frames to start from")
        if self.config.time is None:
            return -1 if self.config.frame is None else self.config.frame
        matches = np.nonzero(np.isclose(times, self.config.time, rtol=SAME_TIME, atol=SAME_TIME))[0]
        if matches.size == 0:
            nearest = times[np.argmin(np.abs(times - self.config.time))]
            raise RunFolderError(f"{run.path}: no frame at t = {self.config.time:g}; the nearest is at {nearest:g}")
        return int(matches[0])

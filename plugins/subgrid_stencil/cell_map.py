"""Numbers for every cell, from a file."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from subgrid.api import RunFolderError, ScenarioError, Setup

__all__ = ["cell_map"]


def cell_map(setup: Setup, name: str, path: str) -> NDArray[np.float64]:
    """Values of a .npy file beside the scenario, shape of the mesh.

    Raises RunFolderError, naming the option ``path``, when it cannot be read, ScenarioError when it does not fit or is
    not finite.
    """
    try:
        values = np.load(setup.folder / name, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise RunFolderError(f"{path}: {name!r} cannot be read as .npy: {error}") from error
    if values.shape != setup.mesh.shape or values.dtype.kind not in "fiu":
        raise ScenarioError(
            f"{path}: {name!r} holds {values.dtype} of shape {values.shape}, wanted are numbers of shape "
            f"{setup.mesh.shape}"
        )
    values = values.astype(np.float64)
    if not np.all(np.isfinite(values)):
        raise ScenarioError(f"{path}: {name!r} holds values that are negative or not finite")
    return values

"""Random numbers that belong to the run: counter-based streams keyed by (seed, label, purpose, step).

A stream has no state. The numbers of a step follow from its key alone (Philox, Salmon et al. 2011), so a
restart needs nothing from a checkpoint, and adding a noisy component does not change another's numbers.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Streams:
    """The random streams of one component at one step, told apart from others by ``label``."""

    seed: int
    label: str
    step: int = 0

    def generator(self, purpose: str) -> np.random.Generator:
        """Generator for one purpose at this step; the same key always gives the same numbers."""
        key = hashlib.sha256(f"{self.seed}\0{self.label}\0{purpose}".encode()).digest()
        philox = np.random.Philox(key=int.from_bytes(key[:16], "little"), counter=[0, 0, 0, self.step])
        return np.random.Generator(philox)

"""Draw the structure of ``scenarios/molecular_dynamics/liquid.toml``: python FIGURE.py RUN_FOLDER OUT.png"""

import sys

import matplotlib.pyplot as plt
import numpy as np

from subgrid.api import RunFolder


def main(folder: str, target: str) -> None:
    """Radial distribution over the second half of the run, and temperature and energy by time."""
    run = RunFolder(folder)
    structure, state = run.series("structure"), run.series("state")
    g = structure["g"]
    r = (np.arange(g.shape[1]) + 0.5) * 4.0 / g.shape[1]
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
    left.plot(r, g[len(g) // 2 :].mean(axis=0))
    left.axhline(1.0, color="0.7", linewidth=0.8)
    left.set(xlabel="r [sigma]", ylabel="g(r)", xlim=(0, 4), title="T = 0.85, density 0.776")
    right.plot(state["time"], state["potential_energy"], label="potential energy by atom")
    right.axhline(-5.5121, color="k", linestyle="--", linewidth=0.8, label="NIST reference")
    right.set(xlabel="t [tau]", ylabel="[epsilon]", ylim=(-6.2, -5.2))
    right.legend()
    figure.savefig(target, dpi=100)


if __name__ == "__main__":
    main(*sys.argv[1:])

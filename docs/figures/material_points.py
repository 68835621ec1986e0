"""Draw the frames of ``scenarios/material_points/materials_side_by_side.toml``: python FIGURE.py RUN_FOLDER OUT.png"""

import sys

import matplotlib.pyplot as plt
import numpy as np

from subgrid.api import RunFolder

MATERIALS = ("jelly", "rubber", "plasticine", "sand", "mud", "water")
FASTEST = 3.0


def main(folder: str, target: str) -> None:
    """One row for each stored time but the first; the colour is the speed."""
    run = RunFolder(folder)
    times = run.frame_times()
    figure, axes = plt.subplots(
        len(times) - 1, 1, figsize=(12, 1.9 * (len(times) - 1)), sharex=True, layout="constrained"
    )
    for index, axis in enumerate(axes, start=1):
        for name in MATERIALS:
            position, velocity = (run.frame(f"{name}_{column}", index) for column in ("position", "velocity"))
            speed = np.hypot(*velocity.T)
            drawn = axis.scatter(*position.T, c=speed, vmin=0, vmax=FASTEST, cmap="viridis", s=0.5, linewidths=0)
        for wall in range(1, 6):
            axis.axvspan(wall - 0.1, wall + 0.1, color="0.75")
        axis.set(xlim=(0, 6), ylim=(0, 0.8), aspect="equal", ylabel=f"t = {times[index]:.2f} s\n\ny [m]")
    for number, name in enumerate(MATERIALS):
        axes[0].text(number + 0.5, 0.7, name, ha="center")
    axes[-1].set_xlabel("x [m]")
    figure.colorbar(drawn, ax=axes, label="speed [m/s]", shrink=0.6, extend="max")
    figure.savefig(target, dpi=130)


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Draw ``scenarios/smoothed_particles/dam_break.toml`` by pressure: python FIGURE.py RUN_FOLDER OUT.png"""

import sys

import matplotlib.pyplot as plt
import numpy as np

from subgrid.api import RunFolder


def main(folder: str, target: str) -> None:
    """One panel for each stored time, and the front beside the experiment of Martin and Moyce."""
    run = RunFolder(folder)
    times = run.frame_times()
    figure, axes = plt.subplots(len(times) + 1, 1, figsize=(9, 2.2 * len(times) + 2.8), layout="constrained")
    for index, axis in enumerate(axes[:-1]):
        x, p = run.frame("fluid_position", index), run.frame("fluid_pressure", index)
        drawn = axis.scatter(x[:, 0], x[:, 1], c=p / 1e3, s=3.0, cmap="viridis", vmin=0, vmax=16, linewidths=0)
        axis.set(xlim=(0, 6), ylim=(0, 2.1), aspect="equal", ylabel=f"t = {times[index]:.2f} s\ny [m]")
    figure.colorbar(drawn, ax=axes[:-1], label="pressure [kPa]")
    series = run.series("extent")
    axes[-1].plot(series["time"] * np.sqrt(2.0 * 9.81), series["front"], label="delta-SPH, a/dx = 40")
    experiment = np.array([
        (0.849, 1.245), (1.212, 1.443), (1.602, 1.884), (2.283, 2.689), (2.950, 3.728), (3.598, 4.528),
        (0.832, 1.217), (1.219, 1.474), (1.997, 2.292), (2.547, 2.995), (3.345, 4.134),
    ])  # fmt: skip
    axes[-1].plot(*experiment.T, "ko", markersize=4, label="Martin and Moyce (1952)")
    axes[-1].set(xlabel="T = t sqrt(2 g / a)", ylabel="front Z = x / a", xlim=(0, 3.6), ylim=(1, 5))
    axes[-1].legend()
    figure.savefig(target, dpi=100)


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Draw the frames of ``scenarios/material_points/materials_side_by_side.toml``: python FIGURE.py RUN_FOLDER OUT.png"""

import sys

import matplotlib.pyplot as plt

from subgrid.api import RunFolder

COLOURS = {
    "jelly": "#c44e52", "rubber": "#8172b3", "plasticine": "#dd8452",
    "sand": "#c9a227", "mud": "#7f5f3f", "water": "#2f6fb0",
}  # fmt: skip


def main(folder: str, target: str) -> None:
    """One row for each stored time."""
    run = RunFolder(folder)
    times = run.frame_times()
    figure, axes = plt.subplots(len(times), 1, figsize=(11, 1.75 * len(times)), sharex=True, layout="constrained")
    for index, axis in enumerate(axes):
        for name, colour in COLOURS.items():
            position = run.frame(f"{name}_position", index)
            axis.scatter(position[:, 0], position[:, 1], s=1.6, color=colour, linewidths=0)
        for wall in range(1, 6):
            axis.axvspan(wall - 0.1, wall + 0.1, color="0.6")
        axis.set(xlim=(0, 6), ylim=(0, 0.8), aspect="equal", ylabel=f"t = {times[index]:.2f} s\n\ny [m]")
    for number, name in enumerate(COLOURS):
        axes[0].text(number + 0.5, 0.7, name, ha="center")
    axes[-1].set_xlabel("x [m]")
    figure.savefig(target, dpi=110)


if __name__ == "__main__":
    main(*sys.argv[1:])

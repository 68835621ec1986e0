"""Figure of active fluids side by side: order, directors and defects at one time, speed and order over all of it.

``python -m subgrid_active.snapshots --time 30 --out figure.png RUN [RUN ...]``. Runs need frames of concentration and
second_moment, and the observer `rod_statistics` for the curves. Needs matplotlib (extra ``viz``).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from subgrid.api import RunFolder, ScenarioError, SubgridError
from subgrid_active.defects import defect_positions

__all__ = ["draw"]

DIRECTORS = 24
"""Lines that show the director along the longer side."""

DEFECTS = {1: ("o", "#EE6677", "+1/2"), -1: ("^", "#4477AA", "-1/2")}


def draw(runs: Sequence[RunFolder], names: Sequence[str], time: float) -> Any:
    """A matplotlib figure; the frame nearest to ``time`` of each run is shown.

    Raises ScenarioError when a run lacks frames or curves.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(2.6 * len(runs) + 0.9, 5.2), layout="constrained")
    upper, lower = figure.subfigures(2, 1, height_ratios=[1.25, 1.0])
    panels = np.atleast_1d(upper.subplots(1, len(runs)))
    image = None
    for axes, run, name in zip(panels, runs, names, strict=True):
        image = _snapshot(axes, run, time)
        axes.set_title(name)
    upper.colorbar(image, ax=list(panels), shrink=0.85, label="order |a2| / c")
    speed, order = lower.subplots(1, 2)
    for run, name in zip(runs, names, strict=True):
        if "rod_statistics" not in run.labels():
            raise ScenarioError(f"{run.path}: has no observer rod_statistics, which the curves need")
        series = run.series("rod_statistics")
        speed.plot(series["time"], series["mean_speed"], label=name, linewidth=1.2)
        order.plot(series["time"], series["mean_order"], linewidth=1.2)
    for axes, title in ((speed, "mean speed"), (order, "mean order")):
        axes.axvline(time, color="0.8", linewidth=0.8, zorder=0)
        axes.set(xlabel="time", ylabel=title, ylim=(0.0, None))
    speed.legend(frameon=False, fontsize=8)
    return figure


def _snapshot(axes: Any, run: RunFolder, time: float) -> Any:
    missing = [name for name in ("concentration", "second_moment") if name not in run.quantities()]
    if missing:
        raise ScenarioError(f"{run.path}: stores no {', '.join(missing)}")
    index = int(np.argmin(np.abs(run.frame_times() - time)))
    c, a2 = (np.asarray(run.frame(name, index), dtype=np.float64) for name in ("concentration", "second_moment"))
    mesh = run.mesh()
    (ly, lx), (y, x) = mesh.length, mesh.meshgrid()
    image = axes.imshow(
        np.hypot(a2[0], a2[1]) / c,
        origin="lower", extent=(0.0, lx, 0.0, ly), vmin=0.0, vmax=1.0, cmap="viridis", interpolation="bilinear",
    )  # fmt: skip
    step = max(1, max(mesh.shape) // DIRECTORS)
    angle = 0.5 * np.arctan2(a2[1], a2[0])[::step, ::step]
    axes.quiver(
        x[::step, ::step], y[::step, ::step], np.cos(angle), np.sin(angle),
        color="white", pivot="mid", headlength=0, headaxislength=0, headwidth=0, scale=1.3 * DIRECTORS, width=0.004,
    )  # fmt: skip
    for charge, (marker, colour, label) in DEFECTS.items():
        found = defect_positions(a2, mesh, charge)
        axes.plot(
            found[:, 0], found[:, 1], marker, color=colour, markeredgecolor="white", markersize=5, label=label,
            linestyle="none",
        )  # fmt: skip
    axes.set(xticks=[], yticks=[], xlim=(0.0, lx), ylim=(0.0, ly))
    return image


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw the figure; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m subgrid_active.snapshots", description=__doc__.partition("\n")[0])
    parser.add_argument("runs", nargs="+", type=Path, help="run folders, as PATH")
    parser.add_argument("--names", nargs="+", help="titles; default: names of the runs")
    parser.add_argument("--time", type=float, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    try:
        runs = [RunFolder(path) for path in options.runs]
        names = options.names or [run.scenario()["name"] for run in runs]
        if len(names) != len(runs):
            raise ScenarioError(f"--names: {len(names)} for {len(runs)} runs")
        draw(runs, names, options.time).savefig(options.out, dpi=150)
    except SubgridError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())

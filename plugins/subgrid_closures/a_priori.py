"""A-priori test: closures against the true subgrid term of a filtered fine flow.

``python -m subgrid_closures.a_priori FLOW --cells 64 --filter gaussian`` prints the table of all closures for a run
folder or an ``.npy`` file with a vorticity field.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subgrid.api import Closure, Grid, RunFolder
from subgrid_closures import config
from subgrid_closures.approximate_deconvolution import ApproximateDeconvolution
from subgrid_closures.backscatter import Backscatter
from subgrid_closures.dynamic_leith import DynamicLeith
from subgrid_closures.dynamic_smagorinsky import DynamicSmagorinsky
from subgrid_closures.filters import FILTERS, FilterName
from subgrid_closures.gradient import Gradient
from subgrid_closures.leith import Leith
from subgrid_closures.resolved_flow import ResolvedFlow, filtered_flow
from subgrid_closures.smagorinsky import Smagorinsky
from subgrid_closures.zanna_bolton import ZannaBolton

USUAL_WIDTH: Mapping[FilterName, float] = {"sharp": 1.0, "gaussian": 2.0, "box": 2.0}
"""Delta / h as published studies take it: the sharp cut-off is the grid's own."""


@dataclass(frozen=True)
class Agreement:
    """How a closure's answer compares with the true subgrid term.

    ``correlation`` is Pearson's; ``slope`` is ``<Pi Pi_true> / <Pi^2>``, the factor that would fit the answer best.
    ``energy_rate`` is ``-<psi Pi>`` [m2/s3] and ``enstrophy_rate`` ``<w Pi>`` [1/s3], negative where the flow loses.
    """

    correlation: float
    slope: float
    energy_rate: float
    enstrophy_rate: float


def agreement(flow: ResolvedFlow, tendency: NDArray[np.float64]) -> Agreement:
    """Compare a vorticity tendency Pi [1/s2] (ny, nx) with the true one of the flow."""
    true = flow.subgrid_term
    variance = np.mean(tendency**2)
    norm = np.std(tendency) * np.std(true)
    covariance = np.mean((tendency - tendency.mean()) * (true - true.mean()))
    return Agreement(
        correlation=float(covariance / norm) if norm > 0 else float("nan"),
        slope=float(np.mean(tendency * true) / variance) if variance > 0 else float("nan"),
        energy_rate=float(-np.mean(flow.inputs["streamfunction"] * tendency)),
        enstrophy_rate=float(np.mean(flow.inputs["vorticity"] * tendency)),
    )


def standard_closures(filter_width_ratio: float) -> dict[str, Closure]:
    """One of each closure with its default options, by name.

    Those that expand or invert the filter itself get its width; the others keep the convention of their coefficients.
    The relaxation of approximate deconvolution is off: it is no part of the subgrid term.
    """
    width = {"filter_width_ratio": filter_width_ratio}
    return {
        "smagorinsky": Smagorinsky(config.SmagorinskyConfig()),
        "smagorinsky (local)": Smagorinsky(config.SmagorinskyConfig(averaging="local")),
        "leith": Leith(config.LeithConfig()),
        "leith (local)": Leith(config.LeithConfig(averaging="local")),
        "dynamic_smagorinsky": DynamicSmagorinsky(config.DynamicSmagorinskyConfig()),
        "dynamic_leith": DynamicLeith(config.DynamicLeithConfig()),
        "backscatter": Backscatter(config.BackscatterConfig()),
        "gradient": Gradient(config.GradientConfig(**width)),
        "gradient (order 4)": Gradient(config.GradientConfig(order=4, **width)),
        "zanna_bolton": ZannaBolton(config.ZannaBoltonConfig(**width)),
        "approximate_deconvolution": ApproximateDeconvolution(
            config.ApproximateDeconvolutionConfig(relaxation=0.0, **width)
        ),
    }


def table(flow: ResolvedFlow, closures: Mapping[str, Closure]) -> str:
    """Agreement of every closure, one line each, below the true term itself."""
    rows = {"true subgrid term": agreement(flow, flow.subgrid_term)}
    rows |= {name: agreement(flow, flow.vorticity_tendency(closure)) for name, closure in closures.items()}
    lines = [f"{'closure':26s} {'correlation':>11s} {'slope':>9s} {'energy rate':>12s} {'enstrophy rate':>14s}"]
    for name, row in rows.items():
        lines.append(
            f"{name:26s} {row.correlation:11.3f} {row.slope:9.3f} {row.energy_rate:12.3e} {row.enstrophy_rate:14.3e}"
        )
    return "\n".join(lines)


def vorticity_field(path: Path, frame: int, length: float) -> tuple[NDArray[np.float64], Grid]:
    """Vorticity (ny, nx) and its grid from a run folder, or from an ``.npy`` file over a square of side ``length``.

    Raises ValueError for a file that holds no two-dimensional field, RunFolderError for a folder that cannot be read.
    """
    if path.is_dir():
        run = RunFolder(path)
        return np.asarray(run.frame("vorticity", frame), dtype=np.float64), run.mesh()
    values: Any = np.load(path)
    if values.ndim == 3:
        values = values[frame]
    if values.ndim != 2:
        raise ValueError(f"{path}: expected a field (ny, nx) or frames (time, ny, nx), got shape {values.shape}")
    return values, Grid(values.shape, (length, length))


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line of the a-priori test."""
    parser = argparse.ArgumentParser(prog="python -m subgrid_closures.a_priori", description=main.__doc__)
    parser.add_argument("flow", type=Path, help="run folder with frames of vorticity, or .npy file")
    parser.add_argument("--frame", type=int, default=-1, help="which frame; -1 is the last one")
    parser.add_argument("--cells", type=int, default=64, help="coarse cells along each axis")
    parser.add_argument("--filter", choices=FILTERS, default="gaussian")
    parser.add_argument("--width", type=float, help="filter width in coarse cells (1 for sharp, 2 for the others)")
    parser.add_argument("--length", type=float, default=2.0 * np.pi, help="side of the domain of an .npy field")
    parser.add_argument(
        "--dealias", choices=("none", "two_thirds"), default="none", help="modes of the coarse grid that the flow fills"
    )
    options = parser.parse_args(arguments)
    width = options.width or USUAL_WIDTH[options.filter]
    try:
        field, mesh = vorticity_field(options.flow, options.frame, options.length)
        flow = filtered_flow(field, mesh, (options.cells, options.cells), options.filter, width, options.dealias)
    except (OSError, ValueError) as error:
        parser.error(str(error))
    print(f"{options.filter} filter of {width:g} cells, {mesh.shape[0]} x {mesh.shape[1]} to {options.cells}^2")
    print(table(flow, standard_closures(width)))


if __name__ == "__main__":
    main()

"""A-priori test: closures of the fourth moment against the kinetic theory's own, on stored frames.

``python -m subgrid_active.a_priori RUN [RUN ...] --closures bingham quadratic`` prints the error of each closure for
each run. A run needs frames of concentration, second_moment, strain_rate and fourth_moment, as `active_kinetic` offers
them. Options of a closure follow its name: ``bingham:degree=24``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subgrid.api import Backend, Closure, RunFolder, ScenarioError, Setup, Streams, SubgridError
from subgrid_active.moments import FOURTH_MOMENT_SLOT
from subgrid_active.plugin import COMPONENTS

__all__ = ["a_priori_errors", "closure_named", "contraction", "relative_mse"]

Real = NDArray[np.float64]

FRAMES = ("concentration", "second_moment", "strain_rate", "fourth_moment")


def contraction(inputs: Mapping[str, Any], fourth_moment: Any) -> Real:
    """Components 11, 12 and 22 of S:T with T = E + 2 zeta D, the only way in which S enters the model; (3, ny, nx)."""
    c, zeta = inputs["concentration"], inputs["alignment"]
    a2, e, a4 = (x + 1j * y for x, y in (inputs["second_moment"], inputs["strain_rate"], fourth_moment))
    deviator = (c * e + np.conj(e) * a4) / 4.0 + 2.0 * zeta * (3.0 * c * a2 + np.conj(a2) * a4) / 8.0
    half_trace = 0.5 * (e * np.conj(a2)).real + 2.0 * zeta * (c**2 + np.abs(a2) ** 2) / 4.0
    return np.stack([half_trace + deviator.real, deviator.imag, half_trace - deviator.real])


def relative_mse(answer: Real, true: Real) -> float:
    """Mean over the components of <(answer - true)^2> / <true^2> (Maddu, Weady and Shelley 2024)."""
    error = np.mean((answer - true) ** 2, axis=(-2, -1))
    return float(np.mean(error / np.mean(true**2, axis=(-2, -1))))


def a_priori_errors(closure: Closure, run: RunFolder, zeta: float) -> Real:
    """`relative_mse` of S:T at every frame of a kinetic run, with a closure that has not been set up.

    Raises ScenarioError when the run does not store what is needed.
    """
    missing = [name for name in FRAMES if name not in run.quantities()]
    if missing:
        raise ScenarioError(
            f"{run.path}: stores no {', '.join(missing)}; add them to output.quantities of a kinetic run"
        )
    mesh = run.mesh()
    closure.setup(Setup(mesh, Backend(), "closure", Streams(0, "closure"), 0.0, run.path), FOURTH_MOMENT_SLOT)
    errors = []
    for index in range(len(run.frame_times())):
        stored = {name: np.asarray(run.frame(name, index), dtype=np.float64) for name in FRAMES}
        inputs = {**stored, "alignment": np.full(mesh.shape, zeta)}
        offered = {name: inputs[name] for name in closure.inputs}
        answer = np.broadcast_to(closure.evaluate(offered, {}), stored["fourth_moment"].shape)
        errors.append(relative_mse(contraction(inputs, answer), contraction(inputs, stored["fourth_moment"])))
    return np.asarray(errors)


def closure_named(text: str) -> Closure:
    """A closure of this family by ``name`` or ``name:option=value,option=value``.

    Raises ScenarioError for an unknown name or a wrong option.
    """
    name, _, options = text.partition(":")
    known = {component.name: component for component in COMPONENTS if component.kind == "closure"}
    if name not in known:
        raise ScenarioError(f"closures: no {name!r} here; choose from {', '.join(known)}")
    given = dict(pair.split("=", 1) for pair in options.split(",") if "=" in pair)
    try:
        config = _attribute(known[name].config)(**given)
    except ValueError as error:
        raise ScenarioError(f"closures: {text}: {str(error).splitlines()[-1].strip()}") from error
    created: Closure = _attribute(known[name].target)(config)
    return created


def _attribute(target: str) -> Any:
    module, _, name = target.partition(":")
    return getattr(import_module(module), name)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m subgrid_active.a_priori", description=__doc__.partition("\n")[0])
    parser.add_argument("runs", nargs="+", type=Path, help="folders of kinetic runs")
    parser.add_argument("--closures", nargs="+", default=["bingham", "quadratic", "quasi_linear"])
    parser.add_argument("--after", type=float, default=0.0, help="leave out frames before this time")
    options = parser.parse_args(arguments)
    try:
        for path in options.runs:
            run = RunFolder(path)
            solver = run.scenario()["solver"]
            chosen = run.frame_times() >= options.after
            print(f"{path}: zeta = {solver['zeta']:g}, alpha = {solver['alpha']:g}, {chosen.sum()} frames")
            for text in options.closures:
                errors = a_priori_errors(closure_named(text), run, solver["zeta"])[chosen]
                print(f"  {text:<24} relMSE mean {errors.mean():.2e}  from {errors.min():.2e} to {errors.max():.2e}")
    except SubgridError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())

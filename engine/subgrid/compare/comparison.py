"""`compare`: one scenario, several variants, one table and the figures that go with it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from subgrid.compare import options
from subgrid.compare.evaluation import Evaluator, VariantResult
from subgrid.compare.execution import execute
from subgrid.compare.metrics import HIGH_SHARE, LOW_MODES
from subgrid.compare.options import CompareFile
from subgrid.compare.plan import Plan, Planner
from subgrid.compare.reference import OwnReference, Reference, StoredReference
from subgrid.compare.table import ComparisonTable
from subgrid.errors import RunFolderError
from subgrid.output import RunFolder
from subgrid.registry import Registry


@dataclass(frozen=True)
class Comparison:
    """What a comparison produced. ``folder`` holds table.txt, table.csv, table.json, figures/ and runs/."""

    name: str
    description: str
    folder: Path
    table: ComparisonTable
    results: tuple[VariantResult, ...]
    references: Mapping[int, Reference]
    figures: tuple[Path, ...]

    @property
    def failed(self) -> list[str]:
        """Variants that ended by an error; a blow-up is a result and no failure."""
        return [r.name for r in self.results if any(ending.status == "failed" for ending in r.endings)]


def compare(
    path: Path,
    out: Path,
    registry: Registry,
    jobs: int = 0,
    overrides: Sequence[str] = (),
    report: Callable[[str], None] = lambda line: None,
) -> Comparison:
    """Run a comparison file and write its table and figures into ``out``.

    ``jobs`` runs go side by side, as many as there are cores when it is 0; finished ones of an earlier call are taken
    over. ``report`` receives a line whenever a run ends. Figures need matplotlib (extra ``viz``).

    Raises ScenarioError for mistakes in the file, and the error of a reference run that does not finish.
    """
    file = options.load(path, overrides)
    plan = Planner(file, out, registry).plan()
    statistics = file.options.reference.statistics
    stored = None if statistics is None else StoredReference(file.folder / statistics)
    _prepare(out)
    endings = execute(plan, jobs or len(os.sched_getaffinity(0)), report)
    references = _references(plan, file, registry, stored)
    evaluator = Evaluator(plan, references)
    results = tuple(evaluator.evaluate(name, endings) for name in plan.variants)
    table = ComparisonTable(results, file.options.baseline, _notes(plan, references, results))
    _write_table(table, file, out, overrides)
    comparison = Comparison(file.options.name, file.options.description, out, table, results, references, ())
    return _with_figures(comparison, plan, report)


def _prepare(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunFolderError(f"{out}: cannot be made ({error.strerror})") from error


def _references(
    plan: Plan, file: CompareFile, registry: Registry, stored: StoredReference | None
) -> dict[int, Reference]:
    if stored is not None:
        return {member.seed: stored for members in plan.variants.values() for member in members}
    return {
        seed: OwnReference(RunFolder(member.folder), plan.metrics, registry) for seed, member in plan.references.items()
    }


def _notes(plan: Plan, references: Mapping[int, Reference], results: Sequence[VariantResult]) -> tuple[str, ...]:
    metrics, reference = plan.metrics, next(iter(references.values()))
    seeds = len(references)
    since = "" if metrics.after is None else f", t >= {metrics.after:g}"
    lines = [f"Reference: {reference.description} ({reference.source})."]
    spectra = f"{metrics.spectrum}, 1 <= n < floor({metrics.k_max:.3g} N){since}" if metrics.spectrum else "none"
    lines.append(f"Spectra: {spectra}; distribution: {metrics.pdf or 'none'}; {seeds} seed{'s' if seeds > 1 else ''}.")
    if metrics.spectrum:
        lines.append(
            f"low n, high n: mean log10(S/S_ref) over 1 <= n <= {LOW_MODES} and over the upper "
            f"{HIGH_SHARE:.0%} of the compared wavenumbers."
        )
    if seeds > 1:
        lines.append("±: standard deviation between single seeds; accuracy itself is that of the mean over the seeds.")
    if any("correlation_time" in result.numbers for result in results):
        lines.append(
            f"t(corr): the correlation of {metrics.field} with the reference falls below {metrics.correlation:g}."
        )
    if plan.references:
        costs = [RunFolder(member.folder).costs() for member in plan.references.values()]
        wall, steps, peak = (costs[0][key] for key in ("wall_seconds", "steps", "peak_memory_mb"))
        lines.append(f"Cost of the reference run: {wall:.1f} s, {steps} steps, {peak:.0f} MB.")
    return tuple(lines)


def _write_table(table: ComparisonTable, file: CompareFile, out: Path, overrides: Sequence[str]) -> None:
    (out / "table.txt").write_text(table.render())
    (out / "table.csv").write_text(table.csv())
    content = {"name": file.options.name, "description": file.options.description, **table.data()}
    content |= {"file": str(file.path), "changes": list(overrides)}
    (out / "table.json").write_text(json.dumps(content, indent=2, allow_nan=False) + "\n")


def _with_figures(comparison: Comparison, plan: Plan, report: Callable[[str], None]) -> Comparison:
    if find_spec("matplotlib") is None:
        report("no figures: they need matplotlib, pip install 'subgrid[viz]'")
        return comparison
    from subgrid.compare.figures import draw

    figures = draw(comparison, plan.metrics)
    return Comparison(**{**comparison.__dict__, "figures": tuple(figures)})

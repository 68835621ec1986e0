"""Figures of a training: losses, and errors over a plane of parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

__all__ = ["draw_losses", "draw_plane"]


def draw_losses(history: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Loss and validation loss over the steps, one panel for each stage and horizon."""
    plt = _pyplot()
    phases = list(dict.fromkeys(entry["phase"] for entry in history))
    if plt is None or not phases:
        return
    figure, axes = plt.subplots(
        1, len(phases), figsize=(3.2 * len(phases) + 1, 3.2), squeeze=False, layout="constrained"
    )
    for panel, phase in zip(axes[0], phases, strict=True):
        entries = [entry for entry in history if entry["phase"] == phase]
        steps = [entry["update"] for entry in entries]
        panel.semilogy(steps, [entry["loss"] for entry in entries], ".-", label="training")
        if entries[0]["validation"] is not None:
            panel.semilogy(steps, [entry["validation"] for entry in entries], ".-", label="validation")
        panel.set(title=phase, xlabel="step")
        panel.grid(alpha=0.3)
    axes[0, 0].set_ylabel("relative square error")
    axes[0, 0].legend()
    figure.savefig(path, dpi=120)
    plt.close(figure)


def draw_plane(before: Mapping[str, Any], after: Mapping[str, Any], names: Sequence[str], path: Path) -> None:
    """Errors of the pool's runs over two of their parameters, after the first training and after the last.

    Of runs at the same place the mean is drawn, as a square when one of them was trained on.
    """
    plt = _pyplot()
    if plt is None:
        return
    from matplotlib.colors import LogNorm

    values = [*before["errors"].values(), *after["errors"].values()]
    scale = LogNorm(min(values), max(values))
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.8), sharex=True, sharey=True, layout="constrained")
    for panel, round_, title in zip(axes, (before, after), ("before", "after"), strict=True):
        for (x, y), runs in _by_place(round_).items():
            error = sum(round_["errors"][run] for run in runs) / len(runs)
            used = any(run in round_["training"] for run in runs)
            drawn = panel.scatter(x, y, c=[error], norm=scale, s=260, marker="s" if used else "o", edgecolors="k")
            panel.annotate(f"{error:.1e}", (x, y), (0, -18), textcoords="offset points", ha="center", fontsize=7)
        panel.set(
            title=f"{title}: {len(round_['training'])} training runs (squares)", xlabel=names[0].rpartition(".")[2]
        )
        panel.margins(0.15)
    axes[0].set_ylabel(names[1].rpartition(".")[2])
    figure.colorbar(drawn, ax=axes, label="relative square error")
    figure.savefig(path, dpi=120)
    plt.close(figure)


def _by_place(round_: Mapping[str, Any]) -> dict[tuple[float, float], list[str]]:
    runs: dict[tuple[float, float], list[str]] = {}
    for run in round_["errors"]:
        x, y = round_["places"][run]
        runs.setdefault((x, y), []).append(run)
    return runs


def _pyplot() -> Any:
    """matplotlib, or nothing: figures are no reason to lose a training."""
    try:
        import matplotlib

        matplotlib.use("Agg")
        import matplotlib.pyplot as plt
    except ImportError:
        return None
    return plt

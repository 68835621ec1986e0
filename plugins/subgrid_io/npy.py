"""``.npy`` files, one for each quantity, with a JSON description: for NumPy alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.lib.format import dtype_to_descr, write_array_header_1_0

from subgrid_io.layout import PARTICLE
from subgrid_io.selection import Selection


def write_npy(selection: Selection, folder: Path) -> Iterator[str]:
    """``time.npy``, ``step.npy``, ``<quantity>.npy`` with time first, and ``about.json``.

    Particles of all frames stand behind one another, and ``<quantity>_ends.npy`` says where each frame's end.
    """
    folder.mkdir()
    np.save(folder / "time.npy", selection.times)
    np.save(folder / "step.npy", selection.steps)
    for name, quantity in selection.every.items():
        shape, dtype = selection.layout(name)
        rows = len(selection)
        if quantity.location == PARTICLE:
            counts = np.diff(selection.run.particle_ends(name), prepend=0)[selection.indices]
            np.save(folder / f"{name}_ends.npy", np.cumsum(counts))
            rows = int(counts.sum())
        with (folder / f"{name}.npy").open("wb") as file:  # a map of the whole file would count as memory
            write_array_header_1_0(
                file, {"descr": dtype_to_descr(dtype), "fortran_order": False, "shape": (rows, *shape[1:])}
            )
            for values in selection.frames(name):
                file.write(np.ascontiguousarray(values, dtype).tobytes())
    about = {
        "scenario": selection.run.scenario(),
        "mesh": {
            "axes": selection.mesh.axes,
            "shape": selection.mesh.shape,
            "length": selection.mesh.length,
            "origin": selection.mesh.origin,
            "offset": selection.mesh.offset,
            "boundaries": selection.mesh.boundaries,
        },
        "quantities": {
            name: {
                "dims": list(quantity.dims),
                "units": quantity.units,
                "location": quantity.location,
                "description": quantity.description,
            }
            for name, quantity in selection.every.items()
        },
    }
    (folder / "about.json").write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
    yield f"{len(selection)} frames of {', '.join(selection.every)}"

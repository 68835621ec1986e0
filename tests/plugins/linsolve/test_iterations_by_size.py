"""Multigrid does not see the size of a grid."""

import pytest

from subgrid_linsolve.iterations_by_size import iterations, main, solvers, systems


def counts(name: str, size: int) -> dict[str, int]:
    return {system: iterations(solvers(size)[name], operator) for system, operator in systems(size).items()}


@pytest.mark.parametrize(("name", "most"), [("amg-PCG", 8), ("multigrid", 16)])
def test_iterations_do_not_grow(name: str, most: int) -> None:
    if name == "amg-PCG":
        pytest.importorskip("pyamg")
    coarse, fine = counts(name, 64), counts(name, 256)
    assert max(fine.values()) <= most
    assert all(fine[system] <= coarse[system] + 1 for system in fine)


@pytest.mark.slow
def test_a_million_cells_take_as_many() -> None:
    fine = counts("amg-PCG", 1024)
    print(fine)
    assert max(fine.values()) <= 8


def test_table_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("pyamg")
    main(["--sizes", "16"])
    assert "16^2  heat step  amg-PCG" in capsys.readouterr().out

"""Grids: axis order, spacing, coordinates, and that they never change."""

import dataclasses

import numpy as np
import pytest

from subgrid.mesh import Grid


def test_axes_are_ordered_with_x_last() -> None:
    grid = Grid((2, 3, 5), (2.0, 6.0, 20.0))
    assert grid.axes == ("z", "y", "x")
    assert grid.spacing == (1.0, 2.0, 4.0)
    assert Grid((3, 5), (1.0, 1.0)).axes == ("y", "x")
    assert Grid((5,), (1.0,)).axes == ("x",)


@pytest.mark.parametrize(("offset", "first"), [(0.0, 10.0), (0.5, 11.0)])
def test_nodes_and_cell_centres(offset: float, first: float) -> None:
    (x,) = Grid((4,), (8.0,), origin=(10.0,), offset=offset).coordinates()
    np.testing.assert_array_equal(x, first + 2.0 * np.arange(4))


def test_meshgrid_has_array_axes() -> None:
    y, x = Grid((2, 3), (2.0, 6.0)).meshgrid()
    assert y.shape == x.shape == (2, 3)
    np.testing.assert_array_equal(y[:, 0], [0.0, 1.0])
    np.testing.assert_array_equal(x[0], [0.0, 2.0, 4.0])
    assert np.ptp(x, axis=0).max() == 0.0


def test_origin_and_boundaries_default_for_each_axis() -> None:
    grid = Grid((4, 4), (1.0, 1.0))
    assert grid.origin == (0.0, 0.0)
    assert grid.boundaries == ("periodic", "periodic")
    assert grid.periodic
    assert not Grid((4, 4), (1.0, 1.0), boundaries=("wall", "periodic")).periodic


def test_a_grid_cannot_be_changed() -> None:
    grid = Grid((4,), (1.0,))
    with pytest.raises(dataclasses.FrozenInstanceError):
        grid.shape = (5,)  # type: ignore[misc]
    assert grid == Grid((4,), (1.0,), (0.0,))
    assert len({grid, Grid((4,), (1.0,))}) == 1


@pytest.mark.parametrize(("shape", "length"), [((), ()), ((1, 1, 1, 1), (1.0,) * 4), ((4, 4), (1.0,))])
def test_wrong_numbers_of_axes_are_refused(shape: tuple[int, ...], length: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="1 to 3 axes"):
        Grid(shape, length)

"""`sweep`: many members of one scenario, over grids, draws and seeds, where no killed process loses work."""

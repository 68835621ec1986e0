"""Runs as files of other tools: ``subgrid export``, and `subgrid_io.dataset.open_run` for xarray."""

"""Settings of the whole suite, made before anything else is imported."""

import os

import pytest

# several workers share the cores; figures go to files
for variable, value in (("NUMBA_NUM_THREADS", "1"), ("OMP_NUM_THREADS", "1"), ("MPLBACKEND", "Agg")):
    os.environ.setdefault(variable, value)

pytest.register_assert_rewrite("subgrid.testing")

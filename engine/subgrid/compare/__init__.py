"""Compare variants of a scenario (closures, solvers, resolutions) with a reference: accuracy and cost in one table."""

from subgrid.compare.comparison import Comparison as Comparison
from subgrid.compare.comparison import compare as compare

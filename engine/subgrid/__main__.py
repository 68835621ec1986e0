"""``python -m subgrid`` is the same as the console script."""

from subgrid.cli import main

main()

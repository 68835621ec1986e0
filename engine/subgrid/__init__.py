"""subgrid: closures, learned operators and correctors, judged inside trustworthy solvers."""

__version__ = "0.1.0"

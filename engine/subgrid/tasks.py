"""The door for commands of plugins, as `subgrid.api` is the door for components.

A task is what no time loop does: training, analysis. It reads run folders and scenarios, checks options as scenarios
do, and steps simulations by hand.
"""

from subgrid.filekind import SCENARIO, TRAINING, read_kind
from subgrid.interruption import heard_by
from subgrid.output import RunFolder, write_json
from subgrid.overrides import with_overrides
from subgrid.registry import Registry
from subgrid.rollout import Rollout
from subgrid.run import run
from subgrid.scenario import Scenario, load, parse
from subgrid.suggest import choose_from
from subgrid.toml_text import read_file
from subgrid.validation import checked

__all__ = [
    "SCENARIO",
    "TRAINING",
    "Registry",
    "Rollout",
    "RunFolder",
    "Scenario",
    "checked",
    "choose_from",
    "heard_by",
    "load",
    "parse",
    "read_file",
    "read_kind",
    "run",
    "with_overrides",
    "write_json",
]

"""The training file: typed options, checked as scenarios are."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from subgrid.options import Options

Patterns = Annotated[
    tuple[str, ...],
    Field(min_length=1, description="run folders, patterns of them, or a sweep: sweep.json or sweep.json#part"),
]


class Header(Options):
    """What stands above the tables of a training file."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]+$", max_length=80, description="name of the weights")]
    description: Annotated[str, Field(description="what is trained, and why so")] = ""
    seed: Annotated[int, Field(ge=0, lt=2**63, description="key of all random numbers")] = 0
    scenario: Annotated[
        str, Field(min_length=1, description="scenario that the closure is for; its closures are replaced")
    ]
    threads: Annotated[int, Field(ge=1, le=256, description="threads of torch; bits repeat for the same number")] = 1


class DataOptions(Options):
    """Which runs are learned from. A run is in one part only."""

    training: Patterns
    validation: Annotated[tuple[str, ...], Field(description="runs that decide when to stop")] = ()
    target: Annotated[str, Field(description="quantity of the frames that answers the slot; default: its name")] = ""
    after: Annotated[float, Field(description="leave out earlier frames")] = float("-1e300")
    before: Annotated[float, Field(description="leave out later frames")] = float("1e300")


class PointwiseOptions(Options):
    """Offline training on (inputs, answer) pairs: relative mean square error of a batch of frames."""

    loss: Literal["pointwise"]
    steps: Annotated[int, Field(ge=1, description="steps of the optimiser")] = 2000
    rate: Annotated[float, Field(gt=0, description="learning rate at the start")] = 2e-3
    last_rate: Annotated[float, Field(gt=0, le=1, description="learning rate at the end, as a part of it")] = 0.01
    frames: Annotated[int, Field(ge=1, description="frames in a batch")] = 8
    points: Annotated[
        int, Field(ge=0, description="random points of each frame; 0: whole fields, for closures that are not local")
    ] = 512
    refresh: Annotated[int, Field(ge=1, description="steps between readings of new frames")] = 20
    check_every: Annotated[int, Field(ge=1, description="steps between looks at the validation runs")] = 100
    patience: Annotated[int, Field(ge=1, description="looks without improvement before the stage ends")] = 1_000_000
    clip: Annotated[float, Field(gt=0, description="largest norm of a gradient")] = 1.0


class RolloutOptions(Options):
    """Training through the solver: steps from stored frames, compared with the frames that follow."""

    loss: Literal["rollout"]
    horizons: Annotated[
        tuple[Annotated[int, Field(ge=1, le=10_000)], ...],
        Field(
            min_length=1, description="steps of the scenario's integrator that a window is long, one after the other"
        ),
    ] = (1, 5, 10, 20)
    compare: Annotated[tuple[str, ...], Field(min_length=1, description="quantities that are compared")]
    steps: Annotated[int, Field(ge=1, description="steps of the optimiser for each horizon")] = 100
    rate: Annotated[float, Field(gt=0, description="learning rate at the start of the stage")] = 3e-4
    last_rate: Annotated[float, Field(gt=0, le=1, description="learning rate at the end, as a part of it")] = 0.1
    windows: Annotated[int, Field(ge=1, description="windows in a batch")] = 2
    pointwise: Annotated[float, Field(ge=0, description="weight of the pointwise loss beside")] = 0.0
    frames: Annotated[int, Field(ge=1, description="frames in a batch of the pointwise loss")] = 8
    points: Annotated[int, Field(ge=0, description="random points of each of these; 0: whole fields")] = 512
    refresh: Annotated[int, Field(ge=1, description="steps between readings of new frames for it")] = 20
    check_every: Annotated[int, Field(ge=1, description="steps between looks at the validation runs")] = 25
    check_windows: Annotated[int, Field(ge=1, description="windows of the validation runs that are looked at")] = 4
    patience: Annotated[int, Field(ge=1, description="looks without improvement before the horizon ends")] = 1_000_000
    clip: Annotated[float, Field(gt=0, description="largest norm of a gradient")] = 1.0


Stage = Annotated[PointwiseOptions | RolloutOptions, Field(discriminator="loss")]


class ActiveLearningOptions(Options):
    """Add the runs with the largest error to the training runs, and train again."""

    pool: Patterns
    axes: Annotated[tuple[str, str], Field(description="two options of the runs that span the figure")]
    add: Annotated[int, Field(ge=1, description="runs to add in a round")] = 1
    rounds: Annotated[int, Field(ge=1, le=1000, description="rounds after the first training")] = 3
    tolerance: Annotated[float, Field(ge=0, description="end when no run of the pool is worse")] = 0.0


class TrainingFile(Header):
    """A whole training file."""

    closure: Annotated[dict[str, Any], Field(description="what is trained: its table as in a scenario")]
    data: DataOptions
    take: Annotated[
        tuple[str, ...], Field(description="options that the scenario takes over from each run: solver.alpha")
    ] = ()
    stages: Annotated[tuple[Stage, ...], Field(min_length=1, description="what is minimised, one after the other")]
    baselines: Annotated[
        tuple[dict[str, Any], ...], Field(description="tables of closures whose errors are told for comparison")
    ] = ()
    active_learning: ActiveLearningOptions | None = None

    @model_validator(mode="after")
    def _names_a_closure(self) -> TrainingFile:
        if not isinstance(self.closure.get("type"), str):
            raise ValueError("closure: needs a type")
        return self

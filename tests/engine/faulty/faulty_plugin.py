"""Components that break their promises in the way that their option ``fault`` says, most of them from step 20 on."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from toy_plugin import Drag, DragOptions, Modulus, NoOptions, Ones, OscillatorOptions, Oscillators

from subgrid.api import (
    API_VERSION as API_VERSION,
)
from subgrid.api import (
    ArraySpec,
    Component,
    Correction,
    Options,
    Quantity,
    StateSpec,
    StepReport,
    hookimpl,
)

START = 20


@hookimpl
def components() -> list[Component]:
    kinds = ("closure", "solver", "integrator", "corrector", "observer", "initial")
    return [
        Component(
            kind, "faulty", f"faulty_plugin:Faulty{kind.title()}", "faulty_plugin:FaultOptions", "breaks promises"
        )
        for kind in kinds
    ]


class FaultOptions(Options):
    fault: str = "none"


def trouble(fault: str, where: str = "") -> None:
    place = f" in {where}" if where else ""
    if fault == f"raises{place}":
        raise ValueError("no luck")
    while fault == f"hangs{place}":
        time.sleep(0.01)


class FaultyClosure(Drag):
    def __init__(self, options: FaultOptions) -> None:
        super().__init__(DragOptions())
        self.fault = options.fault
        self.step = 0

    @property
    def slots(self) -> Any:
        if self.fault == "no slots":
            raise AttributeError("slots")
        return ("damping",)

    def setup(self, setup: Any, slot: Any) -> Any:
        trouble(self.fault, "setup")
        return None if self.fault == "no storage" else StateSpec(memory={"count": ArraySpec((1,), "int")})

    def advance(self, inputs: Any, memory: Any, t: float, dt: float, rng: Any) -> Any:
        self.step = rng.step
        if self.fault == "undeclared memory":
            return {"other": memory["count"]}
        if self.step >= START:
            trouble(self.fault, "advance")
        return {"count": memory["count"] + 1}

    def evaluate(self, inputs: Any, memory: Any) -> Any:
        if self.fault == "writes input":
            inputs["y"][0] = 2.0
        if self.fault == "writes memory":
            memory["count"][...] = 7
        if self.fault == "overflow":
            return 1e200 * inputs["y"] * abs(inputs["y"]) ** 2
        answer = super().evaluate(inputs, memory)
        if self.step < START:
            return answer
        trouble(self.fault)
        answers = {
            "nan": answer * float("nan"),
            "wrong shape": answer[:3],
            "wrong dtype": answer.astype(np.complex64),
            "no number": None,
        }
        return answers.get(self.fault, answer)


class FaultySolver(Oscillators):
    def __init__(self, options: FaultOptions) -> None:
        super().__init__(OscillatorOptions(omega=2.0))
        self.fault = options.fault
        if self.fault == "no slots":
            self.slots = None  # type: ignore[assignment]

    def setup(self, setup: Any) -> Any:
        trouble(self.fault, "setup")
        spec = super().setup(setup)
        if self.fault == "no slots":
            del self.linear
        return None if self.fault == "no storage" else spec

    def tendency(self, fields: Any, t: float, closures: Any, out: Any = None) -> Any:
        if self.fault == "writes input":
            fields["y"][0] = 2.0
        answer = super().tendency(fields, t, closures, out)
        if t > (START - 0.5) * 0.01:
            trouble(self.fault)
            if self.fault == "nan":
                answer["y"][...] = float("nan")
        return answer

    def derive(self, name: str, fields: Any, t: float, closures: Any) -> Any:
        if t > (START - 0.5) * 0.01:
            trouble(self.fault, "derive")
        return super().derive(name, fields, t, closures)


class FaultyIntegrator:
    order = 1
    adaptive = False
    splits_linear = False
    variable_step = True
    real_extent = 2.0
    imaginary_extent = 0.0

    def __init__(self, options: FaultOptions) -> None:
        self.fault = options.fault

    def setup(self, setup: Any, fields: Any, rhs: Any) -> StateSpec:
        trouble(self.fault, "setup")
        return StateSpec()

    def step(self, rhs: Any, fields: Any, memory: Any, t: float, dt: float, rng: Any, out: Any) -> StepReport:
        new = {"y": fields["y"] + dt * rhs.total(fields, t)["y"]}
        if self.fault == "writes input":
            fields["y"][...] = new["y"]
        if t > (START - 0.5) * dt:
            trouble(self.fault)
            faults = {
                "wrong shape": {"y": new["y"][:3]},
                "wrong dtype": {"y": new["y"].astype(np.complex64)},
                "unknown field": {**new, "z": new["y"]},
            }
            new = faults.get(self.fault, new)
        return StepReport(new)


class FaultyCorrector:
    def __init__(self, options: FaultOptions) -> None:
        self.fault = options.fault

    def setup(self, setup: Any, solver: Any) -> StateSpec:
        trouble(self.fault, "setup")
        return StateSpec()

    def correct(self, state: Any, memory: Any, t: float, dt: float, rng: Any) -> Any:
        y = state.fields["y"]
        if self.fault == "writes input":
            y *= 0.5
        if t < (START + 0.5) * dt:
            return Correction()
        trouble(self.fault)
        if self.fault == "nothing":
            return None
        faults = {"nan": y * float("nan"), "wrong shape": y[:3], "wrong dtype": y.real}
        return Correction({"y": faults.get(self.fault, y)})


class FaultyObserver(Modulus):
    needs = ("y_real",)

    def __init__(self, options: FaultOptions) -> None:
        super().__init__(NoOptions())
        self.fault = options.fault

    def setup(self, setup: Any, quantities: Mapping[str, Quantity]) -> Any:
        trouble(self.fault, "setup")
        return None if self.fault == "no storage" else {"seen": Quantity(("x",))}

    def observe(self, view: Any, clock: Any) -> Any:
        y = view["y_real"]
        if self.fault == "writes input":
            y[0] = 2.0
        if clock.step < START:
            return {"seen": y}
        trouble(self.fault)
        faults = {
            "nothing": None,
            "undeclared": {"seen": y, "more": y},
            "wrong shape": {"seen": y[:3]},
            "wrong dims": {"seen": y[:, np.newaxis]},
            "text": {"seen": np.array(["a", "b", "c", "d", "e"])},
        }
        return faults.get(self.fault, {"seen": y})


class FaultyInitial(Ones):
    def __init__(self, options: FaultOptions) -> None:
        super().__init__(NoOptions())
        trouble(options.fault, "setup")
        self.fault = options.fault

    def fill(self, setup: Any) -> Any:
        trouble(self.fault)
        if self.fault == "nothing":
            return None
        y = np.ones(setup.mesh.shape[0], complex)
        return {"y": {"nan": y * float("nan"), "wrong shape": y[:3]}.get(self.fault, y)}

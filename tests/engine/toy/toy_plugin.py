"""A plugin as small as the engine allows: oscillators y' = i omega y + damping(y), and things that break."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from subgrid.api import (
    API_VERSION as API_VERSION,
)
from subgrid.api import (
    Array,
    ArraySpec,
    Backend,
    Clock,
    Closures,
    ColumnSpec,
    Component,
    Correction,
    Fields,
    Integrator,
    LazyFields,
    Options,
    ParticleSpec,
    Quantity,
    Setup,
    Slot,
    Solver,
    State,
    StateSpec,
    Streams,
    hookimpl,
)


@hookimpl
def components() -> list[Component]:
    def entry(kind: str, name: str, target: str, config: str = "NoOptions") -> Component:
        return Component(kind, name, f"toy_plugin:{target}", f"toy_plugin:{config}", f"test {kind}")

    return [
        entry("solver", "oscillators", "Oscillators", "OscillatorOptions"),
        entry("initial", "ones", "Ones"),
        entry("initial", "holes", "Holes"),
        entry("closure", "drag", "Drag", "DragOptions"),
        entry("closure", "noise", "Noise"),
        entry("closure", "broken", "Broken"),
        entry("closure", "glitch", "Glitch", "GlitchOptions"),
        entry("closure", "timid", "Timid"),
        entry("closure", "mad_wind", "MadWind"),
        entry("closure", "compiled_mad_wind", "CompiledMadWind"),
        entry("observer", "modulus", "Modulus"),
        entry("corrector", "normalise", "Normalise"),
        entry("corrector", "kick", "Kick"),
        entry("corrector", "refuse", "Refuse"),
        entry("solver", "dust", "Dust"),
        entry("initial", "grains", "Grains"),
        entry("closure", "wind", "Wind"),
        entry("closure", "compiled_wind", "CompiledWind"),
    ]


class NoOptions(Options):
    pass


class OscillatorOptions(Options):
    omega: float = 1.0
    explode_at: float = math.inf
    limit: float = 1.0
    bound: float = 1e30
    pause: float = 0.0


class DragOptions(Options):
    rate: float = 0.5


class Oscillators:
    slots: Mapping[str, Slot] = {
        "damping": Slot("damping", {"y": Quantity(("x",), location="mode")}, Quantity(("x",), location="mode"))
    }
    quantities: Mapping[str, Quantity] = {
        "modulus": Quantity(("x",), description="|y|"),
        "y_real": Quantity(("x",), description="real part"),
    }

    def __init__(self, options: OscillatorOptions) -> None:
        self.options = options
        if options.bound < 1e30:

            def admissible(inputs: Mapping[str, Array], answer: Array) -> Array:
                """|answer| <= bound."""
                return abs(answer) <= options.bound

            self.slots = {"damping": replace(self.slots["damping"], admissible=admissible)}

    def setup(self, setup: Setup) -> StateSpec:
        n = setup.mesh.shape[0]
        self.backend = setup.backend
        self.linear: Fields = {"y": setup.backend.asarray([1j * self.options.omega] * n, "complex")}
        return StateSpec(fields={"y": ArraySpec((n,), "complex", "mode")})

    def encode(self, physical: Mapping[str, Array], backend: Backend) -> Fields:
        return {"y": backend.asarray(physical["y"], "complex")}

    def inputs(self, slot: str, fields: Fields, t: float) -> Mapping[str, Array]:
        return LazyFields(lambda name: fields[name], ("y",))

    def tendency(self, fields: Fields, t: float, closures: Closures, out: Fields | None = None) -> Fields:
        answer = closures("damping", self.inputs("damping", fields, t)) + 0.0 * fields["y"]
        time.sleep(self.options.pause)
        if t >= self.options.explode_at:
            answer[3] = math.inf
        if out is None:
            return {"y": answer}
        out["y"][...] = answer
        return out

    def derive(self, name: str, fields: Fields, t: float, closures: Closures) -> Array:
        return abs(fields["y"]) if name == "modulus" else fields["y"].real

    def stable_dt(self, fields: Fields, t: float, integrator: Integrator) -> float:
        return self.options.limit


class Ones:
    def __init__(self, options: NoOptions) -> None:
        self.value = 1.0

    def fill(self, setup: Setup) -> Fields:
        return {"y": [self.value] * setup.mesh.shape[0]}


class Holes(Ones):
    def __init__(self, options: NoOptions) -> None:
        self.value = math.nan


class Drag:
    slots = ("damping",)
    inputs = ("y",)

    def __init__(self, options: DragOptions) -> None:
        self.rate = options.rate

    def setup(self, setup: Setup, slot: Slot) -> StateSpec:
        return StateSpec()

    def evaluate(self, inputs: Mapping[str, Array], memory: Fields) -> Array:
        return -self.rate * inputs["y"]


class Noise:
    """A random forcing with memory (an Ornstein-Uhlenbeck process)."""

    slots = ("damping",)
    inputs = ("y",)

    def __init__(self, options: NoOptions) -> None:
        self.rate = 2.0

    def setup(self, setup: Setup, slot: Slot) -> StateSpec:
        return StateSpec(memory={"force": ArraySpec((setup.mesh.shape[0],))})

    def evaluate(self, inputs: Mapping[str, Array], memory: Fields) -> Array:
        return memory["force"] + 0.0 * inputs["y"]

    def advance(self, inputs: Mapping[str, Array], memory: Fields, t: float, dt: float, rng: Streams) -> Fields:
        shock = rng.generator("shock").normal(size=memory["force"].shape)
        return {"force": memory["force"] * math.exp(-self.rate * dt) + math.sqrt(dt) * shock}


class Broken(Drag):
    def __init__(self, options: NoOptions) -> None:
        self.calls = 0

    def evaluate(self, inputs: Mapping[str, Array], memory: Fields) -> Array:
        raise RuntimeError("the sky\nfell")


class GlitchOptions(Options):
    answer: float = math.nan
    below: float = -0.2


class Glitch(Drag):
    """Drag, but another answer for oscillators on the left."""

    def __init__(self, options: GlitchOptions) -> None:
        self.rate, self.options = 0.5, options

    def evaluate(self, inputs: Mapping[str, Array], memory: Fields) -> Array:
        y = inputs["y"]
        return -self.rate * y if y.real.min() > self.options.below else 0.0 * y + self.options.answer


class Timid(Drag):
    """Drag that knows only oscillators on the right."""

    def __init__(self, options: NoOptions) -> None:
        self.rate = 0.5

    def outside(self, inputs: Mapping[str, Array], memory: Fields) -> str:
        return "an oscillator is on the left" if inputs["y"].real.min() < 0.0 else ""


class Modulus:
    needs = ("modulus", "y_real")

    def __init__(self, options: NoOptions) -> None:
        pass

    def setup(self, setup: Setup, quantities: Mapping[str, Quantity]) -> Mapping[str, Quantity]:
        return {"modulus": Quantity(()), "y": Quantity(("x",))}

    def observe(self, view: Mapping[str, Array], clock: Clock) -> Mapping[str, Any]:
        return {"modulus": float(view["modulus"].mean()), "y": view["y_real"]}


class Normalise:
    def __init__(self, options: NoOptions) -> None:
        pass

    def setup(self, setup: Setup, solver: Solver) -> StateSpec:
        return StateSpec()

    def correct(self, state: State, memory: Fields, t: float, dt: float, rng: Streams) -> Correction:
        return Correction({"y": state.fields["y"] / abs(state.fields["y"])})


class Kick(Normalise):
    """Turns every oscillator by a random angle, and counts how often."""

    def setup(self, setup: Setup, solver: Solver) -> StateSpec:
        return StateSpec(memory={"count": ArraySpec((), "int")})

    def correct(self, state: State, memory: Fields, t: float, dt: float, rng: Streams) -> Correction:
        y = state.fields["y"]
        angle = rng.generator("angle").normal(size=y.shape)
        return Correction({"y": y * (1.0 + 0.1j * angle)}, {"count": memory["count"] + 1})


class Refuse(Normalise):
    def correct(self, state: State, memory: Fields, t: float, dt: float, rng: Streams) -> Correction:
        return Correction(refused="not today")


SETS = ("fine", "coarse")


class Dust:
    """Two sets of grains in an open box [0, 1]: x' = velocity, velocity' = push. They are sorted every third step, and
    those that leave the box are removed."""

    linear: Mapping[str, Any] = {}
    linear_operator = None

    def __init__(self, options: NoOptions) -> None:
        velocity = Quantity(("particle",), location="particle")
        self.slots = {
            f"push/{name}": Slot(
                f"push/{name}", {"velocity": velocity}, velocity, particles=name, returns=("velocity",), required=True
            )
            for name in SETS
        }
        self.quantities = {f"{name}_position": velocity for name in SETS}

    def setup(self, setup: Setup) -> StateSpec:
        columns = {"position": ColumnSpec((), "real"), "velocity": ColumnSpec((), "real", initial=0.5)}
        return StateSpec(particles={name: ParticleSpec(2, columns) for name in SETS})

    def encode(self, physical: Mapping[str, Any], backend: Backend) -> dict[str, Any]:
        return dict(physical)

    def inputs(self, slot: str, fields: Fields, t: float) -> Mapping[str, Array]:
        return LazyFields(fields[self.slots[slot].particles].__getitem__, ("velocity",))

    def tendency(self, fields: Fields, t: float, closures: Closures, out: Fields | None = None) -> Fields:
        raise NotImplementedError

    def advance(self, fields: Fields, t: float, dt: float, closures: Closures, solve: Any, rng: Streams) -> Fields:
        for slot, asked in self.slots.items():
            grains = fields[asked.particles]
            if rng.step % 3 == 0:
                grains.sort((10.0 * grains["position"]).astype(np.int64))
            push = np.zeros(len(grains), grains["position"].dtype)

            def spread(work: Any, count: int = len(grains)) -> None:
                work(0, count // 2)
                work(count // 2, count)

            closures.update(slot, self.inputs(slot, fields, t), t, dt, rng, push, spread)
            grains["velocity"][...] += dt * push
            grains["position"][...] += dt * grains["velocity"]
            grains.remove((grains["position"] < 0.0) | (grains["position"] > 1.0))
        return {}

    def derive(self, name: str, fields: Fields, t: float, closures: Closures) -> Array:
        return fields[name.removesuffix("_position")]["position"]

    def stable_dt(self, fields: Fields, t: float, integrator: Integrator) -> float:
        return math.inf


class Grains:
    def __init__(self, options: NoOptions) -> None:
        pass

    def fill(self, setup: Setup) -> dict[str, Any]:
        rng = setup.rng.generator("grains")
        return {
            "fine": {"position": rng.random(40), "velocity": rng.normal(size=40)},
            "coarse": {"position": rng.random(7)},
        }


class Wind:
    """A gust for each grain, which blows the harder the longer it lasts, and stops grains that are too fast."""

    slots = ("push",)
    inputs = ("velocity",)

    def __init__(self, options: NoOptions) -> None:
        pass

    def setup(self, setup: Setup, slot: Slot) -> StateSpec:
        return StateSpec(columns={"gust": ColumnSpec((), "real", initial=1.0)})

    def evaluate(self, inputs: Mapping[str, Array], memory: Fields) -> Array:
        return np.sign(inputs["velocity"]) * memory["gust"]

    def advance(self, inputs: Mapping[str, Array], memory: Fields, t: float, dt: float, rng: Streams) -> Fields:
        return {"gust": memory["gust"] * (1.0 + dt), "velocity": np.clip(inputs["velocity"], -1.0, 1.0)}


class MadWind(Wind):
    """A wind that blows without bound where the gusts have grown."""

    def evaluate(self, inputs: Mapping[str, Array], memory: Fields) -> Array:
        return np.where(memory["gust"] > 1.05, np.nan, super().evaluate(inputs, memory))


class CompiledWind(Wind):
    def update(self, inputs: Mapping[str, Array], memory: Fields, dt: float, out: Array, first: int, last: int) -> None:
        rows = slice(first, last)
        np.clip(inputs["velocity"][rows], -1.0, 1.0, out=inputs["velocity"][rows])
        memory["gust"][rows] *= 1.0 + dt
        out[rows] = np.sign(inputs["velocity"][rows]) * memory["gust"][rows]


class CompiledMadWind(CompiledWind):
    def update(self, inputs: Mapping[str, Array], memory: Fields, dt: float, out: Array, first: int, last: int) -> None:
        super().update(inputs, memory, dt, out, first, last)
        out[first:last][memory["gust"][first:last] > 1.05] = np.nan

"""The closed system of concentration and second moment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from subgrid.api import Array, Closures, Fields, LazyFields, Setup, Slot, StateSpec
from subgrid_active.angular_moments import CLOSURE_INPUTS, FOURTH_MOMENT, AngularMoments, Rods
from subgrid_active.bingham import Bingham
from subgrid_active.config import ActiveMomentsConfig, ChebyshevConfig
from subgrid_active.stokes import FourthMoment

__all__ = ["FOURTH_MOMENT_SLOT", "ActiveMoments"]

SLACK = 1e-5
"""Part of c^2 by which rounding may lift |a4|^2 above it, in single precision and for rods that are nearly aligned."""


def realisable(inputs: Mapping[str, Array], answer: Array) -> Array:
    """Where (ny, nx) an ``answer`` a4 (2, ny, nx) may be: |a4| <= c wherever |a2| <= c."""
    (re, im), c = answer, inputs["concentration"]
    possible = re * re + im * im <= (1.0 + SLACK) * c * c
    if possible.all():
        return possible
    a2_re, a2_im = inputs["second_moment"]
    return possible | (a2_re * a2_re + a2_im * a2_im > c * c)


FOURTH_MOMENT_SLOT = Slot(
    "fourth_moment", CLOSURE_INPUTS, FOURTH_MOMENT, additive=False, required=True, admissible=realisable
)


class ActiveMoments(AngularMoments):
    """d_t c and d_t a_2 of the kinetic theory (`AngularMoments` with K = 1), with a_4 from slot ``fourth_moment``.

    A closure that reads ``strain_rate`` is asked again in each pass of the Stokes solve, others once. Answers are not
    filtered; their products with the kept modes are.
    """

    name: ClassVar[str] = "active_moments"
    config: ActiveMomentsConfig

    def setup(self, setup: Setup) -> StateSpec:
        spec = super().setup(setup)
        self.slots: Mapping[str, Slot] = {"fourth_moment": FOURTH_MOMENT_SLOT}
        self.estimate = Bingham(ChebyshevConfig())
        self.estimate.setup(setup, FOURTH_MOMENT_SLOT)
        self.alignment = self.basis.over_mesh(self.config.zeta)
        return spec

    @property
    def highest(self) -> int:
        return 1

    def fourth_moment(self, moments: Array, closures: Closures | None) -> FourthMoment:
        """The closure's answer (2, ny, nx) as a function of the strain rate; Bingham's without closures."""
        known = {"concentration": moments[0], "second_moment": moments[1:3], "alignment": self.alignment}

        def ask(strain: Array) -> Array:
            inputs = {**known, "strain_rate": strain}
            if closures is None:
                return self.estimate.evaluate(inputs, {})
            answer = closures("fourth_moment", inputs)
            return answer if answer.shape == strain.shape else self.basis.over_mesh(answer)

        if closures is not None and "strain_rate" in closures.reads("fourth_moment"):
            return ask
        answer = ask(self.backend.xp.zeros_like(moments[1:3]))
        return lambda strain: answer

    def beyond(self, rods: Rods) -> Array:
        """a_4, (2, ny, nx)."""
        return rods.flow.fourth_moment

    def inputs(self, slot: str, fields: Fields, t: float) -> Mapping[str, Array]:
        """``CLOSURE_INPUTS``, what the slot offers; the strain rate is that with Bingham's fourth moment."""
        return LazyFields(lambda name: self.derive(name, fields, t, None), tuple(CLOSURE_INPUTS))

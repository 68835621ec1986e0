"""Constitutive laws: stress against energy, return maps, friction angles, shear laws, compiled against NumPy."""

import math
from typing import Any

import numpy as np
import pytest

from subgrid.kernels import constitutive
from subgrid_mpm.config import (
    DruckerPragerConfig,
    ElasticConfig,
    FluidConfig,
    HerschelBulkleyConfig,
    VonMisesConfig,
)
from subgrid_mpm.materials import (
    DruckerPrager,
    FixedCorotated,
    HerschelBulkley,
    NeoHookean,
    NewtonianFluid,
    VonMises,
)

LAWS: list[tuple[Any, Any]] = [
    (FixedCorotated, ElasticConfig(young_modulus=10.0)),
    (NeoHookean, ElasticConfig(young_modulus=10.0)),
    (VonMises, VonMisesConfig(young_modulus=10.0, yield_stress=0.5)),
    (HerschelBulkley, HerschelBulkleyConfig(yield_stress=0.5, shear_modulus=10.0, bulk_modulus=20.0, consistency=0.2)),
    (
        HerschelBulkley,
        HerschelBulkleyConfig(yield_stress=0.5, shear_modulus=10.0, bulk_modulus=20.0, exponent=0.5),
    ),
    (DruckerPrager, DruckerPragerConfig(young_modulus=10.0)),
    (NewtonianFluid, FluidConfig(bulk_modulus=10.0, viscosity=0.3)),
    (NewtonianFluid, FluidConfig(bulk_modulus=10.0, exponent=1.5)),
]


def ready(law: Any, config: Any, d: int, dtype: Any = np.float64) -> Any:
    mesh = type("Mesh", (), {"ndim": d, "spacing": (0.1,) * d})
    backend = type("Backend", (), {"dtype": staticmethod(lambda kind="real": dtype)})
    material = law(config)
    setup: Any = type("Setup", (), {"mesh": mesh, "backend": backend, "label": "m"})
    material.columns = material.setup(setup, None).columns
    return material


def strained(d: int, count: int = 50, size: float = 0.15) -> Any:
    return np.eye(d) + size * np.random.default_rng(d).normal(size=(count, d, d))


@pytest.mark.parametrize("d", [2, 3])
@pytest.mark.parametrize(("law", "config"), LAWS)
def test_stress_is_the_derivative_of_the_stored_energy(law: Any, config: Any, d: int) -> None:
    material, F, h = ready(law, config, d), strained(d, 5), 1e-5
    C = np.zeros_like(F)
    P = np.zeros_like(F)
    for i in range(d):
        for j in range(d):
            step = np.zeros((d, d))
            step[i, j] = h
            psi = [material.energy({"deformation_gradient": F + s * step}, {}) for s in (1.0, -1.0)]
            P[:, i, j] = (psi[0] - psi[1]) / (2.0 * h)
    tau = material.evaluate({"deformation_gradient": F, "velocity_gradient": C}, {})
    np.testing.assert_allclose(tau, P @ np.swapaxes(F, 1, 2), rtol=0, atol=1e-8 * np.abs(tau).max())


@pytest.mark.parametrize("d", [2, 3])
@pytest.mark.parametrize("law", [FixedCorotated, NeoHookean, VonMises])
def test_small_strains_obey_hooke(law: Any, d: int) -> None:
    config = VonMisesConfig(young_modulus=2.0) if law is VonMises else ElasticConfig(young_modulus=2.0)
    material, F = ready(law, config, d), strained(d, 5, 1e-6)
    strain = 0.5 * (F + np.swapaxes(F, 1, 2)) - np.eye(d)
    expected = 2.0 * material.mu * strain + material.lam * np.trace(strain, axis1=1, axis2=2)[:, None, None] * np.eye(d)
    np.testing.assert_allclose(material.evaluate({"deformation_gradient": F}, {}), expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("d", [2, 3])
@pytest.mark.parametrize(("law", "config"), LAWS)
def test_compiled_laws_are_the_definition(law: Any, config: Any, d: int, dtype: str) -> None:
    material = ready(law, config, d, np.dtype(dtype).type)
    F = strained(d).astype(dtype)
    C = np.random.default_rng(9).normal(size=F.shape).astype(dtype)
    memory = {name: np.full(len(F), 0.01, dtype) for name in material.columns}
    inputs = {"deformation_gradient": F.copy(), "velocity_gradient": C}
    changed = material.advance(inputs, memory, 0.0, 0.01, None) if hasattr(material, "advance") else {}
    after = {**inputs, **memory, **changed}
    expected = material.evaluate(after, {})
    ours = {"deformation_gradient": F.copy(), "velocity_gradient": C}
    kept, out = {name: values.copy() for name, values in memory.items()}, np.full_like(F, np.nan)
    material.update(ours, kept, 0.01, out, 0, 20)
    material.update(ours, kept, 0.01, out, 20, len(F))
    tolerance = {"float64": 1e-12, "float32": 2e-5}[dtype]
    np.testing.assert_allclose(out, expected, rtol=0, atol=tolerance * np.abs(expected).max())
    np.testing.assert_allclose(ours["deformation_gradient"], after["deformation_gradient"], rtol=0, atol=tolerance)
    for name, values in kept.items():
        np.testing.assert_allclose(values, after[name], rtol=0, atol=tolerance)


def test_fixed_corotated_bears_inversion() -> None:
    for d in (2, 3):
        material = ready(FixedCorotated, ElasticConfig(young_modulus=10.0), d)
        F = np.array([np.diag([-0.2, 1.0, 1.0][:d])])
        out = np.zeros_like(F)
        expected = material.evaluate({"deformation_gradient": F}, {})
        material.update({"deformation_gradient": F}, {}, 0.01, out, 0, 1)
        np.testing.assert_allclose(out, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("d", [2, 3])
def test_von_mises_returns_to_its_bound_and_keeps_the_volume(d: int) -> None:
    material, F = ready(VonMises, VonMisesConfig(young_modulus=10.0, yield_stress=0.1), d), strained(d, size=0.3)
    F = F[np.linalg.det(F) > 0.1]
    relaxed = material.advance({"deformation_gradient": F}, {}, 0.0, 0.1, None)["deformation_gradient"]
    tau = material.evaluate({"deformation_gradient": relaxed}, {})
    dev = tau - np.trace(tau, axis1=1, axis2=2)[:, None, None] * np.eye(d) / d
    np.testing.assert_allclose(np.linalg.norm(dev, axis=(1, 2)), math.sqrt(2.0) * 0.1, rtol=1e-10)
    np.testing.assert_allclose(np.linalg.det(relaxed), np.linalg.det(F), rtol=1e-10)


@pytest.mark.parametrize("angle", [22.0, 30.0, 45.0])
def test_sand_mobilises_its_friction_angle(angle: float) -> None:
    """3D: q/p = 6 sin(phi)/(3 - sin(phi)) in triaxial compression. 2D: sin(phi) = (t1 - t2)/(t1 + t2)."""
    sine = math.sin(math.radians(angle))
    solid = ready(DruckerPrager, DruckerPragerConfig(friction_angle=angle), 3)
    F = np.diag(np.exp([0.02, 0.02, -0.06]))[None]
    relaxed = solid.advance({"deformation_gradient": F}, {"lost_volume": np.zeros(1)}, 0.0, 0.1, None)
    t = np.diag(solid.evaluate(relaxed, {})[0])
    assert (t[0] - t[2]) / (-t.mean()) == pytest.approx(6.0 * sine / (3.0 - sine), rel=1e-10)
    plane = ready(DruckerPrager, DruckerPragerConfig(friction_angle=angle), 2)
    F = np.diag(np.exp([0.02, -0.06]))[None]
    relaxed = plane.advance({"deformation_gradient": F}, {"lost_volume": np.zeros(1)}, 0.0, 0.1, None)
    t = np.diag(plane.evaluate(relaxed, {})[0])
    assert math.degrees(math.asin((t[0] - t[1]) / -(t[0] + t[1]))) == pytest.approx(angle, abs=0.01)


def test_sand_gives_back_the_volume_that_it_lost() -> None:
    material = ready(DruckerPrager, DruckerPragerConfig(), 2)
    memory = {"lost_volume": np.zeros(1)}
    changed = material.advance({"deformation_gradient": 1.05 * np.eye(2)[None]}, memory, 0.0, 0.1, None)
    np.testing.assert_allclose(changed["deformation_gradient"], np.eye(2)[None], atol=1e-12)
    assert changed["lost_volume"][0] == pytest.approx(2.0 * math.log(1.05), rel=1e-12)
    squeezed = {"deformation_gradient": np.eye(2)[None] / 1.05}
    back = material.advance(squeezed, {"lost_volume": changed["lost_volume"]}, 0.0, 0.1, None)
    np.testing.assert_allclose(back["deformation_gradient"], np.eye(2)[None], atol=1e-12)


@pytest.mark.parametrize("exponent", [0.2, 0.5, 0.9, 1.3, 2.0, 3.0])
@pytest.mark.parametrize("bound", [0.0, 0.5, 0.999999])
def test_overstress_is_solved_for_any_exponent(exponent: float, bound: float) -> None:
    for flow in np.geomspace(1e-8, 1e8, 33):
        for viscosity in (1e-3, 1.0, 1e3):
            r = constitutive._overstress(1.0, bound, flow, viscosity, exponent)
            q = r - bound
            assert 0.0 <= q <= 1.0 - bound
            # q + flow (q/viscosity)^(1/exponent) grows with q: the root lies between neighbours of what was found
            low, high = (x + flow * (max(x, 0.0) / viscosity) ** (1.0 / exponent) for x in (q - 1e-12, q + 1e-12))
            assert low <= 1.0 - bound <= high


@pytest.mark.parametrize("exponent", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("rate", [1.0, 100.0])
def test_viscoplastic_fluid_reaches_its_shear_law(exponent: float, rate: float) -> None:
    K = 1.0 / rate**exponent
    config = HerschelBulkleyConfig(
        yield_stress=1.0, consistency=K, exponent=exponent, shear_modulus=1e3, bulk_modulus=1e4
    )
    material = ready(HerschelBulkley, config, 2)
    dt, F = 1e-5 / rate, np.eye(2)[None]
    shear = np.eye(2) + dt * np.array([[0.0, rate], [0.0, 0.0]])
    out = np.zeros_like(F)
    for _ in range(3000):
        F = shear @ F
        material.update({"deformation_gradient": F}, {}, dt, out, 0, 1)
    assert out[0, 0, 1] == pytest.approx(1.0 + K * rate**exponent, rel=2e-4)

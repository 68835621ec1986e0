"""Backends: types, copies and refusals are the same on NumPy and torch."""

import numpy as np
import pytest

from subgrid.backend import Backend
from subgrid.errors import PluginError, ScenarioError


@pytest.fixture(params=["numpy", "torch"])
def backend(request: pytest.FixtureRequest) -> Backend:
    pytest.importorskip(request.param)
    return Backend(request.param, threads=1)


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("name", ["numpy", "torch"])
def test_kinds_have_the_precision_asked_for(name: str, precision: str) -> None:
    pytest.importorskip(name)
    backend = Backend(name, precision=precision, threads=1)
    bits = {"float64": ("float64", "complex128"), "float32": ("float32", "complex64")}[precision]
    kinds = ("real", "complex", "int", "bool")
    types = [str(backend.zeros((2,), kind).dtype).removeprefix("torch.") for kind in kinds]
    assert types == [*bits, "int64", "bool"]


def test_values_survive_the_way_there_and_back(backend: Backend) -> None:
    values = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(backend.to_numpy(backend.asarray(values)), values)
    assert backend.to_numpy(backend.asarray(values, "complex")).dtype == np.complex128
    assert backend.to_numpy(backend.asarray([1, 2], "real")).dtype == np.float64


def test_a_copy_shares_nothing(backend: Backend) -> None:
    array = backend.zeros((3,))
    copy = backend.copy(array)
    copy[0] = 1.0
    assert backend.to_numpy(array).tolist() == [0.0, 0.0, 0.0]


def test_the_namespace_computes(backend: Backend) -> None:
    xp = backend.xp
    spectrum = xp.fft.rfftn(backend.asarray([1.0, 0.0, 0.0, 0.0]))
    np.testing.assert_allclose(backend.to_numpy(spectrum), np.ones(3), rtol=1e-15)


def test_torch_results_stay_differentiable() -> None:
    torch = pytest.importorskip("torch")
    backend = Backend("torch", threads=1)
    parameter = torch.tensor(3.0, dtype=torch.float64, requires_grad=True)
    backend.xp.sum(backend.asarray(parameter) * backend.asarray([1.0, 2.0])).backward()
    assert float(parameter.grad) == 3.0
    assert not backend.copy(parameter).requires_grad


def test_only_numpy_honours_out() -> None:
    assert Backend().in_place
    pytest.importorskip("torch")
    assert not Backend("torch", threads=1).in_place


def test_impossible_devices_are_refused() -> None:
    with pytest.raises(ScenarioError, match=r"backend\.device: 'numpy' computes on 'cpu'"):
        Backend("numpy", device="cuda")
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        with pytest.raises(ScenarioError, match="torch sees no CUDA device"):
            Backend("torch", device="cuda")


@pytest.mark.parametrize(
    ("missing", "arguments", "message"),
    [
        ("torch", {"name": "torch"}, r"pip install 'subgrid\[ml\]'"),
        ("pyfftw", {"fft": "fftw"}, r"pip install 'subgrid\[fft\]'"),
    ],
)
def test_missing_packages_name_the_extra(
    monkeypatch: pytest.MonkeyPatch, missing: str, arguments: dict[str, str], message: str
) -> None:
    monkeypatch.setattr("subgrid.backend.find_spec", lambda name: None if name == missing else object())
    with pytest.raises(PluginError, match=message):
        Backend(**arguments)


def test_threads_default_to_the_cores_of_the_process() -> None:
    assert Backend().threads >= 1
    assert Backend(threads=3).threads == 3
    assert repr(Backend(threads=3)) == "Backend(numpy, cpu, float64, threads=3)"


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("shape", [(), (0,), (1,), (3, 5), (70, 33, 21)])
def test_numpy_arrays_begin_with_a_cache_line(shape: tuple[int, ...], precision: str) -> None:
    backend = Backend(precision=precision)
    for kind in ("real", "complex", "int", "bool"):
        zeros = backend.zeros(shape, kind)
        copied = backend.copy(zeros + backend.dtype(kind)(1))
        for array in (zeros, copied):
            assert (array.shape, array.dtype) == (shape, backend.dtype(kind))
            assert array.flags.c_contiguous
            assert shape in ((), (0,)) or array.ctypes.data % 64 == 0
        assert not zeros.any()
        assert copied.all()

"""The network: the same numbers in both worlds, and zero to begin with."""

import array_api_compat.numpy as xp
import numpy as np
import pytest

from subgrid_ml.perceptron import ACTIVATIONS, Perceptron


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_numpy_and_torch_agree(activation: str, precision: str) -> None:
    torch = pytest.importorskip("torch")
    import array_api_compat.torch as txp

    rng = np.random.default_rng(1)
    network = Perceptron((3, 5, 7, 2), activation)
    parameters = {name: rng.normal(size=shape).astype(precision) for name, shape in network.shapes().items()}
    x = rng.normal(size=(3, 11)).astype(precision)
    made = network(xp, parameters, x)
    other = network(txp, {name: torch.asarray(values) for name, values in parameters.items()}, torch.asarray(x))
    assert made.shape == (2, 11)
    assert made.dtype == precision
    np.testing.assert_allclose(other.numpy(), made, rtol=1e-13 if precision == "float64" else 1e-5, atol=1e-6)


def test_it_is_the_formula() -> None:
    network = Perceptron((2, 1, 1), "tanh")
    parameters = {"0.weight": [[2.0, -1.0]], "0.bias": [[0.5]], "1.weight": [[3.0]], "1.bias": [[-1.0]]}
    made = network(xp, {name: np.asarray(values) for name, values in parameters.items()}, np.array([[0.3], [0.4]]))
    assert made.item() == pytest.approx(3.0 * np.tanh(0.6 - 0.4 + 0.5) - 1.0, rel=1e-15)


def test_it_begins_as_zero_with_spread_hidden_layers() -> None:
    network = Perceptron((4, 64, 64, 3), "tanh")
    parameters = network.initial(np.random.default_rng(2))
    assert {name: values.shape for name, values in parameters.items()} == network.shapes()
    np.testing.assert_array_equal(network(xp, parameters, np.ones((4, 5))), 0.0)
    assert parameters["1.weight"].std() == pytest.approx(np.sqrt(2.0 / 128), rel=0.05)

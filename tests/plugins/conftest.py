"""What tests of every family start from."""

import pytest

from subgrid.registry import Registry


@pytest.fixture(scope="session")
def registry() -> Registry:
    return Registry.load()

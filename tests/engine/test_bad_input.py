"""Whatever is fed to the scenario reader: a scenario, or plain lines that say what is wrong."""

import math
import random
import re
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from subgrid.compare.options import CompareOptions
from subgrid.errors import PluginError, ScenarioError, SubgridError
from subgrid.registry import Registry
from subgrid.scenario import (
    ClosureKeys,
    Expect,
    Header,
    OutputOptions,
    Scenario,
    TimeOptions,
    load,
    parse,
    to_data,
    to_toml,
)
from subgrid.sweep.options import SweepOptions
from subgrid.toml_text import LARGEST_FILE, read_file, read_text, write_text
from subgrid.validation import checked, models_in

THEIR_WORDS = re.compile(r"\b(input|string|value|tuple|list|dictionary|set) should|unable to|pydantic|tagged", re.I)
SCENARIOS = Path(__file__).parents[2] / "scenarios"

SAMPLE: dict[str, Any] = {
    "name": "sample",
    "description": "every table, every sort of option",
    "seed": 7,
    "backend": {"name": "numpy", "precision": "float64", "threads": 1},
    "mesh": {"type": "grid", "shape": [8, 16], "length": ["2 pi", 1.5], "offset": "cell"},
    "initial": {"type": "pulse", "width": "10 cm", "file": "start.npy"},
    "solver": {
        "type": "advection",
        "viscosity": 1e-3,
        "limiter": "superbee",
        "conservative": False,
        "filter": 0.5,
        "forcing": {"amplitude": "1 m/s2", "modes": [1, 4]},
    },
    "integrator": {"type": "multistep"},
    "time": {"start": 0.5, "end": 2.5, "dt": 0.125, "max_steps": 100},
    "closures": [{"type": "eddy", "cs": 0.1}, {"type": "eddy", "weight": -0.5, "slot": "stress", "label": "back"}],
    "correctors": [{"type": "clip", "every": {"steps": 2}}],
    "observers": [{"type": "mean_square", "label": "q", "every": {"time": 0.25}, "at": [1.0]}],
    "output": {"every": {"steps": 5}, "quantities": ["u"], "precision": "float32"},
    "checkpoint": {"every": {"time": 0.5}, "keep": 3},
    "expect": {
        "mean": {"of": "q.value", "statistic": "mean", "after": 1.0, "value": 2.0, "rel": 0.1, "source": "paper"}
    },
}

GARBAGE: list[Any] = [
    None,
    True,
    False,
    0,
    -1,
    1,
    2**31,
    2**70,
    -(2**70),
    16**6000,
    0.0,
    -0.0,
    1e-320,
    -2.5,
    1e308,
    math.nan,
    math.inf,
    -math.inf,
    "",
    " ",
    "nan",
    "1 parsec",
    "2 pi",
    "1 m/0",
    "line\nbreak\r\0\x1b[31m",
    "\ud800",
    "é" * 5000,
    "../../etc/passwd",
    b"bytes",
    {},
    [],
    [[]],
    [{}],
    {"": {}},
    {"type": "eddy"},
    {"type": {"type": "type"}},
    [1, "two", {"three": [4.0]}],
    list(range(1000)),
    object(),
]


def nested(depth: int) -> Any:
    value: Any = 1
    for level in range(depth):
        value = {"a": value} if level % 2 else [value]
    return value


def outcome(read: Any) -> Scenario | list[str]:
    """The scenario, or the lines of the error; anything else that is raised fails the test."""
    try:
        return read()
    except (ScenarioError, PluginError) as error:
        lines = str(error).split("\n")
        assert lines
        for line in lines:
            assert line.strip()
            assert len(line) < 2000
            assert line.isprintable(), ascii(line)
        return lines


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) in nested data."""
    found = []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        found.append((value, key))
        found += places(item)
    return found


def mangled(name: str, rng: random.Random) -> str:
    """A key or name with one typing mistake."""
    position = rng.randrange(len(name) + 1)
    return rng.choice(
        [name[:position] + "x" + name[position:], name[:position] + name[position + 1 :], name.upper(), ""]
    )


def mutate(data: dict[str, Any], rng: random.Random) -> None:
    """One random mistake: a key lost or misspelt, a value of another type, sign or size, entries moved about."""
    spots = places(data)
    if not spots:
        data["mesh"] = deepcopy(rng.choice(GARBAGE))
        return
    container, key = rng.choice(spots)
    kind = rng.randrange(8)
    if kind == 0:
        del container[key]
    elif kind == 1 and isinstance(container, dict):
        container[mangled(key, rng)] = container.pop(key)
    elif kind == 2 and isinstance(container[key], str):
        container[key] = mangled(container[key], rng)
    elif kind == 3 and isinstance(container[key], int | float) and abs(container[key]) < 1e300:
        container[key] *= rng.choice([-1, 0, 1e-300, 1e300, 0.3, 2, True])
    elif kind == 4:
        other, source = rng.choice(spots)
        container[key] = deepcopy(other[source])
    elif kind == 5:
        container[key] = nested(rng.choice([3, 20, 40]))
    elif kind == 6 and isinstance(container, dict):
        container[rng.choice(["type", "label", "every", "at", "slot", "weight", "extra", "0"])] = deepcopy(
            rng.choice(GARBAGE)
        )
    else:
        container[key] = deepcopy(rng.choice(GARBAGE))


def corrupt(content: bytes, rng: random.Random) -> bytes:
    """A file with bytes lost, added, repeated or replaced."""
    a, b = sorted(rng.randrange(len(content) + 1) for _ in range(2))
    noise = rng.choice(
        [rng.randbytes(8), b"\xff\xfe", b"\0", b"[[", b"]]", b'"""', b"= = =", b"\r", b"nan", b"-", b"9" * 5000]
    )
    return rng.choice(
        [
            content[:a],
            content[:a] + content[b:],
            content[:a] + noise + content[a:],
            content[:b] + content[a:],
            noise + content,
        ]
    )


@pytest.fixture(scope="module")
def registry() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parent / "sample"))
        yield Registry.load()


def originals(registry: Registry) -> list[dict[str, Any]]:
    """The sample, and every scenario of the repository."""
    found = [SAMPLE]
    for path in sorted(SCENARIOS.glob("**/*.toml")):
        data = read_file(path)
        if "mesh" in data:
            found.append(data)
            parse(data, registry, path.parent)
    return found


def test_originals_are_scenarios(registry: Registry) -> None:
    assert isinstance(parse(SAMPLE, registry, Path()), Scenario)
    assert originals(registry)


def test_two_thousand_mutated_scenarios(registry: Registry) -> None:
    rng = random.Random(20260101)
    sources = originals(registry)
    refused = 0
    for count in range(2400):
        data = deepcopy(SAMPLE if count % 2 else rng.choice(sources))
        for _ in range(rng.choice([1, 1, 1, 2, 3, 10])):
            mutate(data, rng)
        read = outcome(lambda data=data: parse(data, registry, Path()))
        if isinstance(read, Scenario):
            assert to_data(parse(read_text(to_toml(read)), registry, Path())) == to_data(read)
        else:
            refused += 1
    # mistakes must be found: a reader that let everything through would pass the lines above
    assert refused > 1600


def test_eight_hundred_corrupted_files(registry: Registry, tmp_path: Path) -> None:
    rng = random.Random(20260102)
    content = write_text(SAMPLE).encode()
    path = tmp_path / "corrupted.toml"
    for _ in range(800):
        path.write_bytes(corrupt(content, rng))
        lines = outcome(lambda: load(path, registry))
        assert isinstance(lines, Scenario) or all(str(path) in line or line.startswith("...") for line in lines)


def test_four_hundred_overrides(registry: Registry) -> None:
    rng = random.Random(20260103)
    for _ in range(400):
        container_path = [rng.choice([*SAMPLE, "0", "1", "cs", "forcing", "", "é"]) for _ in range(rng.randrange(1, 5))]
        value = rng.choice(["1", "nan", "[", "{a = 1}", "'x", "\n[b]", "\udcff", "9" * 6000, "[" * 3000, "true"])
        override = ".".join(container_path) + rng.choice(["=", "", "==", "= "]) + value
        outcome(lambda override=override: parse(SAMPLE, registry, Path(), [override]))


def test_problems_beyond_some_dozens_are_counted(registry: Registry) -> None:
    data = {**SAMPLE, "closures": [{"type": "eddy", "cs": -1}] * 5000}
    lines = outcome(lambda: parse(data, registry, Path()))
    assert isinstance(lines, list)
    assert lines[-1] == "... and 4940 problems more"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "mesh: missing table [mesh] with a type; choose from"),
        (b"[mesh\n", "not TOML: Expected ']' at the end of a table declaration (at line 1"),
        (b"a = 1\na = 2\n", "not TOML: Cannot overwrite a value (at line 2"),
        (b"name = \xff\xfe", "not a text file in UTF-8 (line 1)"),
        (b"\x89HDF\r\n\x1a\n" + bytes(range(256)), "not a text file in UTF-8"),
        (b"a = " + b"[" * 100_000, "nested too deeply"),
        (b"a" + b".a" * 5000 + b" = 1", "nested deeper than 32 levels"),
        (b"a = " + b"9" * 5000, "not TOML: Exceeds the limit"),
        (b"a = 2024-13-45", "not TOML"),
        (b"#" * (LARGEST_FILE + 1), "larger than 5 MB"),
    ],
)
def test_file_that_is_no_scenario(registry: Registry, tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "broken.toml"
    path.write_bytes(content)
    lines = outcome(lambda: load(path, registry))
    assert isinstance(lines, list)
    assert any(line.startswith(f"{path}: ") and reason in line for line in lines)


def test_data_nested_beyond_the_recursion_limit(registry: Registry) -> None:
    lines = outcome(lambda: parse({**SAMPLE, "solver": nested(20_000)}, registry, Path()))
    assert isinstance(lines, list)
    assert "nested deeper than 32 levels" in lines[0]


def test_path_that_is_no_file(registry: Registry, tmp_path: Path) -> None:
    assert outcome(lambda: load(tmp_path / "none.toml", registry)) == [f"{tmp_path / 'none.toml'}: no such file"]
    assert outcome(lambda: load(tmp_path, registry)) == [f"{tmp_path}: cannot be read (Is a directory)"]


def test_every_error_class_has_its_own_exit_code() -> None:
    # errors of plugins and of parts of the engine share the codes of those that they resemble
    own = [error for error in SubgridError.__subclasses__() if error.__module__ == "subgrid.errors"]
    codes = [error.exit_code for error in own]
    assert len(set(codes)) == len(codes)
    assert all(0 < code < 126 for code in codes)


def test_no_component_answers_in_the_words_of_the_library_that_checks_it() -> None:
    registry = Registry.load()
    todo: list[Any] = [registry.options_class(component) for component in registry.components() if component.config]
    todo += [SweepOptions, CompareOptions, Header, TimeOptions, OutputOptions, Expect, ClosureKeys]
    told: set[str] = set()
    seen: set[Any] = set()
    while todo:
        model = todo.pop()
        if model in seen:
            continue
        seen.add(model)
        for name, field in model.model_fields.items():
            todo += models_in(field.annotation)
            for value in ("", "a b", "abc", "2 pi", -1, 2**70, 1e308, -1.5, True, [], [1], [[1]], [-1] * 50, {"a": 1}):
                problems: list[str] = []
                checked(model, {name: value}, "", problems)
                told |= {problem for problem in problems if THEIR_WORDS.search(problem)}
    assert len(seen) > 150
    assert not told

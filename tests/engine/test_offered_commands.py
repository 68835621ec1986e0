"""Verbs that plugins add to the command line."""

import sys

import pytest

from subgrid.cli import main, offered

PLUGIN = """
from typing import Annotated

import typer

def greet(whom: Annotated[str, typer.Argument(help="Whom.")], loud: bool = False) -> None:
    '''Say hello, with the details that a summary leaves out.'''
    typer.echo(f"hello {whom}" + "!" * loud)

@hookimpl
def components():
    return [Component("command", "{name}", "{module}:{target}", "{config}", "say hello"{more})]
"""


def offer(install, name: str = "greet", target: str = "greet", config: str = "", more: str = "") -> None:
    source = PLUGIN.replace("{module}", "greeting").replace("{name}", name).replace("{target}", target)
    install("greeting", source.replace("{config}", config).replace("{more}", more), version="2.1")
    offered._registry.cache_clear()


@pytest.fixture
def cli(monkeypatch, capsys):
    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["subgrid", *arguments])
        monkeypatch.setenv("COLUMNS", "200")
        code = 0
        try:
            main()
        except SystemExit as error:
            code = int(error.code or 0)
        printed = capsys.readouterr()
        assert "Traceback" not in printed.err
        return code, printed.out, printed.err

    yield call
    offered._registry.cache_clear()


def test_a_verb_of_a_plugin_stands_in_the_help_and_runs(install, cli) -> None:
    offer(install)
    code, out, _ = cli("--help")
    assert code == 0
    assert any(line.split() == ["greet", "say", "hello"] for line in out.splitlines())
    assert cli("greet", "Osborne", "--loud") == (0, "hello Osborne!\n", "")


def test_its_own_help_is_that_of_its_function(install, cli) -> None:
    offer(install)
    code, out, _ = cli("greet", "--help")
    assert code == 0
    assert "details that a summary leaves out" in out
    assert "--loud" in out


def test_wrong_arguments_are_code_two(install, cli) -> None:
    offer(install)
    code, _, err = cli("greet", "Osborne", "--quietly")
    assert code == 2
    assert "--quietly" in err


def test_a_built_in_verb_is_not_replaced(install, cli) -> None:
    offer(install, name="info")
    _, out, _ = cli("info", "--help")
    assert "Show what a run folder holds" in out


def test_a_target_that_is_missing_is_one_line_with_the_plugin(install, cli) -> None:
    offer(install, target="nothing")
    code, _, err = cli("greet", "Osborne")
    assert code == 3
    assert err.count("\n") == 1
    assert "plugin 'greeting' (greeting 2.1)" in err


def test_a_package_that_is_missing_is_named_with_its_extra(install, cli) -> None:
    offer(install, more=', requires=("package_that_is_not_there",), extra="greetings"')
    code, _, err = cli("greet", "Osborne")
    assert code == 3
    assert "pip install 'greeting[greetings]'" in err


def test_options_class_of_a_command_is_refused(install) -> None:
    offer(install, config="greeting:Config")
    assert "a command takes its options from its function" in offered._registry().problems[0]


def test_an_unknown_verb_is_code_two(cli) -> None:
    code, _, err = cli("fly")
    assert code == 2
    assert "fly" in err


def test_a_plugin_is_not_made_under_a_name_that_is_taken(cli, tmp_path) -> None:
    code, _, err = cli("plugins", "new", "leith", "--out", str(tmp_path / "mine"))
    assert code == 2
    assert "offers the closure 'leith' already; choose another name" in err
    assert not (tmp_path / "mine").exists()

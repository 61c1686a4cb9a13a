"""Every way to end has its exit code and a message for people, never a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from logwatch import errors
from logwatch.cli import run
from logwatch.cli.exits import explain
from logwatch.plugins import BUILT_IN

TABLE = {
    errors.UsageError: 64,
    errors.DataError: 65,
    errors.NoInputError: 66,
    errors.UnreachableError: 69,
    errors.StateNotWritable: 73,
    errors.StateLocked: 75,
    errors.StateCorrupt: 78,
    errors.ConfigError: 78,
}


@pytest.mark.parametrize(("kind", "code"), TABLE.items())
def test_errors_of_ours_have_their_code_and_say_what_to_do(kind: type[errors.LogwatchError], code: int) -> None:
    failure = explain(kind("what is wrong", "what to do"))
    assert failure.code == code
    assert "what is wrong" in failure.text
    assert failure.text.endswith("\n  what to do")


def test_every_line_of_many_errors_names_the_program() -> None:
    text = click.unstyle(explain(errors.ConfigError("a:1: one\na:2: two")).text)
    assert text == "logwatchd: a:1: one\nlogwatchd: a:2: two"


def test_a_bug_is_said_without_a_traceback_and_shown_with_debug() -> None:
    try:
        raise TypeError("boom")
    except TypeError as error:
        plain, full = explain(error), explain(error, debug=True)
    assert plain.code == full.code == 70
    assert "internal error: TypeError: boom" in plain.text
    assert "--debug" in plain.text
    assert "Traceback" not in plain.text
    assert "Traceback" in full.text


@pytest.mark.parametrize("error", [KeyboardInterrupt(), click.Abort(), BrokenPipeError(), click.exceptions.Exit(0)])
def test_quiet_ends(error: BaseException) -> None:
    failure = explain(error)
    assert (failure.code, failure.text) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["tial"], "Did you mean 'tail'?"),
        (["tail", "--nonsense"], "--nonsense"),
        (["tail", "x", "--fail"], "--fail needs --once"),
        (["tail", "-", "x"], "cannot be mixed"),
        (["tail", "x", "--budget", "2/fortnight"], "min, hour, day or week"),
        (["tail", "x", "--entity", "(?=x)"], "look-around"),
        (["score"], "PATH"),
        (["score", "x", "-o", "rows.xml"], ".jsonl, .csv or .parquet"),
        (["score", "x", "--learning", "sometimes"], "online"),
        (["templates", "x", "--top", "0"], "x>=1"),
        (["status", "-c", "a", "--state", "b"], "give one of them"),
        (["demo", "--fast", "--speed", "2"], "exclude each other"),
        (["completion", "tcsh"], "bash"),
        ([], "Usage: logwatchd"),
    ],
)
def test_usage_errors_exit_64_on_standard_error(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 64
    out, err = capsys.readouterr()
    assert out == ""
    assert said in " ".join(err.split())


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["--version"], ["tail", "--help"]])
def test_what_was_asked_for_exits_0_on_standard_output(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 0
    assert capsys.readouterr().out


def test_a_configuration_that_is_wrong_exits_78(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["run", "-c", str(tmp_path / "none.toml")]) == 78
    assert "there is no such file" in capsys.readouterr().err


def test_a_reader_that_goes_away_ends_it_quietly() -> None:
    command = f"{sys.executable} -m logwatch tail --help | true; exit ${{PIPESTATUS[0]}}"
    for _ in range(3):
        done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")


def test_an_output_whose_disk_is_full_is_said(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.write_text("one line\n" * 300)
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "logwatch", "templates", str(log)]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 73
    assert "cannot write the output: no space left" in done.stderr
    assert "Traceback" not in done.stderr


def imported_by(*arguments: str) -> set[str]:
    code = "import sys; from logwatch.cli import run; run(sys.argv[1:]); print('\\n' + ' '.join(sys.modules))"
    command = [sys.executable, "-c", code, *arguments]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("LOGWATCHD_")}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environ)
    return {name.partition(".")[0] for name in done.stdout.splitlines()[-1].split()}


def test_help_imports_nothing_heavy() -> None:
    for arguments in (["--help"], ["tail", "--help"], ["--version"]):
        assert not imported_by(*arguments) & {"numpy", "polars", "torch", "pydantic", "rich", "structlog"}


HEAVY = {
    "numpy",
    "polars",
    "torch",
    "rich",
    "structlog",
    "pydantic_settings",
    "asyncio",
    "kafka",
    "orjson",
    "zstandard",
}
OPTIONS = {
    ("source", "file"): 'paths = ["x"]\nentity = "id=(\\\\d+)"',
    ("source", "kafka"): 'bootstrap = ["broker:9092"]\ntopics = ["logs"]',
    ("source", "prometheus"): 'urls = ["http://app:8080/metrics"]',
    ("sink", "file"): 'path = "alerts.jsonl"',
    ("sink", "kafka"): 'bootstrap = ["broker:9092"]\ntopic = "alerts"',
    ("sink", "alertmanager"): 'urls = ["http://am:9093"]',
    ("sink", "webhook"): "url = \"https://hook/x\"\ntemplate = '{{ alert.source }}'",
    ("detector", "lstm"): "learn_cap = 5.0",
    ("detector", "gap"): "least = 16",
    ("detector", "new"): "memory = 16",
    ("detector", "rare"): "memory = 16.0",
    ("detector", "markov"): "memory = 16.0",
}
"""What a component needs in its table, and, of a detector, something that is to be checked."""


def test_check_config_needs_nothing_heavy_for_any_component(tmp_path: Path) -> None:
    """Each takes 0.1 s or more, and a library that a component needs may be installed on another host only."""
    text = 'redact = ["card=(\\\\d+)"]\n'
    for kind, name in BUILT_IN:
        if kind == "risk" or name == "notify":
            continue  # no table of a configuration names one; Apprise is asked whether it knows the URLs
        head = f"[detectors.{name}]" if kind == "detector" else f'[[{kind}]]\nkind = "{name}"'
        text += f"{head}\n{OPTIONS.get((kind, name), '')}\n"
    file = tmp_path / "logwatchd.toml"
    file.write_text(text)
    assert run(["check-config", "-c", str(file)]) == 0  # a new component needs its entry above
    assert not imported_by("check-config", "-c", str(file)) & HEAVY


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_ask_the_program(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["completion", shell]) == 0
    assert f"_LOGWATCHD_COMPLETE={shell}_complete" in capsys.readouterr().out


def test_verbs_and_options_are_completed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("_LOGWATCHD_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_CWORD", "2")
    monkeypatch.setenv("COMP_WORDS", "logwatchd tail --bu")
    assert run([]) == 0
    assert "--budget" in capsys.readouterr().out

"""check-config shows every value with its origin, as TOML that means the same; or every error at once."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from logwatch.cli import run
from logwatch.plugins import check

VALID = """\
budget = "5/day"
redact = ["email", 'card=(\\d+)']

[history]
keep = "3d"

[[source]]
kind = "file"
name = "app 🔥"
paths = ["{existing}", "{missing}/*.log"]
entity = 'id=(\\S+)'

[[sink]]
kind = "stdout"

[detectors.gap]
least = 16
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "app.log").touch()
    text = VALID.replace("{existing}", str(tmp_path / "app.log")).replace("{missing}", str(tmp_path / "none"))
    file = tmp_path / "logwatchd.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_values_are_shown_with_their_origin(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGWATCHD_LATENESS", "9s")
    assert run(["check-config", "-c", str(file)]) == 0
    lines = {" ".join(line.split()) for line in capsys.readouterr().out.splitlines()}
    assert f'budget = "5/day" # {file}:1' in lines
    assert f'keep = "3d" # {file}:5' in lines
    assert 'lateness = "9s" # environment LOGWATCHD_LATENESS' in lines
    assert 'max_incidents = "20/hour" # default' in lines
    assert f"least = 16 # {file}:17" in lines
    assert 'rotate_wait = "5s" # default' in lines


def test_what_is_shown_is_a_configuration_that_means_the_same(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["check-config", "-c", str(file)]) == 0
    shown = tmp_path / "shown.toml"
    shown.write_text(capsys.readouterr().out, encoding="utf-8")
    before, after = check(file, {}), check(shown, {})
    assert after.loaded.settings.model_dump(
        exclude={"source", "sink", "detectors"}
    ) == before.loaded.settings.model_dump(exclude={"source", "sink", "detectors"})
    assert [one.config for one in after.resolved] == [one.config for one in before.resolved]
    assert after.loaded.settings.source[0].name == "app 🔥"


def test_paths_that_match_nothing_are_warned_of(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(["check-config", "-c", str(file)])
    err = capsys.readouterr().err
    assert f"warning: {file}:10: source[0].paths[1]:" in err
    assert "matches nothing now" in err
    assert err.endswith("valid, 1 warning\n")


def test_nothing_to_read_and_nowhere_to_send_are_warned_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty.toml").touch()
    assert run(["check-config", "-c", str(tmp_path / "empty.toml")]) == 0
    err = capsys.readouterr().err
    assert "nothing to read" in err
    assert "only kept in the state" in err


def test_json_holds_the_same(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check-config", "-c", str(file), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["valid"] is True
    assert {"key": "budget", "value": "5/day", "origin": f"{file}:1"} in told["settings"]
    assert [warning["key"] for warning in told["warnings"]] == ["source[0].paths[1]"]


def test_every_error_at_once_exits_78(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text('budgt = 1\n[[source]]\nkind = "fil"\n[[sink]]\nkind = "stdout"\ncolor = "pink"\n')
    assert run(["check-config", "-c", str(file)]) == 78
    out, err = capsys.readouterr()
    assert out == ""
    assert [line.split(": ")[1] for line in err.splitlines()] == [f"{file}:{line}" for line in (1, 3, 6)]
    assert 'did you mean "file"?' in err
    assert run(["check-config", "-c", str(file), "--json"]) == 78
    told = json.loads(capsys.readouterr().out)
    assert told["valid"] is False
    assert [error["key"] for error in told["errors"]] == ["budgt", "source[0].kind", "sink[0].color"]


def test_the_example_configuration_is_valid(capsys: pytest.CaptureFixture[str]) -> None:
    example = Path(__file__).parents[2] / "systemd" / "logwatchd.toml"
    assert run(["check-config", "-c", str(example), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert tomllib.loads(example.read_text())
    assert all("matches nothing" in warning["message"] for warning in told["warnings"])

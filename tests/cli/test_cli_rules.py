"""check-config tries the rules on templates, on the lines that they carry and on those of a file."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest

from logwatch.cli import run

GOOD = """\
[[template]]
mask = 'tenant-[a-z]+'
name = "tenant"
same = ["quota of tenant-blue is spent", "quota of tenant-red is spent"]

[[template]]
keep = 'ORA-[0-9]+'
different = ["failed: ORA-00600 at 7", "failed: ORA-01555 at 8"]

[[template]]
merge = '^audit: '
name = "audit: <*>"
"""
LINES = [
    "2026-03-01T12:00:00 INFO quota of tenant-blue is spent",
    "2026-03-01T12:00:01 INFO quota of tenant-red is spent",
    "2026-03-01T12:00:02 ERROR failed: ORA-00600 at 7",
    "2026-03-01T12:00:03 INFO nothing to see\x1b[2J",
]


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    config, log = tmp_path / "logwatchd.toml", tmp_path / "app.log"
    config.write_text(GOOD)
    log.write_text("".join(f"{line}\n" for line in LINES))
    return config, log


def test_rules_that_do_what_their_lines_say_are_valid(
    files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["check-config", "-c", str(files[0])]) == 0
    assert 'mask = "tenant-[a-z]+"' in capsys.readouterr().out


def test_rules_that_do_not_are_told_with_line_rule_and_what_came_out(
    files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    config = files[0]
    config.write_text(GOOD.replace("tenant-[a-z]+", "tenant-[0-9]+").replace("ORA-[0-9]+", "ORA-[0-9]"))
    assert run(["check-config", "-c", str(config), "--json"]) == 78
    none, same, different = json.loads(capsys.readouterr().out)["errors"]
    assert (none["where"], none["key"]) == (f"{config}:2", "template[0].mask")
    assert "matches none of the rule's own lines" in none["message"]
    assert (same["where"], same["key"]) == (f"{config}:4", "template[0].same[1]")
    assert '"quota of tenant-blue is spent" is "quota of tenant-blue is spent"' in same["message"]
    assert (different["where"], different["key"]) == (f"{config}:8", "template[1].different[1]")
    assert 'both are "failed: ORA-0' in different["message"]


def test_lines_of_a_file_show_what_rules_make_of_them(
    files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    config, log = files
    assert run(["check-config", "-c", str(config), "--lines", str(log), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["lines"] == 4
    assert [(rule["kind"], rule["lines"], rule["where"]) for rule in found["rules"]] == [
        ("mask", 2, f"{config}:1"), ("keep", 1, f"{config}:6"), ("merge", 0, f"{config}:10"),
    ]  # fmt: skip
    assert [(one["template"], one["count"], one["rules"]) for one in found["templates"]] == [
        ("quota of <tenant> is spent", 2, [0]), ("failed: ORA-00600 at <num>", 1, [1]),
    ]  # fmt: skip


class _Screen(StringIO):
    def isatty(self) -> bool:
        return True


def test_people_see_the_same(files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    out = _Screen()
    monkeypatch.setattr(sys, "stdout", out)
    assert run(["check-config", "-c", str(files[0]), "--lines", str(files[1])]) == 0
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", out.getvalue())
    assert "4 lines, 3 rules" in text
    assert "quota of <tenant> is spent  [0]" in text
    assert "[2] merge = ^audit: " in text
    assert "no line" in text


def test_lines_that_are_not_there_exit_66(files: tuple[Path, Path]) -> None:
    assert run(["check-config", "-c", str(files[0]), "--lines", str(files[1].with_name("none.log"))]) == 66


def test_templates_obey_the_rules(files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["templates", str(files[1]), "-c", str(files[0]), "--json"]) == 0
    first = json.loads(capsys.readouterr().out.splitlines()[0])
    assert (first["template"], first["count"]) == ("quota of <tenant> is spent", 2)
    assert first["variables"][0]["values"] == [["tenant-blue", 1], ["tenant-red", 1]]


def test_without_rules_the_engine_is_not_loaded(tmp_path: Path) -> None:
    config = tmp_path / "logwatchd.toml"
    config.write_text("budget = '3/day'\n")
    code = (
        "import sys; from logwatch.cli import run; code = run(['check-config', '-c', sys.argv[1]]); "
        "sys.exit(code or 10 * ('polars' in sys.modules or 'numpy' in sys.modules))"
    )
    found = subprocess.run([sys.executable, "-c", code, str(config)], check=False, capture_output=True)
    assert found.returncode == 0, found.stderr.decode()

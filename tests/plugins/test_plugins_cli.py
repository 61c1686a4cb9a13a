"""`logwatchd plugins`: what there is, whether it is sound, and a beginning that passes its own tests."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from logwatch.api import declared
from logwatch.cli import run
from logwatch.cli.plugins import KINDS
from logwatch.plugins import BUILT_IN

pytestmark = pytest.mark.usefixtures("own_declarations")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A drop-in directory with one sound detector, `long_lines`."""
    folder = tmp_path / "dropin"
    folder.mkdir()
    folder.chmod(0o755)
    assert run(["plugins", "new", "detector", "long_lines", "--into", str(tmp_path / "new")]) == 0
    put(folder, "long_lines", (tmp_path / "new" / "long_lines.py").read_text())
    monkeypatch.setenv("LOGWATCHD_PLUGINS_DIR", str(folder))
    return folder


def put(folder: Path, name: str, text: str) -> Path:
    file = folder / f"{name}.py"
    file.write_text(text)
    file.chmod(0o644)
    return file


def reports(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> dict[str, dict[str, Any]]:
    capsys.readouterr()
    assert run(["plugins", *arguments, "--json"]) == code
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return {f"{row['kind']} {row['name']}": row for row in rows}


def test_the_list_names_everything_and_runs_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ran = folder / "ran"
    put(folder, "loud", f"open({str(ran)!r}, 'w')\n" + (folder / "long_lines.py").read_text())
    found = reports(capsys, "list")
    assert {f"{kind} {name}" for kind, name in BUILT_IN} < set(found)
    assert found["detector long_lines"]["api"] == "1.0"
    assert found["detector long_lines"]["origin"].endswith(".py")
    assert found["detector lstm"]["used"]
    assert not found["detector long_lines"]["used"]
    assert not ran.exists()


def test_what_the_configuration_names_is_in_use(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGWATCHD_DETECTORS__LONG_LINES__LONGEST", "80")
    assert reports(capsys, "list")["detector long_lines"]["used"]


def test_a_sound_plugin_conforms(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert reports(capsys, "check")["detector long_lines"]["checked"] == "conforms"


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("api=(1, 0)", "api=(2, 0)", "written for plugin API 2.0"),
        ("import numpy as np", "import numpy as np\nimport no_such_module_of_mine", "Install no_such_module_of_mine"),
        ("    def learn(", "    def learns(", "lacks learn"),
        ("self._config.nats, 0.0", "-1.0, -1.0", "not negative"),
        ("from __future__", "this is no Python", "declares nothing"),
        ("longest: int", "longest int", "(long_lines.py, line 15)"),
        ('name="long_lines"', 'name="other"', "would not be found by that name"),
        ("self._config = config", "raise RuntimeError('no licence')", "no licence"),
    ],
)
def test_what_is_wrong_with_a_plugin_is_said_by_name(
    folder: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, reason: str
) -> None:
    text = (folder / "long_lines.py").read_text()
    assert old in text
    put(folder, "long_lines", text.replace(old, new))
    (row,) = reports(capsys, "check", code=78).values()
    assert reason in row["problem"]
    assert "long_lines" in row["name"] + row["problem"]


def test_a_plugin_that_others_can_write_is_not_run(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder.chmod(0o777)
    assert "others can write" in reports(capsys, "list")["detector long_lines"]["problem"]
    assert "others can write" in reports(capsys, "check", code=78)["detector long_lines"]["problem"]
    assert ("detector", "long_lines") not in declared()


def test_one_that_replaces_a_built_in_component_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (folder / "long_lines.py").read_text()
    put(folder, "gap", text.replace('"long_lines"', '"gap"'))
    found = reports(capsys, "check", str(folder / "gap.py"), code=78)
    assert "built in" in found["detector gap"]["problem"]


def test_a_file_is_checked_where_it_lies(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = folder.parent / "new" / "long_lines.py"
    file.parent.chmod(0o755)
    file.chmod(0o644)
    assert reports(capsys, "check", str(file))["detector long_lines"]["checked"] == "conforms"


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "nothing_of_that_name"],
        ["check", "nothing.py"],
        ["new", "detector"],
        ["new", "colour", "red"],
        ["new", "detector", "Wrong Name"],
        ["new", "detector", "lstm"],
        ["new", "sink", "json"],
        ["list", "something"],
        ["check", "--into", "x"],
    ],
)
def test_wrong_usage_exits_64(arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["plugins", *arguments]) == 64
    assert not list(tmp_path.iterdir())


def test_nothing_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("precious")
    assert run(["plugins", "new", "sink", "pager", "--into", str(tmp_path)]) == 64
    assert [file.name for file in tmp_path.iterdir()] == ["mine.txt"]


def test_a_place_that_cannot_be_written_exits_73(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert run(["plugins", "new", "sink", "pager", "--into", str(tmp_path / "file" / "below")]) == 73


def test_each_kind_begins_with_a_test_that_passes(tmp_path: Path) -> None:
    for kind in KINDS:
        assert run(["plugins", "new", kind, f"my-{kind}", "--into", str(tmp_path / kind)]) == 0
    program = (
        "import sys, pytest\n"
        "for kind in sys.argv[1:]:\n"
        "    root = f'{kind}'\n"
        "    code = pytest.main(['-q', '-p', 'no:cacheprovider', '-c', f'{root}/pyproject.toml', root])\n"
        "    assert code == 0, kind\n"
    )
    command = [sys.executable, "-c", program, *KINDS]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("2 passed") == len(KINDS)

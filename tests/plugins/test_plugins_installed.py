"""`plugins/forbidden_words`, installed as anybody would install it, works in `logwatchd score`."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WORD = "deadlock"
AT = 3500


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("hatchling", reason="builds the distribution without a network")
    target = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-index", "--no-deps", "--no-build-isolation"]
    source = str(ROOT / "plugins" / "forbidden_words")
    done = subprocess.run([*command, "--target", str(target), source], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return target


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Each line holds a word that is always another one; one of them is forbidden."""
    seeded = random.Random(0)
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = ["".join(seeded.choices(letters, k=8)) for _ in range(4000)]
    words[AT] = WORD
    file = tmp_path / "app.log"
    stamps = (f"2026-03-01T{12 + i // 3600:02d}:{i // 60 % 60:02d}:{i % 60:02d}" for i in range(4000))
    file.write_text("".join(f"{at} INFO state of request: {word}\n" for at, word in zip(stamps, words, strict=True)))
    return file


def logwatchd(installed: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": f"{installed}{os.pathsep}{ROOT}", **environ}
    command = [sys.executable, "-m", "logwatch", *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=100)


def test_its_line_alerts_and_without_it_nothing_does(installed: Path, log: Path) -> None:
    rows = log.parent / "rows.jsonl"
    options = {"LOGWATCHD_DETECTORS__FORBIDDEN_WORDS__WORDS": json.dumps([WORD])}
    with_it = logwatchd(installed, "score", str(log), "-o", str(rows), **options)
    assert with_it.returncode == 0, with_it.stderr
    alerts = [json.loads(line) for line in with_it.stdout.splitlines()]
    assert [alert["rule"] for alert in alerts if alert["state"] == "open"] == ["forbidden_words"]
    assert WORD in alerts[0]["lines"][0]["text"]
    events = [row for row in map(json.loads, rows.read_text().splitlines()) if row["kind"] == "event"]
    said = [row["detectors"]["forbidden_words"] for row in events]
    assert [i for i, nats in enumerate(said) if nats] == [AT]
    assert events[AT]["alert"] == alerts[0]["id"]
    without = logwatchd(installed, "score", str(log))
    assert (without.returncode, without.stdout) == (0, ""), without.stdout


def test_it_is_listed_with_its_distribution_and_conforms(installed: Path) -> None:
    listed = logwatchd(installed, "plugins", "list")
    assert any(
        line.split()[:2] == ["detector", "forbidden_words"] and "logwatchd-forbidden-words 0.1.0" in line
        for line in listed.stdout.splitlines()
    ), listed.stdout
    checked = logwatchd(installed, "plugins", "check", "forbidden_words")
    assert (checked.returncode, checked.stdout.split()[-1]) == (0, "conforms"), checked.stdout


def test_its_own_tests_pass(tmp_path: Path) -> None:
    folder = ROOT / "plugins" / "forbidden_words"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", str(folder / "pyproject.toml")]
    env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([*command, str(folder)], env=env, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stdout
    assert "7 passed" in done.stdout

"""What the image is made of, and what a plain install runs with, without building it."""

from __future__ import annotations

import re

from deploy.runtime_packages import pinned
from tests.deploy.tools import DEPLOY, ROOT

DOCKERFILE = (DEPLOY / "Dockerfile").read_text()


def test_everything_that_is_copied_passes_the_ignore_file() -> None:
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = [
        path for line in re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE, re.MULTILINE) for path in line.split()
    ]
    assert copied
    for path in copied:
        assert path in kept, f".dockerignore hides {path}"
        assert (ROOT / path).exists()


def test_it_runs_as_nobody_under_an_init_and_is_asked_by_the_program_itself() -> None:
    last = DOCKERFILE.rpartition("\nFROM ")[2]
    assert "USER 10001:10001" in last
    assert 'ENTRYPOINT ["tini", "--", "logwatchd"]' in last
    assert 'CMD ["logwatchd", "status", "--ready"]' in last
    assert "curl" not in last


def test_the_bill_of_materials_holds_what_is_imported_and_no_tool_of_ours() -> None:
    known = pinned()
    assert {"torch", "polars", "numpy", "pydantic", "click", "lz4", "typing-extensions"} <= set(known)
    assert not {"pytest", "ruff", "mypy", "logwatchd", "hypothesis"} & set(known)
    assert all(re.fullmatch(r"[0-9][\w.+!-]*", version) for version in known.values())

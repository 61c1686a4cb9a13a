"""What the recorded Python programs share: an environment of their own, and the place in every logged line."""

from __future__ import annotations

import subprocess
import sys
import venv
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.data.recordings.templates.truth import Line

MARK = "@@%(pathname)s:%(lineno)d@@"  # goes before a logging format
TOOLS = Path("/srv/recording/tools")
ROOTS = ("/site-packages/", f"/python3.{sys.version_info.minor}/")


def environment(name: str) -> Path:
    """The folder with the programs of this environment."""
    return TOOLS / name / "bin"


def install(name: str, *packages: str) -> None:
    """Make the environment and put ``packages`` into it, once."""
    if (TOOLS / name / "complete").exists():
        return
    venv.create(TOOLS / name, with_pip=True)
    subprocess.run([environment(name) / "pip", "install", "--quiet", *packages], check=True)
    (TOOLS / name / "complete").touch()


def installed(name: str, package: str) -> str:
    """The version of ``package`` in the environment."""
    code = f"import importlib.metadata as m; print(m.version({package!r}))"
    return subprocess.check_output([environment(name) / "python", "-c", code], text=True).strip()


def shortened(lines: Iterable[Line], home: Path) -> Iterator[Line]:
    """Locations without the folder that holds the package; Python itself lies under /usr."""
    for line in lines:
        place = line.location.removeprefix(f"{home}/")
        for root in ROOTS:
            place = place.rpartition(root)[2]
        yield Line(line.text.replace(sys.base_prefix, "/usr").replace(MARK, ""), place)

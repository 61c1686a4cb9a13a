"""`plugins new`: a distribution with one component, and a test that passes."""

from __future__ import annotations

import keyword
import re
import sys
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

from logwatch.api import API_VERSION, Kind
from logwatch.errors import LogwatchError, UsageError
from logwatch.plugins import BUILT_IN

NAME = re.compile(r"[a-z][a-z0-9]*([_-][a-z0-9]+)*")

NOT_WRITABLE = 73


class CannotWrite(LogwatchError):
    """The files cannot be written."""

    exit_code = NOT_WRITABLE


_PROJECT = """[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "logwatchd-{dashed}"
version = "0.1.0"
description = "A {kind} for logwatchd."
requires-python = ">=3.11"
dependencies = ["logwatchd"]

[project.entry-points."logwatch.plugins"]
{name} = "{module}"

[tool.hatch.build.targets.wheel]
only-include = ["{module}.py"]

[tool.pytest.ini_options]
pythonpath = ["."]
"""

_TEST = '''"""It keeps what every {kind} must keep, and does what it is for."""

{imports}

def test_conforms({fixture}) -> None:
{conforms}


{more}'''

_CONFORMS: Mapping[Kind, str] = {
    "detector": "    conforms({cls})",
    "decoder": '    conforms({cls}, [b"2026-01-31T08:00:00Z|error|disk full"])',
    "hook": "    conforms({cls})",
    "risk": "    conforms({cls})",
    "sink": '    conforms({cls}, path=str(tmp_path / "alerts.txt"))',
    "source": '    file = tmp_path / "some.log"\n    file.write_bytes(b"one\\ntwo\\nthree\\n")\n'
    '    conforms({cls}, [b"one", b"two", b"three"], path=str(file))',
}

_MORE: Mapping[Kind, str] = {
    "detector": """def test_long_lines_are_unusual() -> None:
    events = sample_steps(2).batch(0, 2, np.zeros(2, np.int32))
    events.text = ["short", "long " * 300]
    assert {cls}(Config(longest=1000, nats=12.0)).score(events).tolist() == [0.0, 12.0]
""",
    "decoder": """def test_other_lines_are_not_of_its_format() -> None:
    said = {cls}(Config()).decode([b"now|info|hello|you", b"something else"])
    assert said == [{{"time": "now", "level": "info", "message": "hello|you"}}, None]
""",
    "hook": """def test_alerts_of_the_source_are_critical() -> None:
    hook = {cls}(Config(contains="pay", runbook="the book"))
    alert = replace(sample_alert(), source="payments", severity="info", detail="")
    said = hook.annotate(alert)
    assert said is not None
    assert (said.severity, said.detail) == ("critical", "see the book")
    assert hook.annotate(replace(alert, source="orders")) is None
""",
    "risk": """def test_half_of_the_metrics_rose() -> None:
    values = np.array([[1, 1, 9, 9], [1, 1, 1, 1]], np.float32)
    risk = {cls}(Config()).assess(MetricWindow("host", ("cpu", "memory"), 0, 1, values))
    assert risk is not None
    assert (risk.probability, risk.drivers) == (0.5, (("cpu", 1.0),))
""",
    "sink": """def test_one_line_an_alert(tmp_path: Path) -> None:
    sink = {cls}(Config(path=str(tmp_path / "alerts.txt")))
    sink.deliver([sample_alert(1), sample_alert(2)])
    sink.close()
    assert len((tmp_path / "alerts.txt").read_text().splitlines()) == 2
""",
    "source": """def test_it_goes_on_where_it_was(tmp_path: Path) -> None:
    file = tmp_path / "some.log"
    file.write_bytes(b"one\\ntwo\\nthree\\n")
    source = {cls}(Config(path=str(file)))
    source.open({{"at": b"4"}})
    records = source.poll(10)
    assert records is not None
    assert records.lines == [b"two", b"three"]
""",
}

_IMPORTS: Mapping[Kind, str] = {
    "detector": "import numpy as np\nfrom {module} import Config, {cls}\n\n"
    "from logwatch.testing import conforms, sample_steps\n",
    "decoder": "from {module} import Config, {cls}\n\nfrom logwatch.testing import conforms\n",
    "hook": "from dataclasses import replace\n\nfrom {module} import Config, {cls}\n\n"
    "from logwatch.testing import conforms, sample_alert\n",
    "risk": "import numpy as np\nfrom {module} import Config, {cls}\n\n"
    "from logwatch.api import MetricWindow\nfrom logwatch.testing import conforms\n",
    "sink": "from pathlib import Path\n\nfrom {module} import Config, {cls}\n\n"
    "from logwatch.testing import conforms, sample_alert\n",
    "source": "from pathlib import Path\n\nfrom {module} import Config, {cls}\n\n"
    "from logwatch.testing import conforms\n",
}

_NO_FIXTURE = ("detector", "decoder", "hook", "risk")

_USE: Mapping[Kind, str] = {
    "source": '[[source]]\nkind = "{name}"\npath = "/var/log/some.log"',
    "sink": '[[sink]]\nkind = "{name}"\npath = "/var/log/{module}.txt"',
    "detector": "[detectors.{name}]",
    "decoder": '[[source]]\nkind = "file"\npaths = ["/var/log/some.log"]\ndecoder = "{name}"',
    "hook": "[hooks.{name}]",
    "risk": "# asked once metrics are read",
}


def new(kind: Kind, name: str, into: Path | None = None) -> tuple[list[Path], str]:
    """Write the files of a new plugin.

    Args:
        name: of the component; in lower case.
        into: a directory that is not there yet, or is empty; None: the name's, here.

    Returns:
        The files, and the lines of a configuration that use the component.

    Raises:
        UsageError: the name cannot be used, or the directory is not empty.
        CannotWrite.
    """
    module = name.replace("-", "_")
    _check(kind, name, module)
    folder = into or Path(module)
    cls = "".join(part.capitalize() for part in module.split("_"))
    words = {"kind": kind, "name": name, "module": module, "dashed": name.replace("_", "-"), "cls": cls}
    files = {
        "pyproject.toml": _PROJECT.format(**words),
        f"{module}.py": _module(kind, words),
        f"tests/test_{module}.py": _test(kind, words),
    }
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise UsageError(f"{folder} is there already", "name another directory with --into")
        (folder / "tests").mkdir(parents=True, exist_ok=True)
        for path, text in files.items():
            (folder / path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise CannotWrite(f"{folder}: {(error.strerror or str(error)).lower()}") from None
    return [folder / path for path in files], _USE[kind].format(**words)


def _check(kind: Kind, name: str, module: str) -> None:
    if not NAME.fullmatch(name) or keyword.iskeyword(module):
        raise UsageError(f"{name!r} is no name for a component", "letters in lower case, digits, and _ between them")
    if module in ("config", "tests", "logwatch") or module in sys.stdlib_module_names or (kind, name) in BUILT_IN:
        raise UsageError(f"{name!r} is taken, by logwatchd or by Python", "choose another name")


def _module(kind: Kind, words: Mapping[str, str]) -> str:
    text = resources.files("logwatch.plugins.skeletons").joinpath(f"{kind}.py").read_text(encoding="utf-8")
    text = text.replace("api=(1, 0)", f"api={API_VERSION}")
    return text.replace("Skeleton", words["cls"]).replace("skeleton", words["name"])


def _test(kind: Kind, words: Mapping[str, str]) -> str:
    return _TEST.format(
        kind=kind,
        imports=_IMPORTS[kind].format(**words),
        fixture="" if kind in _NO_FIXTURE else "tmp_path: Path",
        conforms=_CONFORMS[kind].format(**words),
        more=_MORE[kind].format(**words),
    )

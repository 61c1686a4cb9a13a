"""Reads the configuration: file < environment < flags, each value with where it comes from."""

from __future__ import annotations

import copy
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path as FilePath
from typing import Any

from pydantic import ValidationError

from logwatch.config.lines import Path, key_lines
from logwatch.config.problems import ConfigProblems, Problem, problems_of, unknown
from logwatch.config.settings import Settings
from logwatch.errors import ConfigError

PREFIX = "LOGWATCHD_"
DEFAULT = "default"

# Kubernetes puts LOGWATCHD_SERVICE_HOST, LOGWATCHD_PORT_8711_TCP_ADDR and the like into every container beside a
# Service of that name; refusing them as unknown settings would stop a daemon that nobody misconfigured.
_KUBERNETES = re.compile(r"(.*_)?(SERVICE_(HOST|PORT)(_.*)?|PORT(_\d+_(TCP|UDP|SCTP)(_.*)?)?)")
_ELSEWHERE = {"BENCH_DATA", "CI", "TEST_KAFKA", "TEST_KAFKA_IMAGE", "TEST_SYSTEMD"}  # read by benchmarks and tests
_TOML_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


@dataclass(frozen=True, slots=True)
class Loaded:
    """A valid configuration, and where each of its values comes from."""

    settings: Settings
    origins: Mapping[Path, str] = field(default_factory=dict)
    lines: Mapping[Path, str] = field(default_factory=dict)

    def origin(self, path: Path) -> str:
        """`default`, `logwatchd.toml:12`, `environment LOGWATCHD_BUDGET` or a flag: who gave the value at a path."""
        return self.origins.get(path, DEFAULT)

    def locate(self, path: Path) -> str:
        """The nearest place that can be named for a path, given or missing: for errors."""
        for length in range(len(path), 0, -1):
            for known in (self.origins, self.lines):
                if path[:length] in known:
                    return known[path[:length]]
        return ""

    def values(self) -> Iterator[tuple[Path, Any, str]]:
        """(path, value as it would be written, origin) of every setting outside components' own tables."""
        dumped = self.settings.model_dump(
            mode="json",
            exclude={"template", "mark", "rule", "source", "sink", "detectors", "decoders", "hooks", "risk"},
        )
        for path, value in leaves(dumped):
            yield path, value, self.origin(path)
        for name in ("template", "mark", "rule"):
            for index, rule in enumerate(getattr(self.settings, name)):
                for key, value in rule.model_dump(mode="json", exclude_none=True).items():
                    yield (name, index, key), value, self.origin((name, index, key))


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Paths and values of nested mappings, down to what is no mapping, or an empty one."""
    if isinstance(value, Mapping) and (value or not path):
        for key, inner in value.items():
            yield from leaves(inner, (*path, key))
    else:
        yield path, value


def _inside(value: Any, path: Path) -> Iterator[Path]:
    """The path itself, and of everything in it."""
    yield path
    if isinstance(value, Mapping | list | tuple):
        items = value.items() if isinstance(value, Mapping) else enumerate(value)
        for key, inner in items:
            yield from _inside(inner, (*path, key))


def load(
    file: FilePath | None = None,
    environ: Mapping[str, str] | None = None,
    flags: Mapping[str, tuple[str, Any]] | None = None,
) -> Loaded:
    """The effective settings.

    Args:
        file: a TOML file, or None for the defaults.
        environ: the environment; None: that of the process.
        flags: setting → (flag as typed, value), `{"budget": ("--budget", "3/day")}`.

    Raises:
        ConfigProblems: everything that is wrong, at once.
    """
    merged = _Merged()
    if file is not None:
        merged.add_file(file)
    merged.add_environment(os.environ if environ is None else environ)
    for key, (flag, value) in (flags or {}).items():
        merged.put((key,), value, flag)
    return merged.validated()


class _Merged:
    """Layers put on each other, lowest first."""

    def __init__(self) -> None:
        self.data: dict[Any, Any] = {}
        self.origins: dict[Path, str] = {}
        self.lines: dict[Path, str] = {}
        self.problems: list[Problem] = []

    def put(self, path: Path, value: Any, origin: str) -> None:
        """Set one value; tables are merged by key, anything else replaces what a lower layer said."""
        if isinstance(value, Mapping) and value:
            for key, inner in value.items():
                self.put((*path, key), inner, origin)
            return
        here: dict[str | int, Any] = self.data
        for part in path[:-1]:
            below = here.get(part)
            if not isinstance(below, dict):
                below = here[part] = {}
            here = below
        here[path[-1]] = value
        for known in (self.origins, self.lines):
            for other in [other for other in known if other[: len(path)] == path]:
                del known[other]  # what a lower layer said about it
        self.origins.update(dict.fromkeys(_inside(value, path), origin))

    def add_file(self, file: FilePath) -> None:
        text = read_text(file)
        try:
            document = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise ConfigProblems([_syntax_problem(file, text, error)]) from None
        lines = {path: f"{file}:{line}" for path, line in key_lines(text).items()}
        for path, value in leaves(document):
            self.put(path, value, str(file))
        self.lines = lines
        self.origins = {path: lines.get(path, str(file)) for path in self.origins}

    def add_environment(self, environ: Mapping[str, str]) -> None:
        # An empty variable is one that a template did not fill in.
        given = {name: value for name, value in environ.items() if value and name.upper().startswith(PREFIX)}
        variables: dict[Path, str] = {tuple(name[len(PREFIX) :].lower().split("__")): name for name in given}
        for path, name in variables.items():
            self._check_variable(str(path[0]), name)
        if not given:
            return
        from logwatch.config import environment

        try:
            values = environment.values(given)
        except environment.SettingsError as error:
            self.problems.append(_environment_problem(error, given))
            return
        for path, value in leaves(values):
            name = next((variables[path[:n]] for n in range(len(path), 0, -1) if path[:n] in variables), "")
            self.put(path, value, f"environment {name}")

    def _check_variable(self, key: str, name: str) -> None:
        bare = name[len(PREFIX) :].upper()
        if key in Settings.model_fields or bare in _ELSEWHERE or _KUBERNETES.fullmatch(bare):
            return
        self.problems.append(Problem(f"environment {name}", key, unknown("key", key, Settings.model_fields)))

    def validated(self) -> Loaded:
        loaded = Loaded(Settings.model_construct(), self.origins, self.lines)
        settings = self._settings(loaded)
        rest = replace(loaded, settings=settings) if settings else None
        if self.problems:
            raise ConfigProblems(self.problems, rest)
        return rest or loaded

    def _settings(self, place: Loaded) -> Settings | None:
        """The settings; where some are wrong, those of the rest, or None where that cannot be told either."""
        try:
            return Settings(**self.data)
        except ValidationError as error:
            wrong = problems_of(error, Settings, self.data, place.locate)
        self.problems += wrong
        rest = copy.deepcopy(self.data)
        for problem in wrong:
            _remove(rest, problem.path)
        try:
            return Settings(**rest)
        except ValidationError:
            return None


def _remove(data: dict[Any, Any], path: Path) -> None:
    """Take out what stands at a path; with an element of a list, or a key that is missing, its whole top-level key."""
    inner: Any = data
    for part in path[:-1]:
        try:
            inner = inner[part]
        except KeyError:
            return  # taken out already
    if isinstance(inner, dict) and path[-1] in inner:
        del inner[path[-1]]
    else:
        data.pop(path[0], None)


def read_text(file: FilePath) -> str:
    """The text of a configuration file. Raises ConfigError where it cannot be read."""
    try:
        return file.read_text(encoding="utf-8").replace("\r\n", "\n")
    except FileNotFoundError:
        raise ConfigError(f"{file}: there is no such file", "Give a configuration with -c FILE.") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file}: not UTF-8 (byte {error.start})", "TOML files are UTF-8 text.") from None
    except OSError as error:
        raise ConfigError(f"{file}: {(error.strerror or str(error)).lower()}") from None


def _syntax_problem(file: FilePath, text: str, error: tomllib.TOMLDecodeError) -> Problem:
    message = str(error)
    match = _TOML_PLACE.search(message)
    line, column = (match[1], match[2]) if match and match[1] else (str(max(1, len(text.splitlines()))), "1")
    what = message[: match.start()] if match else message
    if match and not match[1]:
        what += " before the end of the file"
    return Problem(f"{file}:{line}:{column}", "", f"not TOML: {what[:1].lower()}{what[1:]}")


def _environment_problem(error: Exception, given: Mapping[str, str]) -> Problem:
    match = re.search(r'field "(\w+)"', str(error))
    key = match[1] if match else ""
    name = next((name for name in given if name.lower() == f"{PREFIX}{key}".lower()), f"{PREFIX}{key.upper()}")
    return Problem(f"environment {name}", key, 'must be JSON, as in \'["token", "email"]\'')

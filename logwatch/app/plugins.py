"""`plugins list` and `plugins check`: which components there are, and whether they are what they should be."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from logwatch.api import Assessor, Component, Decoder, Detector, Hook, Kind, Sink, Source, declared
from logwatch.config import Loaded
from logwatch.errors import ConfigError, LogwatchError, UsageError
from logwatch.plugins import BUILT_IN, GROUP, Plugins, dropin, parts
from logwatch.plugins.declarations import Declaration, declarations, file_of_entry

PROTOCOLS: Mapping[Kind, Any] = {
    "source": Source,
    "decoder": Decoder,
    "detector": Detector,
    "risk": Assessor,
    "sink": Sink,
    "hook": Hook,
}

PURE = ("detector", "decoder", "hook", "risk")
"""Kinds that touch nothing outside: they can be tried."""


@dataclass(frozen=True, slots=True)
class PluginReport:
    """One component that can be named in a configuration."""

    kind: str  # "?" where its text does not say it
    name: str
    api: str  # "1.0"; empty where its text does not say it
    origin: str  # "built in", a drop-in file, or a distribution with its version
    used: bool = False  # the configuration names it
    checked: str = ""  # what was tried; empty: nothing
    problem: str = ""  # why it is refused


def list_plugins(loaded: Loaded) -> list[PluginReport]:
    """Every component, built-in ones first. Nothing is imported but what is built in."""
    used = {(part.kind, part.name) for part in parts(loaded)}
    found = [PluginReport(kind, name, _version((1, 0)), "built in") for kind, name in BUILT_IN]
    found += _offered(loaded.settings.plugins_dir)
    return [replace(one, used=(one.kind, one.name) in used) for one in found]


def _version(api: Sequence[int] | None) -> str:
    return ".".join(map(str, api)) if api else ""


def _offered(folder: Path | None) -> Iterator[PluginReport]:
    if folder is not None:
        for name in dropin.names_in(folder):
            yield from _dropped(folder / f"{name}.py")
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        origin = f"{entry.dist.name} {entry.dist.version}" if entry.dist else entry.value
        file = file_of_entry(entry)
        for one in (declarations(file) if file else []) or [Declaration(None, entry.name, None)]:
            yield PluginReport(one.kind or "?", one.name or entry.name, _version(one.api), origin)


def _dropped(file: Path) -> Iterator[PluginReport]:
    problem = ""
    try:
        dropin.check_private(file)
    except (ConfigError, OSError) as error:
        problem = str(error)
    found = declarations(file)
    if not found:
        yield PluginReport("?", file.stem, "", str(file), problem=problem or _why_nothing(file))
    for one in found:
        yield PluginReport(one.kind or "?", one.name or file.stem, _version(one.api), str(file), problem=problem)


def _why_nothing(file: Path) -> str:
    try:
        ast.parse(file.read_bytes(), file.name)
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return f"declares nothing with @plugin, for it cannot be read: {error}"
    return "declares nothing with @plugin"


def check_plugins(loaded: Loaded, names: Sequence[str] = ()) -> list[PluginReport]:
    """Load components, and hold them against their kind's Protocol; those that touch nothing are tried as well.

    Args:
        names: of components, or files; none: every plugin that there is.

    Raises:
        UsageError: there is none of that name.
    """
    plugins = Plugins(loaded.settings.plugins_dir)
    known = list_plugins(loaded)
    wanted: list[PluginReport] = []
    for name in names:
        if name.endswith(".py"):
            found = list(_dropped(Path(name)))
        else:
            found = [one for one in known if one.name == name]
        if not found or (name.endswith(".py") and not Path(name).is_file()):
            raise UsageError(f"there is no plugin {name!r}", "`logwatchd plugins list` shows those that there are")
        wanted += found
    return [_checked(plugins, one) for one in wanted or [one for one in known if one.origin != "built in"]]


def _checked(plugins: Plugins, report: PluginReport) -> PluginReport:
    if report.problem:
        return report
    try:
        component = _load(plugins, report)
        report = replace(report, kind=component.kind, api=_version(component.api))
        _expect_methods(component)
        return replace(report, checked=_tried(component))
    except (LogwatchError, AssertionError) as error:
        return replace(report, problem=str(error))
    except Exception as error:  # noqa: BLE001  # third-party code may fail in any way
        return replace(report, problem=f"{type(error).__name__}: {error}")


def _load(plugins: Plugins, report: PluginReport) -> Component:
    if report.origin != "built in" and (report.kind, report.name) in BUILT_IN:
        raise ConfigError(f'{report.origin} declares the {report.kind} "{report.name}", which is built in')
    if report.origin.endswith(".py") and (report.kind, report.name) not in declared():
        file = Path(report.origin)
        plugins = Plugins(file.parent)
        if file.stem != report.name.replace("-", "_"):
            raise ConfigError(
                f'{file} declares "{report.name}", and would not be found by that name', f"call it {report.name}.py"
            )
    if report.kind == "?":
        return _loaded_by_name(plugins, report.name)
    kind: Any = report.kind
    return plugins.find(kind, report.name)


def _loaded_by_name(plugins: Plugins, name: str) -> Component:
    """Where the text does not say the kind: the first that is found."""
    errors: list[ConfigError] = []
    for kind in PROTOCOLS:
        try:
            return plugins.find(kind, name)
        except ConfigError as error:
            errors.append(error)
    raise errors[0]


def _expect_methods(component: Component) -> None:
    wanted = PROTOCOLS[component.kind]
    names = [name for name in vars(wanted) if not name.startswith("_")] + list(getattr(wanted, "__annotations__", ()))
    missing = [name for name in dict.fromkeys(names) if not hasattr(component.build, name)]
    if missing:
        raise ConfigError(f'{component.kind} "{component.name}" lacks {", ".join(missing)}')


def _tried(component: Component) -> str:
    """Run the conformance suite where that is possible, and say what was done."""
    try:
        component.config()
    except ValidationError as error:
        needed = ", ".join(str(one["loc"][0]) for one in error.errors())
        return f"loads; its own tests must try it: it needs {needed}"
    if component.kind not in PURE:
        return "loads; its own tests must try it: it touches what is outside"
    importlib.import_module("logwatch.testing").conforms(component.build)
    return "conforms"

"""Finds the component that a configuration names, checks its version, and resolves its table into its own config."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pydantic import ValidationError

from logwatch.api import API_VERSION, Component, Kind, PluginConfig, declared
from logwatch.config import (
    ConfigProblems,
    DetectorTable,
    Loaded,
    Problem,
    SinkTable,
    SourceTable,
    Table,
    dotted,
    load,
    problems_of,
    unknown,
)
from logwatch.config.lines import Path
from logwatch.config.problems import Locate, field_names
from logwatch.errors import ConfigError
from logwatch.plugins import dropin
from logwatch.plugins.builtin import BUILT_IN, CONFIG

if TYPE_CHECKING:
    from logwatch.plugins.guard import OnTrip

GROUP = "logwatch.plugins"
"""Entry-point group; the entry point's name is the component's."""


@dataclass(frozen=True, slots=True)
class Part:
    """A component that the configuration asks for."""

    kind: Kind
    name: str  # of the component
    id: str  # unique among its kind: names the cursors of a source or a sink
    table: Table
    path: Path = ()  # of its table in the configuration


@dataclass(frozen=True, slots=True)
class Checked:
    """A part and its config, found right; its component need not be loaded."""

    part: Part
    config: PluginConfig


@dataclass(frozen=True, slots=True)
class Resolved(Checked):
    """A component with its checked config: all that can be known without opening anything."""

    component: Component

    def build(self, *, on_trip: OnTrip | None = None, **extras: Any) -> Any:
        """The component itself; one that is not built in is guarded.

        Args:
            on_trip: called when a guarded component keeps failing and is switched off.
            extras: what the pipeline offers (clock, key table …); the constructor gets those that it names.
        """
        thing = self.component.build(self.config, **_accepted(self.component, extras))
        if is_builtin(self.component):
            return thing
        from logwatch.plugins.guarded import guarded  # needs numpy

        return guarded(self.component, thing, on_trip)


P = TypeVar("P", bound=Checked)
T = TypeVar("T")


def _accepted(component: Component, extras: Mapping[str, Any]) -> dict[str, Any]:
    parameters = inspect.signature(component.build).parameters
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        return dict(extras)
    return {name: value for name, value in extras.items() if name in parameters}


def _untouched(part: Part) -> bool:
    return part.kind == "detector" and not part.table.options and (part.kind, part.name) in BUILT_IN


def is_builtin(component: Component) -> bool:
    """Whether it ships with logwatchd."""
    return BUILT_IN.get((component.kind, component.name)) == component.build.__module__


INHERITED = ("learning", "learn_cap", "seed", "warmup", "rule")
"""Top-level settings that are the defaults of keys of the same name in components' own configs."""


def parts(loaded: Loaded) -> list[Part]:
    """Every component that the configuration asks for; built-in detectors unless they are switched off."""
    settings = loaded.settings
    out = [*_sources(settings.source), *_sinks(settings.sink)]
    tables = {name: DetectorTable() for kind, name in BUILT_IN if kind == "detector"} | dict(settings.detectors)
    if not settings.rule:
        del tables["rule"]  # nothing to look for
    out += [Part("detector", name, name, table, ("detectors", name)) for name, table in tables.items() if table.enabled]
    named = {table.decoder: Table() for table in settings.source if table.decoder} | dict(settings.decoders)
    out += [Part("decoder", name, name, table, ("decoders", name)) for name, table in named.items()]
    hooks = ((name, table) for name, table in settings.hooks.items() if table.enabled)
    out += [Part("hook", name, name, table, ("hooks", name)) for name, table in hooks]
    risks = ((name, table) for name, table in settings.risk.items() if table.enabled)
    return out + [Part("risk", name, name, table, ("risk", name)) for name, table in risks]


def _sources(tables: Sequence[SourceTable]) -> Iterator[Part]:
    seen: dict[str, int] = {}
    for index, table in enumerate(tables):
        base = table.name or table.kind
        seen[base] = seen.get(base, 0) + 1
        name = base if seen[base] == 1 else f"{base}#{seen[base]}"
        yield Part("source", table.kind, name, table, ("source", index))


def _sinks(tables: Sequence[SinkTable]) -> Iterator[Part]:
    for index, table in enumerate(tables):
        yield Part("sink", table.kind, table.name or table.kind, table, ("sink", index))


def _ambiguous_sinks(loaded: Loaded) -> Iterator[Problem]:
    """A sink's progress is kept under its name: two of one name would skip each other's alerts."""
    seen: dict[str, Path] = {}
    for part in _sinks(loaded.settings.sink):
        path = (*part.path, "name")
        if part.id in seen:
            message = f'{dotted(seen[part.id])} is called "{part.id}" too: give one of them another `name`'
            yield Problem(loaded.locate(path), dotted(path), message, path)
        seen.setdefault(part.id, part.path)


@dataclass
class Plugins:
    """The loader.

    Args:
        folder: `plugins_dir`, or None.
    """

    folder: FilePath | None = None
    left_out: list[Problem] = field(default_factory=list)
    """Optional components that could not be loaded."""

    def names(self, kind: Kind) -> list[str]:
        """Names that can be written in a configuration; nothing is imported."""
        known = {name for of, name in (*BUILT_IN, *declared()) if of == kind}
        known.update(entry.name for entry in entry_points(group=GROUP))
        known.update(dropin.names_in(self.folder) if self.folder else ())
        return sorted(known)

    def find(self, kind: Kind, name: str) -> Component:
        """The component of a name: built in, else a drop-in file, else an installed plugin.

        Raises:
            ConfigError: there is none, it does not load, or it was written for another API.
        """
        component = declared().get((kind, name)) or self._import(kind, name)
        if (kind, name) in BUILT_IN and not is_builtin(component):
            raise ConfigError(f'{component.build.__module__} declares the {kind} "{name}", which is built in')
        major, minor = component.api
        if major != API_VERSION[0] or minor > API_VERSION[1]:
            ours = ".".join(map(str, API_VERSION))
            raise ConfigError(
                f'{kind} "{name}" was written for plugin API {major}.{minor}; this logwatchd has {ours}',
                "Install a version of the plugin, or of logwatchd, that fits.",
            )
        return component

    def _import(self, kind: Kind, name: str) -> Component:
        place = self._place(kind, name)
        if place is None:
            raise ConfigError(unknown(kind, name, self.names(kind)))
        component = declared().get((kind, name))
        if component is None:
            raise ConfigError(f'{kind} "{name}": {place} was loaded, but declares no such {kind}')
        return component

    def _place(self, kind: Kind, name: str) -> str | None:
        """Import what declares a component, and say what that was."""
        if module := BUILT_IN.get((kind, name)):
            importlib.import_module(module)
            return module
        try:
            if self.folder and (file := dropin.file_of(self.folder, name)):
                dropin.run(file)
                return str(file)
            for entry in entry_points(group=GROUP, name=name):
                entry.load()
                return entry.value
        except ConfigError:
            raise
        except Exception as error:  # third-party code may fail in any way at its import
            reason = f"{type(error).__name__}: {error}"
            raise ConfigError(f'{kind} "{name}" cannot be loaded: {reason}', _hint(error)) from error
        return None

    def resolve(
        self, part: Part, locate: Locate = lambda path: "", inherited: Mapping[str, Any] | None = None
    ) -> Resolved | None:
        """A part with its component and its checked config; None for an optional one that cannot be loaded.

        Args:
            part: what is asked for.
            locate: says where the value at a path was given.
            inherited: values of `INHERITED` settings, for keys that the part does not give itself.

        Raises:
            ConfigProblems: every error of its table, with the nearest valid key.
        """
        component = self._found(self.find, part, locate)
        if component is None:
            return None
        return Resolved(part, _config(component.config, part, locate, inherited or {}), component)

    def check(
        self, part: Part, locate: Locate = lambda path: "", inherited: Mapping[str, Any] | None = None
    ) -> Checked | None:
        """As `resolve`, but a built-in component is not loaded: numpy, torch and the like would take seconds."""
        model = self._found(self._model, part, locate)
        return None if model is None else Checked(part, _config(model, part, locate, inherited or {}))

    def _model(self, kind: Kind, name: str) -> type[PluginConfig]:
        if place := CONFIG.get((kind, name)):
            module, _, model = place.partition(":")
            found: type[PluginConfig] = getattr(importlib.import_module(module), model)
            return found
        return self.find(kind, name).config

    def _found(self, find: Callable[[Kind, str], T], part: Part, locate: Locate) -> T | None:
        """What `find` says of the part; None where that fails and the part is optional."""
        try:
            return find(part.kind, part.name)
        except ConfigError as error:
            key = (*part.path, "kind") if part.path and part.kind in ("source", "sink") else part.path
            problem = Problem(locate(key), dotted(key), str(error), key)
            if not part.table.optional:
                raise ConfigProblems([problem]) from error
            self.left_out.append(problem)
            return None

    def resolve_all(self, loaded: Loaded) -> list[Resolved]:
        """All parts of a configuration. Raises ConfigProblems: every error of every part."""
        return _all(self.resolve, parts(loaded), loaded)

    def check_all(self, loaded: Loaded) -> list[Checked]:
        """As `resolve_all`, by `check`; only what somebody wrote something about: the others' defaults are right."""
        return _all(self.check, [part for part in parts(loaded) if not _untouched(part)], loaded)

    def build(self, kind: Kind, table: SourceTable | SinkTable, *, on_trip: OnTrip | None = None, **extras: Any) -> Any:
        """Resolve and build one component from a table that no file holds. Raises ConfigError."""
        resolved = self.resolve(Part(kind, table.kind, table.name or table.kind, table))
        return resolved.build(on_trip=on_trip, **extras) if resolved else None


def _config(model: type[PluginConfig], part: Part, locate: Locate, inherited: Mapping[str, Any]) -> PluginConfig:
    """A part's table as its component's own config. Raises ConfigProblems."""
    options = {key: value for key, value in inherited.items() if key in model.model_fields} | part.table.options
    try:
        return model(**options)
    except ValidationError as error:
        generic = field_names(type(part.table))
        raise ConfigProblems(problems_of(error, model, options, locate, part.path, generic)) from error


def _all(one: Callable[[Part, Locate, Mapping[str, Any]], P | None], wanted: Iterable[Part], loaded: Loaded) -> list[P]:
    """What `one` says of each part that is wanted. Raises ConfigProblems: every error of every part."""
    inherited = {key: getattr(loaded.settings, key) for key in INHERITED}
    found: list[P | None] = []
    problems = [*_ambiguous_sinks(loaded)]
    for part in wanted:
        try:
            found.append(one(part, loaded.locate, inherited))
        except ConfigProblems as error:
            problems += error.problems
    if problems:
        raise ConfigProblems(problems)
    return [part for part in found if part is not None]


def _hint(error: Exception) -> str:
    if isinstance(error, ModuleNotFoundError) and error.name:
        return f"Install {error.name} for {sys.executable}, or set optional = true to go on without."
    return "Set optional = true to go on without it."


@dataclass(frozen=True, slots=True)
class Configured(Generic[P]):
    """A whole configuration, all of it checked, nothing of it opened."""

    loaded: Loaded
    resolved: tuple[P, ...]
    left_out: tuple[Problem, ...]  # optional components that cannot be loaded


def configure(
    file: FilePath | None = None,
    environ: Mapping[str, str] | None = None,
    flags: Mapping[str, tuple[str, Any]] | None = None,
) -> Configured[Resolved]:
    """Settings and components of a configuration; arguments as of `logwatch.config.load`.

    Raises:
        ConfigProblems: everything that is wrong with any of them, at once.
    """
    return _configured(Plugins.resolve_all, file, environ, flags)


def check(file: FilePath | None = None, environ: Mapping[str, str] | None = None) -> Configured[Checked]:
    """As `configure`, by `Plugins.check_all`: as little is imported as can tell whether the configuration is right."""
    return _configured(Plugins.check_all, file, environ, None)


def _configured(
    all_of: Callable[[Plugins, Loaded], list[P]],
    file: FilePath | None,
    environ: Mapping[str, str] | None,
    flags: Mapping[str, tuple[str, Any]] | None,
) -> Configured[P]:
    problems: list[Problem] = []
    loaded: Loaded | None
    try:
        loaded = load(file, environ, flags)
    except ConfigProblems as error:
        problems += error.problems
        loaded = error.rest
    plugins = Plugins(loaded.settings.plugins_dir if loaded else None)
    resolved: list[P] = []
    try:
        resolved = all_of(plugins, loaded) if loaded else []
    except ConfigProblems as error:
        problems += error.problems
    if problems or loaded is None:
        raise ConfigProblems(problems)
    return Configured(loaded, tuple(resolved), tuple(plugins.left_out))

"""Errors of the configuration, every one at once: where, which key, what is wrong, and the nearest valid name."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from logwatch.config.lines import Path
from logwatch.errors import ConfigError

if TYPE_CHECKING:
    from logwatch.config.layers import Loaded

Locate = Callable[[Path], str]
"""Says where the value at a path was given: `logwatchd.toml:12`."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong."""

    where: str  # file:line[:column], "environment LOGWATCHD_X", or a flag; may be empty
    key: str  # dotted path of the key; may be empty
    message: str
    path: Path = ()

    def __str__(self) -> str:
        return ": ".join(part for part in (self.where, self.key, self.message) if part)


class ConfigProblems(ConfigError):
    """All that is wrong with a configuration.

    Args:
        problems: at least one.
        rest: the configuration without what is wrong in it, so that the rest can be checked too; None where nothing
            can be said about it.
    """

    def __init__(self, problems: Iterable[Problem], rest: Loaded | None = None) -> None:
        self.problems = tuple(sorted(problems, key=_reading_order))
        super().__init__("\n".join(map(str, self.problems)))
        self.rest = rest


def _reading_order(problem: Problem) -> tuple[str, int]:
    """Problems of a file by their line."""
    file, _, line = problem.where.rpartition(":")
    return (file, int(line)) if line.isdigit() else (problem.where, 0)


def dotted(path: Iterable[str | int]) -> str:
    """`("source", 0, "paths")` → `source[0].paths`."""
    out = ""
    for part in path:
        out += f"[{part}]" if isinstance(part, int) else f".{part}" if out else part
    return out


def suggestion(name: str, valid: Iterable[str]) -> str:
    """A half sentence that names the nearest valid name, or all of them where there are few."""
    names = sorted(valid)
    near = difflib.get_close_matches(name.lower(), names, n=1, cutoff=0.5)
    if near:
        return f'did you mean "{near[0]}"?'
    return f"known: {', '.join(names)}" if 0 < len(names) <= 24 else ""


def unknown(what: str, name: str, valid: Iterable[str]) -> str:
    """`unknown key "kep"; did you mean "keep"?`"""
    return "; ".join(part for part in (f'unknown {what} "{name}"', suggestion(name, valid)) if part)


def problems_of(
    error: ValidationError,
    model: type[BaseModel],
    data: Mapping[str, Any],
    locate: Locate,
    prefix: Path = (),
    also: Iterable[str] = (),
) -> list[Problem]:
    """Each error of a validation as a Problem.

    Args:
        error: what pydantic raised.
        model: the model that was validated.
        data: what was validated.
        locate: where the value at a path was given.
        prefix: path of `data` in the whole configuration.
        also: keys that are valid beside the model's own, to be suggested too.
    """
    found: dict[Path, Problem] = {}
    for item in error.errors(include_url=False):
        path = _path(item, data)
        whole = (*prefix, *path)
        names = {*field_names(_annotation(model, path[:-1])), *(also if len(path) == 1 else ())}
        found.setdefault(whole, Problem(locate(whole), dotted(whole), _message(item, path, names), whole))
    return list(found.values())


def field_names(model: Any) -> set[str]:
    """Names of a model's keys as they are written; nothing for what is no model."""
    return {field.alias or name for name, field in model.model_fields.items()} if _is_model(model) else set()


def _path(item: Mapping[str, Any], data: Any) -> Path:
    """The part of an error's location that the user wrote: the names of validators and unions stand in it too."""
    path: Path = item["loc"]
    for length, part in enumerate(path):
        inside = isinstance(data, list | tuple) if isinstance(part, int) else isinstance(data, Mapping) and part in data
        if not inside:
            return path[: length + 1] if item["type"] == "missing" else path[:length]
        data = data[part]
    return path


def _message(item: Mapping[str, Any], path: Path, names: set[str]) -> str:
    kind = item["type"]
    if kind == "extra_forbidden":
        return unknown("key", str(path[-1]), names)
    if kind == "missing":
        return "missing: it has no default"
    if kind == "tuple_type":
        return "must be a list"
    if kind == "value_error":
        return str(item["ctx"]["error"])
    message: str = item["msg"]
    return message.replace("Input should be", "must be")


def _annotation(annotation: Any, path: Path) -> Any:
    """The type of the value at a path of a model."""
    for part in path:
        annotation = _bare(annotation)
        if _is_model(annotation):
            field = annotation.model_fields.get(part)
            annotation = field.annotation if field else None
        else:
            arguments = [argument for argument in get_args(annotation) if argument is not Ellipsis]
            annotation = (arguments or [None])[-1]  # list[M], tuple[M, ...], dict[str, M]
    return _bare(annotation)


def _bare(annotation: Any) -> Any:
    """`M` of `M | None`."""
    if get_origin(annotation) in (Union, UnionType):
        return next((argument for argument in get_args(annotation) if argument is not NoneType), None)
    return annotation


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)

"""What a module declares, read from its text: nothing of it is run."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib.machinery import PathFinder
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, NamedTuple


class Declaration(NamedTuple):
    """A class with `@plugin`; what is not written as a literal is None."""

    kind: str | None
    name: str | None
    api: tuple[int, ...] | None


def declarations(file: Path) -> list[Declaration]:
    """What a file declares; empty where it cannot be read, or is no Python."""
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    return [found for node in ast.walk(tree) if isinstance(node, ast.ClassDef) for found in _of(node)]


def _of(node: ast.ClassDef) -> Iterator[Declaration]:
    for call in node.decorator_list:
        if isinstance(call, ast.Call) and ast.unparse(call.func).rpartition(".")[2] == "plugin":
            given = {keyword.arg: _literal(keyword.value) for keyword in call.keywords}
            api = given.get("api")
            yield Declaration(given.get("kind"), given.get("name"), api if isinstance(api, tuple) else None)


def _literal(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except ValueError:
        return None


def file_of_entry(entry: EntryPoint) -> Path | None:
    """The file of an installed plugin's module; its packages are not imported. None where it has none."""
    path: Any = None
    spec = None
    name = ""
    for part in entry.module.split("."):
        name = f"{name}.{part}" if name else part
        spec = PathFinder.find_spec(name, path)
        if spec is None:
            return None
        path = spec.submodule_search_locations
    return Path(spec.origin) if spec is not None and spec.origin else None

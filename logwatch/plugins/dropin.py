"""Drop-in plugins: `plugins_dir/NAME.py` declares the component NAME. Only files that nobody else can write are run."""

from __future__ import annotations

import importlib.util
import os
import stat
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType

from logwatch.errors import ConfigError


def file_of(folder: Path, name: str) -> Path | None:
    """The drop-in file for a component's name, where there is one."""
    file = folder / f"{name.replace('-', '_')}.py"
    return file if file.is_file() else None


def names_in(folder: Path) -> list[str]:
    """Names that the drop-in files of a directory offer; nothing is run."""
    try:
        return sorted(file.stem for file in folder.glob("*.py") if not file.name.startswith("_"))
    except OSError:
        return []


def check_private(file: Path) -> None:
    """Refuse a file that somebody else could have written: itself, or any directory on its way.

    Raises:
        ConfigError: who owns it or which mode is wrong, and the command that mends it.
    """
    real = file.resolve()
    for path in (real, *real.parents):
        status = path.stat()
        if status.st_uid not in (0, os.geteuid()):
            raise ConfigError(
                f"plugin {file}: {path} belongs to user {status.st_uid}, who could put any code into it",
                f"chown root {path}",
            )
        shared = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
        # In a sticky directory (/tmp) others can add files but not replace ours; at the plugin's own level that is
        # enough to plant one.
        if shared and not (status.st_mode & stat.S_ISVTX and path not in (real, real.parent)):
            raise ConfigError(
                f"plugin {file}: others can write {path} (mode {stat.S_IMODE(status.st_mode):04o})",
                f"chmod go-w {path}",
            )


class _Fresh(SourceFileLoader):
    """Compiles from source every time: a `.pyc` beside the file has not been checked."""

    def get_code(self, fullname: str) -> CodeType:
        code: CodeType = self.source_to_code(self.get_data(self.path), self.path)
        return code


def run(file: Path) -> None:
    """Import a drop-in file, so that it declares its component. Raises what the file raises."""
    check_private(file)
    name = f"logwatch_dropin_{file.stem}"
    spec = importlib.util.spec_from_loader(name, _Fresh(name, str(file.resolve())))
    if spec is None or spec.loader is None:
        raise ConfigError(f"plugin {file}: cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pydantic look their module up
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise

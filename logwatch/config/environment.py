"""Settings in the environment, read as pydantic-settings reads them; imported (0.1 s) only where there are some."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic_settings import BaseSettings, EnvSettingsSource, NoDecode, SettingsConfigDict, SettingsError

from logwatch.config.settings import Settings
from logwatch.config.values import Budget, Rate

__all__ = ["SettingsError", "values"]


class _Variables(Settings, BaseSettings):
    """The settings, with how they are named and written in the environment. Never built."""

    model_config = SettingsConfigDict(env_prefix="LOGWATCHD_", env_nested_delimiter="__")

    budget: Annotated[Budget, NoDecode]  # as it is, not as JSON
    max_incidents: Annotated[Rate, NoDecode]


class _Environment(EnvSettingsSource):
    """pydantic's own reading of the environment, over a mapping that is handed in."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = {name.lower(): value for name, value in environ.items()}
        super().__init__(_Variables)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return dict(self._environ)


def values(environ: Mapping[str, str]) -> dict[str, Any]:
    """Settings that the variables give, unchecked. Raises SettingsError where JSON was expected and is not there."""
    return _Environment(environ)()

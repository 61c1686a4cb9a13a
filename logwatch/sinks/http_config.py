"""Settings of every sink that speaks HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from logwatch.api import PluginConfig
from logwatch.config.login import Login
from logwatch.config.sinks_secret import PrivateFile
from logwatch.config.values import Duration


def _check_readable(path: Path) -> Path:
    path = path.expanduser()
    try:
        path.open("rb").close()
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {(error.strerror or str(error)).lower()}") from None
    return path


Readable = Annotated[Path, AfterValidator(_check_readable)]


class HttpConfig(PluginConfig, Login):
    """How to reach a server, and how to log in; its files must be there at the start."""

    timeout: Duration = Field(10.0, gt=0, le=300)
    """How long one request may take, from the connection to the end of the answer."""

    token_file: PrivateFile | None = None
    tls_ca: Readable | None = None
    tls_cert: Readable | None = None
    tls_key: PrivateFile | None = None

    proxy: bool = False
    """Go through the proxy that the environment names (`https_proxy`, `no_proxy`)."""

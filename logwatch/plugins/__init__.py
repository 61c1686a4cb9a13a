"""Finding, checking and guarding components: built-ins, drop-in files and installed plugins alike."""

from logwatch.plugins.builtin import BUILT_IN, CONFIG
from logwatch.plugins.loader import (
    GROUP,
    INHERITED,
    Checked,
    Configured,
    Part,
    Plugins,
    Resolved,
    check,
    configure,
    is_builtin,
    parts,
)

__all__ = [
    "BUILT_IN",
    "CONFIG",
    "GROUP",
    "INHERITED",
    "Checked",
    "Configured",
    "Part",
    "Plugins",
    "Resolved",
    "check",
    "configure",
    "is_builtin",
    "parts",
]

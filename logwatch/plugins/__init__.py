"""Finding, checking and guarding components: built-ins, drop-in files and installed plugins alike."""

from logwatch.plugins.builtin import BUILT_IN
from logwatch.plugins.guard import Guard, OnTrip, PluginOff, guarded
from logwatch.plugins.loader import GROUP, INHERITED, Configured, Part, Plugins, Resolved, configure, is_builtin, parts

__all__ = [
    "BUILT_IN",
    "GROUP",
    "INHERITED",
    "Configured",
    "Guard",
    "OnTrip",
    "Part",
    "PluginOff",
    "Plugins",
    "Resolved",
    "configure",
    "guarded",
    "is_builtin",
    "parts",
]

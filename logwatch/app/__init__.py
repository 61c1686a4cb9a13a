"""What each verb of the command line does, from a checked request to a report. One module a verb or two."""

from logwatch.app.demo import demo
from logwatch.app.follow import run, tail
from logwatch.app.heatmaps import heatmap
from logwatch.app.history import score
from logwatch.app.mining import judged_templates, templates
from logwatch.app.plugins import check_plugins, list_plugins
from logwatch.app.plugins_new import new
from logwatch.app.risk import risk
from logwatch.app.rules import rule_problems, ruled_lines
from logwatch.app.status import status
from logwatch.app.training import train_risk

__all__ = [
    "check_plugins",
    "demo",
    "heatmap",
    "judged_templates",
    "list_plugins",
    "new",
    "risk",
    "rule_problems",
    "ruled_lines",
    "run",
    "score",
    "status",
    "tail",
    "templates",
    "train_risk",
]

"""What each verb of the command line does, from a checked request to a report. One module a verb or two."""

from logwatch.app.backtest import backtest
from logwatch.app.demo import demo
from logwatch.app.desk import asked
from logwatch.app.follow import run, tail
from logwatch.app.heatmaps import heatmap
from logwatch.app.history import score
from logwatch.app.mining import judged_templates, templates
from logwatch.app.models import asked_model, export_model, import_model
from logwatch.app.plugins import check_plugins, list_plugins
from logwatch.app.plugins_new import new
from logwatch.app.risk import risk
from logwatch.app.risk_asked import risk_asked
from logwatch.app.rules import rule_problems, ruled_lines
from logwatch.app.status import status
from logwatch.app.training import train_risk
from logwatch.app.training_logs import train_logs

__all__ = [
    "asked",
    "asked_model",
    "backtest",
    "check_plugins",
    "demo",
    "export_model",
    "heatmap",
    "import_model",
    "judged_templates",
    "list_plugins",
    "new",
    "risk",
    "risk_asked",
    "rule_problems",
    "ruled_lines",
    "run",
    "score",
    "status",
    "tail",
    "templates",
    "train_logs",
    "train_risk",
]

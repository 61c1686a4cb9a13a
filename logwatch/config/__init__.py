"""Configuration: value types, settings, the raw tables of components, and where each value comes from."""

from logwatch.config.layers import Loaded, load
from logwatch.config.problems import ConfigProblems, Problem, dotted, problems_of, suggestion, unknown
from logwatch.config.rules import TemplateRule
from logwatch.config.settings import (
    REDACTIONS,
    DetectorTable,
    Heatmap,
    History,
    RiskTable,
    Settings,
    SinkTable,
    SourceTable,
    Table,
)
from logwatch.config.values import (
    Budget,
    Duration,
    Pattern,
    Rate,
    Size,
    check_pattern,
    format_duration,
    format_size,
    parse_duration,
    parse_size,
)

__all__ = [
    "REDACTIONS",
    "Budget",
    "ConfigProblems",
    "DetectorTable",
    "Duration",
    "Heatmap",
    "History",
    "Loaded",
    "Pattern",
    "Problem",
    "Rate",
    "RiskTable",
    "Settings",
    "SinkTable",
    "Size",
    "SourceTable",
    "Table",
    "TemplateRule",
    "check_pattern",
    "dotted",
    "format_duration",
    "format_size",
    "load",
    "parse_duration",
    "parse_size",
    "problems_of",
    "suggestion",
    "unknown",
]

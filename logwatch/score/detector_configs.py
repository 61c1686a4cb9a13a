"""Settings of the built-in detectors, apart from them: a configuration is checked without numpy or torch."""

from __future__ import annotations

from typing import Literal

from logwatch.api import PluginConfig
from logwatch.config.alert_rules import AlertRules
from logwatch.config.values import Duration


class RuleConfig(PluginConfig):
    """Settings of `rule`: the `[[rule]]` tables."""

    rule: AlertRules = ()


class NewConfig(PluginConfig):
    """Settings of `new`."""

    forget: int = 1_000_000
    """Events of the source after which an unseen template is news again."""
    forget_after: Duration = 30 * 86_400.0
    """The same in a source's own time, to within four days; 0: never."""
    memory: int = 20_000
    """Events over which a source's rate of new templates is averaged."""
    limit: int = 1 << 20
    """(source, template) pairs remembered: 100 templates for each of 10,000 sources."""


class RareConfig(PluginConfig):
    """Settings of `rare`."""

    memory: float = 10_000.0
    """Visits (blocks) over which shares age; 1,000 cost 0.2 of F1 on HDFS."""
    visit_gap: int = 3600 * 10**9
    """Silence after which a key's next event begins a new visit, ns."""
    limit: int = 1 << 20
    """(source, template) shares kept."""


class MarkovConfig(PluginConfig):
    """Settings of `markov`."""

    memory: float = 10_000.0
    """Observations of a context over which its counts age: per context, so that a rare one is not aged by the rest."""
    strength: float = 1.0
    """Weight of the shorter context, in observations."""
    limit: int = 1 << 17
    """Counts kept, over all contexts."""


class GapConfig(PluginConfig):
    """Settings of `gap`."""

    least: int = 32
    """Gaps of a (source, template) before there is an opinion."""
    most: int = 4096
    """Gaps at which a histogram is halved: its ageing."""
    limit: int = 1 << 16
    """Histograms kept (64 bytes each)."""


class LstmConfig(PluginConfig):
    """Settings of the log LSTM, and of the metric LSTM."""

    learning: Literal["online", "frozen"] = "online"
    learn_cap: float = 500.0  # segments of up to 24 events, and of 32 points, learned per second of event time
    seed: int = 0


class ValuesConfig(PluginConfig):
    """Settings of `values`."""

    memory: float = 10_000.0
    """Values of a field over which shares and distributions age."""
    per_source: int = 64
    """Fields of a source that are looked at: the first ones."""
    places_per_source: int = 128
    """Places in the lines of a source that are looked at: the first ones."""
    limit: int = 1 << 14
    """(source, field) pairs kept (1.2 kB each, and 0.8 kB where they are numbers), and as many (source, place)."""

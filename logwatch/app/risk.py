"""`risk`: the gate. A window of metrics, and what the risk plugin says of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from logwatch.api import Risk
from logwatch.app.heatmaps import heatmap
from logwatch.clock import SystemClock
from logwatch.config import Table
from logwatch.decide.alerts import duration
from logwatch.errors import ConfigError, DataError
from logwatch.heatmap.ticks import moment
from logwatch.plugins.loader import Part, Plugins
from logwatch.requests import RiskRequest, Ui
from logwatch.types import MetricWindow


@dataclass(frozen=True, slots=True)
class Assessed:
    """A window and its risk."""

    window: MetricWindow
    risk: Risk


def risk(request: RiskRequest, ui: Ui) -> Assessed:
    """The risk at the end of a window; there is always one, or an error.

    Raises:
        NoInputError, UsageError: as of `heatmap`.
        DataError: no metrics, too few or too old; weights that cannot be used.
    """
    assessor = _assessor(request)
    window = heatmap(request.heatmap, ui)
    age = (SystemClock().now() - window.end) / 1e9
    if request.oldest is not None and age > request.oldest:
        raise DataError(
            f"too old: the newest metrics of {window.source!r} are of {moment(window.end)} UTC",
            f"{duration(age)} ago; --at asks for a time of the past, --max-age allows for more",
        )
    found = assessor.assess(window)
    if found is None:
        raise DataError(f"too few samples of {window.source!r}: a tenth of the window or more was not measured")
    return Assessed(window, found)


def _assessor(request: RiskRequest) -> Any:
    options: dict[str, Any] = {"model": request.model}
    if request.weights is not None:
        options["weights"] = request.weights
    plugins = Plugins(request.heatmap.config.settings.plugins_dir)
    try:
        resolved = plugins.resolve(Part("risk", "cnn", "cnn", Table(**options)))
        if resolved is None:
            raise ConfigError("the risk plugin cannot be loaded")
        return resolved.component.build(resolved.config)  # not guarded: a gate must not go on without an answer
    except OSError as error:
        raise DataError(f"{request.weights}: {(error.strerror or str(error)).lower()}") from error
    except ValueError as error:
        raise DataError(str(error), "`logwatchd train risk` writes weights") from error

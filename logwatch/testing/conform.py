"""The conformance suite in one line, for a component of any kind."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from logwatch.api import API_VERSION, Component, declared
from logwatch.score.keys import KeyTable
from logwatch.testing.decoder_checks import check_decoder
from logwatch.testing.detector_checks import DetectorRig, check_detector
from logwatch.testing.errors import expect
from logwatch.testing.fakes import ManualClock
from logwatch.testing.hook_checks import check_hook
from logwatch.testing.risk_checks import check_risk
from logwatch.testing.sink_checks import check_sink
from logwatch.testing.source_checks import check_source
from logwatch.types import Bool, Int32, Stream


def conforms(component: type, lines: Mapping[Stream, Sequence[bytes]] | Sequence[bytes] = (), **options: Any) -> None:
    """Hold a component against everything that its kind must keep.

    Args:
        component: the class, declared with `@plugin`.
        lines: decoder: lines of its own format; source: what it should deliver, with these options, to its end.
        options: as in the configuration.

    Raises:
        NotConforming: which rule it breaks.
        pydantic.ValidationError: the options are not those of its config.
    """
    found = next((one for one in declared().values() if one.build is component), None)
    if found is None:
        expect(False, f"{component.__name__} is not declared: put @plugin(kind=…, name=…, api=…) before its class")
        return
    expect(found.api[0] == API_VERSION[0] and found.api <= API_VERSION, f"API {found.api}, this is {API_VERSION}")
    config = found.config(**options)
    expect(found.config(**config.model_dump()) == config, "its config does not come back from what it dumps")

    def make(**extras: Any) -> Any:
        return component(config, **_named(component, {"clock": ManualClock(), **extras}))

    if found.kind == "detector":
        check_detector(lambda: _rig(found, make))
    elif found.kind == "decoder":
        check_decoder(make, list(lines) if not isinstance(lines, Mapping) else [])
    elif found.kind == "source":
        check_source(make, lines)
    elif found.kind == "sink":
        check_sink(make)
    elif found.kind == "hook":
        check_hook(make)
    else:
        check_risk(make)


def _named(component: type, extras: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the extras that the constructor names, as the loader gives them."""
    parameters = inspect.signature(component).parameters
    return {name: value for name, value in extras.items() if name in parameters}


def _rig(component: Component, make: Any) -> DetectorRig:
    fields = getattr(component.build, "FIELDS", None)
    keys = KeyTable(fields.dtype if fields else (), capacity=10_000)
    detector = make(keys=keys, table=keys, has_entities=_has_entities, text_of=lambda number: f"template {number}")
    expect(detector.name == component.name, f"its `name` is {detector.name!r}, declared is {component.name!r}")
    return DetectorRig(detector, keys)


def _has_entities(sources: Int32) -> Bool:
    entities: Bool = np.asarray(sources) == 1  # as in `sample_steps`
    return entities

"""The order of the stages, and the order of a commit. No other file knows either.

Stages, for each sub-batch (which never crosses a chunk's end):

    records → parse → keys → detectors → units → judge → incidents → alerts

At a chunk's end, and only there, everything learns: detectors, units, calibration; keys are evicted. The chunk's
length is a function of the number of events, so that results depend neither on batching nor on wall time.

Commit order:

    1. collect the cells that changed in every stage, beside those of a commit that failed
    2. the cursors of the sources, as of the last record that was processed whole
    3. one transaction: cells, cursors, new alerts, the sinks' progress
    4. only then: alerts are offered to the sinks
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from logwatch.api import Clock, Detector
from logwatch.checkpoint.store import Cell, NewAlert, Store, StoredAlert
from logwatch.chunks import Pending, chunk_end
from logwatch.decide.incidents import Incidents
from logwatch.evidence import Context
from logwatch.parse.parser import Parser
from logwatch.parse.template import TemplateMiner
from logwatch.score.calibration import Judge, Judged
from logwatch.score.keys import KeyTable
from logwatch.score.registry import Registry
from logwatch.score.units import Units
from logwatch.sinks.schema import dumps
from logwatch.types import NO_TIME, Alert, Bool, Cells, EventBatch, Flag, Float32, Int64, RecordBatch, UnitBatch

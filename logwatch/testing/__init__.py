"""The public test kit: fakes of what stands around a component, sample data, and the conformance checks.

The same checks run on the built-ins (`tests/contract`). In a plugin's own tests:

    from logwatch.testing import check_sink

    def test_conforms():
        check_sink(lambda: PagerSink(Config(...)))
"""

from logwatch.testing.decoder_checks import check_decoder
from logwatch.testing.detector_checks import DetectorRig, Keys, check_detector
from logwatch.testing.errors import NotConforming
from logwatch.testing.fakes import ListSink, ListSource, ManualClock
from logwatch.testing.samples import Steps, sample_alert, sample_lines, sample_steps
from logwatch.testing.sink_checks import check_sink
from logwatch.testing.source_checks import check_source

__all__ = [
    "DetectorRig",
    "Keys",
    "ListSink",
    "ListSource",
    "ManualClock",
    "NotConforming",
    "Steps",
    "check_decoder",
    "check_detector",
    "check_sink",
    "check_source",
    "sample_alert",
    "sample_lines",
    "sample_steps",
]

"""The public test kit: fakes of what stands around a component, sample data, and the conformance checks.

The same checks run on the built-ins (`tests/contract`). In a plugin's own tests, one line:

    from logwatch.testing import conforms

    def test_conforms():
        conforms(ForbiddenWords, words=["password"])
"""

from logwatch.testing.conform import conforms
from logwatch.testing.decoder_checks import check_decoder
from logwatch.testing.detector_checks import DetectorRig, Keys, check_detector
from logwatch.testing.errors import NotConforming
from logwatch.testing.fakes import ListSink, ListSource, ManualClock
from logwatch.testing.hook_checks import check_hook
from logwatch.testing.risk_checks import check_risk
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
    "check_hook",
    "check_risk",
    "check_sink",
    "check_source",
    "conforms",
    "sample_alert",
    "sample_lines",
    "sample_steps",
]

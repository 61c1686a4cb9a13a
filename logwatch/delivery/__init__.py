"""From the committed alerts to the sinks: one thread a sink, fed in order, so that a slow sink stalls nobody.

The outbox is the part of the store's alerts that lies behind a sink's cursor. Only committed alerts are fed; a
sink's progress returns to the store with the next commit (`progress`), so that a crash repeats alerts but never
loses one. What a sink refuses for good becomes a dead letter; everything else that fails is tried again.
"""

from logwatch.delivery.feed import FED_AT_ONCE, REFUSED_FILE, Delivery
from logwatch.delivery.outlet import Outlet

__all__ = ["FED_AT_ONCE", "REFUSED_FILE", "Delivery", "Outlet"]

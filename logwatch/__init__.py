"""logwatchd: a streaming log-anomaly daemon with plugins."""

import os

__version__ = "0.1.0"

# Before numpy is imported: its products are small, and each is done in one thread, or the threads wait for each other
# longer than they work (nine times as long on two busy processors).
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

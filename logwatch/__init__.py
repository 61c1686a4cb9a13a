"""logwatchd: a streaming log-anomaly daemon with plugins."""

__version__ = "0.1.0"

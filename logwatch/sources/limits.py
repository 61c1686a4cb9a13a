"""Bounds that the settings of several sources share."""

MAX_LINE_BYTES = 64 * 1024
"""Longest line kept whole; longer ones are stack dumps and binary leaks whose head says what they are."""

"""Metric streams: series, their grids, and what is scored on them."""

"""Heatmaps: windows of metrics → arrays for networks (`image`), and pictures for people (`picture`).

Training and serving, finished files and live streams all go this one way. A window already holds what is known of
each metric's past (`MetricWindow.past`), so an image depends on its window alone, and never on what came later.
"""

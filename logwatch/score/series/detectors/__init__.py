"""Detectors of single series: what each value is worth as news, by the series' own past alone."""

"""Scoring: hidden states, detectors, baselines and calibration."""

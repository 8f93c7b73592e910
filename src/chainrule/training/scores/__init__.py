"""Scores: metrics, what is watched, calibration, baselines."""

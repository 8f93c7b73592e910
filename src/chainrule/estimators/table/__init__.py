"""Estimators that take raw data frames."""

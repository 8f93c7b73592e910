"""Predictions on tables beside the peers': the tables, the methods, the scores, the ranks and the report.

``python -m benchmarks.accuracy`` runs them; docs/accuracy.md says what is measured.
"""

"""Measurements of chainrule beside its peers; not part of the installed package.

``python -m benchmarks.speed`` measures time and memory; docs/benchmarks.md says how.
"""

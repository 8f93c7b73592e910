"""Measurements of chainrule beside its peers; not part of the installed package.

``python -m benchmarks.speed`` measures time and memory, ``python -m benchmarks.accuracy`` predictions; docs/benchmarks.md
and docs/accuracy.md say how.
"""

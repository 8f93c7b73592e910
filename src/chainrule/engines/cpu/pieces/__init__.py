"""Formulas written out as compiled code."""

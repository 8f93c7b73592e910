"""The version, which model files and pages name."""

__version__ = "0.1.0"

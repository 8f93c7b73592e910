"""Lessons that drive the page, questions before answers, and the file for a class."""

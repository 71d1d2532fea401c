"""Checks: look-ahead, dependence on the start, the laws of indicators and of docstrings."""

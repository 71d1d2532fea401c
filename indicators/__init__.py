"""Indicators, one a file; each is found by its class name."""

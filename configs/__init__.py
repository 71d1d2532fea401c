"""Runs as data: YAML read with its positions, checked against every plugin's parameters."""

"""Strategies: a base, rules written in YAML, and one idea a file."""

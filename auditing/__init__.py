"""Auditing: what is wrong with files as they are."""

"""Feeds into the catalog, and out of it."""

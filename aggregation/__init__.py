"""Aggregation: a tape into bars of any kind, with their price rows, in one pass."""

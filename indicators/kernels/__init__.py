"""Compiled parts that several indicators share: windows, profiles, price rows."""

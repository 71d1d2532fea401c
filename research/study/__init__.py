"""A study: points chosen on one part of the data and run on another, counted, and weighed by what chance would do."""

from .run import Studied, study

__all__ = ["Studied", "study"]

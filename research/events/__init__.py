"""Events before strategies: what price did after a condition was true, and whether chance does as much."""

from .moves import Moves, moves_after
from .study import Study, Test, study

__all__ = ["Moves", "Study", "Test", "moves_after", "study"]

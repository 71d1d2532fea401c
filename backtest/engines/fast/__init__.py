"""The fast engine: a genuine Cerebro, broker and orders, in a loop that does no work that cannot matter."""

from .cerebro import FastCerebro
from .choice import make_cerebro, what_ran

__all__ = ["FastCerebro", "make_cerebro", "what_ran"]

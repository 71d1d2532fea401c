"""Fills from the tape: orders trade with its prints, under three assumptions at once."""

from .broker import TapeBroker, from_tape
from .prints import Market, Markets, Prints
from .run import run_tape
from .terms import ASSUMPTIONS, HEADLINE, Delays, Extra, Terms
from .ticket import Ticket

__all__ = [
    "ASSUMPTIONS",
    "HEADLINE",
    "Delays",
    "Extra",
    "Market",
    "Markets",
    "Prints",
    "TapeBroker",
    "Terms",
    "Ticket",
    "from_tape",
    "run_tape",
]

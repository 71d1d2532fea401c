"""Fills from the tape: orders trade with its prints, under three assumptions at once."""

from .broker import TapeBroker, from_tape
from .fill_model import ASSUMPTIONS, HEADLINE, Delays, Extra, Terms
from .tape_order import Ticket
from .trade_store import Market, Markets, Prints

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
]

"""Fills from the tape: orders trade with its prints, under three assumptions at once."""

from .broker import TapeBroker, from_tape
from .fill_model import ASSUMPTIONS, HEADLINE, Delays, Extra, FillModel
from .tape_order import TapeOrder
from .trade_store import Prints, TapeMarket, TapeMarkets

__all__ = [
    "ASSUMPTIONS",
    "HEADLINE",
    "Delays",
    "Extra",
    "FillModel",
    "Prints",
    "TapeBroker",
    "TapeMarket",
    "TapeMarkets",
    "TapeOrder",
    "from_tape",
]

"""The lines of TPO, and what each is."""

from __future__ import annotations

from .framework.measure import Line

LINES = (
    *("poc", "vah", "val", "ib_high", "ib_low", "letters", "poor_high", "poor_low"),
    *("tail_high", "tail_low", "singles", "single_above", "single_below"),
)
PREVIOUS = ("prev_poc", "prev_vah", "prev_val")
MEASURES = {
    "poc": Line("row with the most letters", price=1),
    "vah": Line("the value area's highest row", price=1),
    "val": Line("the value area's lowest row", price=1),
    "ib_high": Line("highest price of the initial balance", price=1, sparse=True),
    "ib_low": Line("lowest price of the initial balance", price=1, sparse=True),
    "letters": Line("letters in all"),
    "poor_high": Line("whether the highest row has two letters or more"),
    "poor_low": Line("whether the lowest row has two letters or more"),
    "tail_high": Line("rows of one letter at the top"),
    "tail_low": Line("rows of one letter at the bottom"),
    "singles": Line("single prints between the tails"),
    "single_above": Line("nearest single print above the close", price=1, sparse=True),
    "single_below": Line("nearest single print at or below the close", price=1, sparse=True),
    "prev_poc": Line("poc of the session before", price=1, sparse=True),
    "prev_vah": Line("vah of the session before", price=1, sparse=True),
    "prev_val": Line("val of the session before", price=1, sparse=True),
}

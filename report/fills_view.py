"""What the result is under each assumption about fills, where the tape filled the orders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .html import Markup, number, section, table, tag, tone
from .money import Money, money_of

CASES = ("pessimistic", "middle", "optimistic")
SURVIVES = {
    "survives_ticks": "ticks of further slippage",
    "survives_ms": "ms of further delay",
    "survives_bp": "bp of fees",
}
"""What a profit survives, by its key in the result."""


def tape_fills(result: Mapping[str, Any], money: Money | None = None) -> Markup:
    """The figures of each assumption, what the profit survives, and that in words; nothing for fills from bars."""
    block = result.get("fills") or {}
    cases = [(name, block[name]) for name in CASES if isinstance(block.get(name), Mapping)]
    if not cases:
        return Markup("")
    money = money or money_of(result)
    rows = [
        (
            f"{name}, the headline" if name == block.get("headline") else name,
            tag("td", money.plain(case.get("net_profit"), signed=True), class_=tone(case.get("net_profit"))),
            number(case.get("trades"), 0),
            number(case.get("orders"), 0),
            number(case.get("orders_filled"), 0),
            money.plain(case.get("fees_paid")),
        )
        for name, case in cases
    ]
    profit, fees = money.titled("net profit"), money.titled("fees")
    head = ("assumption", profit, "trades", "orders", "orders filled", fees)
    said = [tag("li", text) for text in block.get("says") or ()]
    said += [
        tag("li", f"Survives {number(result[key], 1)} {what}.") for key, what in SURVIVES.items() if result.get(key)
    ]
    words = tag("ul", *said) if said else Markup("")
    note = (
        "The prints of the tape filled the orders. When a resting order's turn comes is not known; hence three answers."
    )
    return section("fills", "Fills from the tape", table(head, rows, class_="numbers"), words, note=note)

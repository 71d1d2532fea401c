"""What programs call the columns that a file may be without, so that none is passed over for its spelling."""

from __future__ import annotations


def spelled(*names: str) -> tuple[str, ...]:
    """Names as programs write them: words joined by ``_``, by nothing, by a blank, by ``-``.

    >>> spelled("trade id", "tid")
    ('trade_id', 'tradeid', 'trade id', 'trade-id', 'tid')
    """
    return tuple(dict.fromkeys(joint.join(name.split()) for name in names for joint in ("_", "", " ", "-")))


SYMBOL = spelled(
    "symbol",
    "ticker",
    "instrument",
    "instrument id",
    "instrument name",
    "inst id",
    "inst",
    "pair",
    "currency pair",
    "trading pair",
    "symbol id",
    "symbol name",
    "ticker symbol",
    "market",
    "market id",
    "market name",
    "product id",
    "product",
    "contract",
    "contract code",
    "security id",
    "sec id",
    "sym",
    "isin",
    "code",
    "name",
)
"""Of a market, the likeliest first."""
SIDE = spelled("side", "taker side", "aggressor side", "aggressor", "trade side", "order side", "direction", "buy sell")
BUYER_MAKER = spelled("is buyer maker", "buyer maker", "is buyers maker", "buyer is maker", "m")
TRADE_ID = spelled(
    "trade id", "id", "tid", "trd id", "exec id", "trade no", "agg trade id", "trd match id", "global trade id"
)

"""What the author of a feed imports."""

from __future__ import annotations

from .framework.feed import Feed
from .framework.kline_feed import KlineFeed
from .framework.table_tape import TableTape, trade_columns
from .framework.tape_feed import TapeFeed
from .table_reader.tables import Table

__all__ = ["Feed", "KlineFeed", "Table", "TableTape", "TapeFeed", "trade_columns"]

"""What the author of a feed imports."""

from __future__ import annotations

from .framework.base import Feed, KlineFeed, TapeFeed
from .framework.table_tape import TableTape, trade_columns
from .table_reader.tables import Table

__all__ = ["Feed", "KlineFeed", "Table", "TableTape", "TapeFeed", "trade_columns"]

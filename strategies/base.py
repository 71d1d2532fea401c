"""What the author of a strategy imports."""

from __future__ import annotations

from .framework import adoption as adoption  # plain backtrader strategies of plugins
from .framework.base import Strategy, Use
from .framework.lines import Lines
from .framework.signals import Signals

__all__ = ["Lines", "Signals", "Strategy", "Use"]

"""What the author of an indicator imports."""

from __future__ import annotations

from .framework.base import Indicator
from .framework.measure import Line

__all__ = ["Indicator", "Line"]

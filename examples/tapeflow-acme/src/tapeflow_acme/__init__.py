"""Acme's plugins for tapeflow: one module an idea, imported here so that one entry point names them all."""

from . import follow, large_share, trades

__all__ = ["follow", "large_share", "trades"]

"""Indicators, one a file; each is found by its class name: ``from tapeflow.indicators import VWAP``."""

from typing import Any


def __getattr__(name: str) -> Any:
    from ..core.errors import PluginError

    if name[:1].isupper():
        from ..core.plugins.registry import INDICATORS

        try:
            return INDICATORS.find(name)
        except PluginError as err:
            raise AttributeError(str(err)) from None
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")

"""JSON as this project writes it: for people to read, and without the numbers that JSON has not."""

from __future__ import annotations

import json
from collections.abc import Callable
from numbers import Integral, Real
from typing import Any


def json_text(value: Any, *, default: Callable[[Any], Any] | None = None) -> str:
    """``value`` as indented JSON; numbers that are not finite become null, since JSON has none.

    Parameters
    ----------
    value : mapping, sequence or plain value
        What to write.
    default : callable, optional
        Turns what JSON does not know into what it knows; without one that is an error.

    Examples
    --------
    >>> print(json_text({"sharpe": float("nan"), "trades": (1, 2.5)}))
    {
      "sharpe": null,
      "trades": [
        1,
        2.5
      ]
    }
    """
    return json.dumps(_finite(value), indent=2, ensure_ascii=False, allow_nan=False, default=default)


def _finite(value: Any) -> Any:
    if isinstance(value, Real) and not isinstance(value, Integral):
        made = float(value)
        return made if abs(made) < float("inf") else None
    if isinstance(value, dict):
        return {str(k): _finite(v) for k, v in value.items()}
    return [_finite(v) for v in value] if isinstance(value, list | tuple) else value

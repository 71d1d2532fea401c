"""What a run's YAML says of the broker is not said again by a strategy: one that tries is told where, and the key."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from ...core.errors import InputError
from ...core.plugins.code import belongs_to

OWN = "no key of a YAML; a Cerebro of your own takes it (tf.record, tf.result)"
KEYS = {
    "set_cash": "broker: {cash: …}",
    "setcash": "broker: {cash: …}",
    "setcommission": "broker: {fees: {maker: …, taker: …}}",
    "addcommissioninfo": "broker: {fees: {maker: …, taker: …}}",
    "set_slippage_perc": "broker: {slippage: …}",
    "set_slippage_fixed": "broker: {slippage: …}",
    "set_filler": "broker: {participation: …}",
    **dict.fromkeys(("add_cash", "set_coc", "set_coo", "set_checksubmit", "set_shortcash", "set_int2pnl"), OWN),
    **dict.fromkeys(("set_eosbar", "set_fundmode", "set_fundstartval", "set_fund_history"), OWN),
}
"""Methods of backtrader's broker that set what a run's figures rest on, and what says it in YAML."""


def seal(broker: Any) -> None:
    """Have ``broker`` refuse to be set up from now on."""
    for name, key in KEYS.items():
        setattr(broker, name, partial(_refuse, name, key))


def _refuse(name: str, key: str, *args: Any, **kwargs: Any) -> NoReturn:
    remedy = key if key == OWN else f"the run's YAML says it: {key}"
    raise InputError(f"{_author()}broker.{name}: {remedy}")


def _author() -> str:
    """The innermost line of the user's own code that is being run, with a colon; empty where there is none."""
    frame: Any = sys._getframe(2)
    while frame is not None:
        if belongs_to(frame.f_code.co_filename) == "own":
            return f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}: "
        frame = frame.f_back
    return ""

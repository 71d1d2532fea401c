"""What the footprint marks as an imbalance: what the run's own indicator calls one, else three to one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .folder import Folder
from .sessions import described

DEFAULTS: dict[str, Any] = {
    "ratio": 3.0,
    "min_volume": 0.0,
    "compare": "diagonal",
    "zero": "ignore",
    "missing": "ignore",
}
"""Those of the indicators, written out because reading them would load their kernels."""


def imbalance_rule(folder: Folder, name: str) -> dict[str, Any]:
    """Ratio, least volume and rules of the first indicator on feed ``name`` that looks for imbalances.

    Returns
    -------
    dict
        The parameters that define an imbalance, and under ``of`` the indicator's name; empty where there is none and
        the defaults stand.
    """
    for indicator, block in described(folder).items():
        params = block.get("params") or {}
        if (block.get("data") or folder.feeds[0]) == name and DEFAULTS.keys() <= params.keys():
            return {key: params[key] for key in DEFAULTS} | {"of": indicator}
    return {**DEFAULTS, "of": ""}


def imbalance_words(rule: Mapping[str, Any]) -> str:
    """The rule as the help of the page says it.

    >>> imbalance_words({**DEFAULTS, "of": ""})
    'at least 3 times what the other side took one row below (bought) or above (sold)'
    >>> imbalance_words({**DEFAULTS, "ratio": 2.5, "compare": "horizontal", "min_volume": 1.0, "of": "imb"})
    'at least 2.5 times what the other side took in the same row, and at least 1 in base, as the indicator imb has it'
    """
    where = "in the same row" if rule["compare"] == "horizontal" else "one row below (bought) or above (sold)"
    least = f", and at least {rule['min_volume']:g} in base" if rule["min_volume"] else ""
    whose = f", as the indicator {rule['of']} has it" if rule["of"] else ""
    return f"at least {rule['ratio']:g} times what the other side took {where}{least}{whose}"

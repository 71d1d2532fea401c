"""The figures of a run by name, before it is made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ...backtest.broker.choice import funded, paying, rolling
from ...backtest.tape_fills.fill_model import ASSUMPTIONS
from ...configs.models import RunConfig
from ...core.errors import ParamError, unknown

EVERY = (
    "bars", "orders", "initial_cash", "final_value", "net_profit", "return_pct", "max_drawdown_pct", "sharpe",
    "periods_per_year", "trades", "profit_factor", "win_rate", "mean_trade", "exposure_pct", "fees_paid",
    "buy_and_hold_pct", "profit_from_damaged", "open_position", "orders_cut", "orders_refused", "waits.orders",
    "waits.bars", "cagr_pct", "volatility_pct", "sortino", "calmar", "longest_drawdown_days", "mean_win", "mean_loss",
    "payoff_ratio", "best_trade", "worst_trade", "longest_win_streak", "longest_loss_streak",
)  # fmt: skip
"""Numbers that every run has."""
SURVIVAL = ("survives_ticks", "survives_ms", "survives_bp")
FROM_TAPE = ("net_profit_low", "net_profit_high", "fills.tick")
OF_ASSUMPTION = ("net_profit", "trades", "orders", "orders_filled", "fees_paid")


def figures_of(config: RunConfig) -> Iterator[str]:
    """The numbers that a run of ``config`` has, by name.

    Examples
    --------
    >>> from tapeflow.configs.loader import from_mapping
    >>> config = from_mapping({"data": {"a": {"feed": "SyntheticTape"}}, "strategy": {"kind": "VWAPReversion"}})
    >>> "sharpe" in figures_of(config), "funding.net" in figures_of(config)
    (True, False)
    """
    yield from EVERY
    for kind, has in (
        ("funding", funded(config)),
        ("borrow", config.broker.borrow),
        ("dividend", paying(config)),
        ("roll", rolling(config)),
    ):
        if has:
            yield from (f"{kind}.payments", f"{kind}.net")
    if config.traded.margined:
        yield "liquidations"
    if config.fills.tape:
        yield from FROM_TAPE
        yield from (f"fills.{name}.{figure}" for name in ASSUMPTIONS for figure in OF_ASSUMPTION)
        yield from SURVIVAL if config.fills.survival else ()
    else:
        yield "inside.unknown"


def check_figure(figure: str, configs: Iterable[RunConfig]) -> None:
    """Refuse a figure that none of several runs will have.

    Raises
    ------
    ParamError
        With the nearest name, or how to have it.
    """
    known: dict[str, None] = {}
    for config in configs:
        own = dict.fromkeys(figures_of(config))
        if figure in own:
            return
        known |= own
    if figure in SURVIVAL:
        raise ParamError(f"--sort: {figure} takes dozens of runs a point: ask for it with fills.survival: true")
    raise ParamError(f"--sort: {unknown('figure', figure, known)}")

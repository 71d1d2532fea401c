"""What tapeflow asks of its own indicators, asked of ours."""

from __future__ import annotations

import pytest

from tapeflow.checks.indicator_laws import broken, laws
from tapeflow_acme.large_share import AcmeLargeShare


@pytest.mark.parametrize(("name", "law"), list(laws()), ids=[name for name, _ in laws()])
def test_the_indicator_keeps_the_law(name: str, law: object) -> None:
    assert broken(AcmeLargeShare, law, {}) == []


def test_the_share_is_large_notional_over_all() -> None:
    from tapeflow.core.samples import sample_bars

    bars = sample_bars(30, seed=4)
    large = bars["taker_buy_large_order_volume"] + bars["taker_sell_large_order_volume"]
    expected = [a / b if b else float("nan") for a, b in zip(large, bars["quote_volume"], strict=True)]
    assert AcmeLargeShare.over(bars)["share"].tolist() == pytest.approx(expected, nan_ok=True)

"""Brokers for what backtrader's own cannot do: fee schedules, impact, participation, funding, borrow and margin."""

"""The loops over bars: for any run, and for one strategy on one feed."""

from __future__ import annotations

from typing import Any

from .cursors import SharedPosition
from .notifications import deliver
from .strategy_hooks import StrategyHooks

INFINITE = float("inf")


def any_run(
    cerebro: Any, parts: list[StrategyHooks], cursors: list[SharedPosition], step: SharedPosition, lazy: bool
) -> None:
    """Several feeds or strategies, timers, writers, cheating on open: what ``Cerebro._runonce`` does.

    Parameters
    ----------
    cerebro : Cerebro
        The run.
    parts : list of Part
        Its strategies. The indicators of each move after the broker has been at work, when its turn has come.
    cursors : list of Cursor
        Of the feeds, in their order of precedence.
    step : Cursor
        The bar of the run.
    lazy : bool
        Whether the broker is.
    """
    datas, broker, strategies = cerebro.by_precedence(), cerebro._broker, [part.strategy for part in parts]
    times = [data.lines.datetime.array for data in datas]
    ends = [data.buflen() for data in datas]
    peeks = [stamps[0] if end else INFINITE for stamps, end in zip(times, ends, strict=True)]
    feeds = range(len(datas))
    while (now := min(peeks)) != INFINITE:
        for k in feeds:
            if peeks[k] <= now:
                cursors[k].i = at = cursors[k].i + 1
                peeks[k] = times[k][at + 1] if at + 1 < ends[k] else INFINITE
        step.i += 1
        cerebro._check_timers(strategies, now, cheat=True)
        if cerebro.p.cheat_on_open:
            for strategy in strategies:
                strategy._oncepost_open()
                if cerebro._event_stop:
                    return
        if not lazy or broker.busy:
            cerebro._brokernotify()
        else:
            broker.stale = True
        if cerebro._event_stop:
            return
        cerebro._check_timers(strategies, now, cheat=False)
        for part in parts:
            for k in feeds:
                part.after[k].i = cursors[k].i
            part.step(now)
            if cerebro._event_stop:
                return
            cerebro._next_writers(strategies)


def every_bar(cerebro: Any, part: StrategyHooks, cursor: SharedPosition, after: SharedPosition, start: int = 0) -> None:
    """One feed, one strategy, a lazy broker: nothing but what can matter, from bar ``start`` on."""
    strategy, broker, times = part.strategy, cerebro._broker, cerebro.datas[0].lines.datetime.array
    pending, submitted, waking = broker.pending, broker.submitted, broker._toactivate
    added, news, quick = broker._cash_addition, broker.notifs, cerebro.p.quicknotify
    stamp, always, ticking, observing = part.stamps.append, part.always, part.ticking, part.observing
    for first, last, call, status in part.phases(start, len(times)):
        for i in range(first, last):
            cursor.i = i
            if pending or submitted or waking or added or news or broker.eager or broker.endangered:
                broker.next()
                deliver(news, strategy, quick)
                if cerebro._event_stop:
                    return
            else:
                broker.stale = True
            after.i = i
            stamp(times[i])
            if always or strategy._orderspending or strategy._tradespending:
                part.notify()
            call()
            if ticking or observing:
                part.tick(status)
            if strategy._orderspending or strategy._tradespending:
                strategy.clear()
            if cerebro._event_stop:
                return

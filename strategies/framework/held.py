"""Scripts as plugins: a file that runs a backtest when it is imported is read up to there; what it set up is told."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_remarks: dict[Path, str] = {}


class _HeldOffError(BaseException):
    """Ends an import where it would run a backtest; no handler of the script's own takes it."""

    def __init__(self, cerebro: Any, line: int) -> None:
        super().__init__(line)
        self.cerebro, self.line = cerebro, line


@contextmanager
def held_off(path: Path) -> Iterator[None]:
    """Import the file at ``path`` within this: ``Cerebro.run`` and ``plot`` end it there, and that is noted."""
    if b"backtrader" not in path.read_bytes():
        yield
        return
    import backtrader as bt

    def ends(cerebro: Any, *_: Any, **__: Any) -> None:
        frame = sys._getframe(1)
        while frame.f_back is not None and frame.f_code.co_filename != str(path):
            frame = frame.f_back
        raise _HeldOffError(cerebro, frame.f_lineno)

    before = bt.Cerebro.run, bt.Cerebro.plot
    bt.Cerebro.run = bt.Cerebro.plot = ends
    try:
        yield
    except _HeldOffError as err:
        _remarks[path] = (
            f"{path.name}:{err.line}: runs a backtest when it is imported; it was left there, and what it had set up "
            f"is not taken over{_set_up(err.cerebro)}; the YAML says what a run has"
        )
    finally:
        bt.Cerebro.run, bt.Cerebro.plot = before


def remarks_of(specs: Sequence[str]) -> list[str]:
    """What a reader should know of the files that the ``plugins`` of a run named."""
    names = {Path(spec).name for spec in specs}
    return [text for path, text in _remarks.items() if {path.name, path.parent.name} & names]


def _commission(name: str | None, p: Any) -> str:
    """What a scheme of commission takes, and what it says of the contract, in words; empty for none."""
    told = [f"commission {p.commission:g}"] if p.commission else []
    told += [f"mult {p.mult:g}"] if p.mult != 1.0 else []
    told += [f"margin {p.margin:g}"] if p.margin and not p.stocklike else []
    return f"{' '.join(told)}{f' of {name}' if name else ''}" if told else ""


def _set_up(cerebro: Any) -> str:
    """What a script gave its Cerebro, in words."""
    broker, said = cerebro.broker, []
    if broker.p.cash != type(broker).params.cash:
        said.append(f"cash {broker.p.cash:,g}")
    said += [text for name, scheme in broker.comminfo.items() if (text := _commission(name, scheme.p))]
    said += [f"sizer {cls.__name__}" for cls, _, _ in cerebro.sizers.values()]
    said += [f"feed {data._name or type(data).__name__}" for data in cerebro.datas]
    said += [f"analyzer {cls.__name__}" for cls, _, _ in cerebro.analyzers]
    return f" ({', '.join(said)})" if said else ""

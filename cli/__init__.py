"""The command line. It starts without numpy, pandas or backtrader: each command imports what it uses."""

from __future__ import annotations

from .root import Root

COMMANDS = {
    "new": "Begin a project, indicator, strategy, feed or config.",
    "run": "Run a YAML config through backtrader.",
    "sweep": "Run every combination of some values of a YAML config.",
    "events": "Test what price did after events, before there is a strategy.",
    "research": "Choose on one part of the data, run the choice on another.",
    "bars": "Turn trades or klines into order-flow bars.",
    "compute": "Compute indicators over trades or klines.",
    "data": "Fetch, keep and list market data.",
    "audit": "Grade market data: holes, duplicates, disorder, units, klines.",
    "check": "Look for look-ahead in a config, or hold an indicator to the laws.",
    "validate": "Check a YAML config without running it.",
    "schema": "Print the JSON Schema of a run's YAML.",
    "report": "Make the report of a finished run.",
    "compare": "Compare finished runs, by cause and on one page.",
    "reproduce": "Run a run.lock again and compare what comes of it.",
    "ledger": "Count trials, and show what was run on which data.",
    "cite": "Pack a finished run into one zip, without its data.",
    "list": "List indicators, strategies, feeds, configs and saved runs.",
    "show": "Describe one indicator, strategy or feed.",
    "demo": "Run a shipped example that needs no data.",
    "completion": "Print what makes the Tab key complete in bash, zsh or fish.",
}
"""What ``tapeflow --help`` says of each; the module of the same name in this package holds the command."""

main = Root(COMMANDS, package=__name__)
"""The entry point of the console script."""

__all__ = ["COMMANDS", "main"]

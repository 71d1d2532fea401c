"""``tapeflow ledger``: the commands that have to do with the count of trials."""

from __future__ import annotations

from .data import Branch

COMMANDS = {
    "list": "List what was run on which data.",
    "show": "Show entries of the ledger.",
    "verify": "Find what was changed in the ledger.",
}
"""What ``tapeflow ledger --help`` says of each; the module ``ledger_NAME`` of this package holds the command."""

command = Branch("ledger", "Count trials, and show what was run on which data.", COMMANDS)

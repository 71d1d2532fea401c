"""Where a project's ledger lies."""

from __future__ import annotations

import os
from pathlib import Path

from ...configs.shipped import FOLDER

PROJECT, NAME, RETURNS = ".tapeflow", "ledger", "returns"
VARIABLE = "TAPEFLOW_LEDGER"
_PACKAGE = FOLDER.parent


def project_folder(start: Path) -> Path | None:
    """The ``.tapeflow`` that counts the runs of a config whose YAML lies in ``start``; None where none may be.

    The nearest from there upward; where there is none yet, the one that is to be made there. What comes with the
    package, and what no file holds, counts as lying in the working folder. In tapeflow's own folder none is made. The
    variable ``TAPEFLOW_LEDGER`` names another one for all.
    """
    if named := os.environ.get(VARIABLE):
        return Path(named).absolute()
    begin, own = start.resolve(), _PACKAGE.resolve()
    if begin.is_relative_to(FOLDER.resolve()):
        begin = Path.cwd().resolve()
    for folder in (begin, *begin.parents):
        if (folder / PROJECT).is_dir():
            return folder / PROJECT
    return None if begin.is_relative_to(own) else begin / PROJECT

"""Replaces a small result folder again and again, each time with a kill or an interrupt at another line of our code.

``python replaced.py FOLDER kill|interrupt swap|pointer|convert FIRST STEP``: prints how many places there were, and
what went wrong. ``pointer`` is a drive that cannot exchange folders, ``convert`` one with a folder from elsewhere.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import sys
from pathlib import Path

import tapeflow.core.files.exchange as swap
from tapeflow.core.files import folders, keeping, writing
from tapeflow.core.files.keeping import file_digest

WATCHED = {module.__file__ for module in (folders, keeping, writing, swap, shutil)}
NAMES = ("one.txt", "two.txt")
KEPT = {"notes.txt": "mine", "deep/run.lock": "nested", "deep/er/orders.txt": "nested too"}


def own(folder: Path) -> dict[str, str]:
    """Our files, by a list as plain as can be."""
    listed = (folder / "list").read_text().split() if (folder / "list").exists() else []
    return {"list": "", **dict(zip(listed[::2], listed[1::2], strict=True))}


def write(out: Path, version: str) -> None:
    with folders.replacing_folder(out, own) as (made, _):
        for name in NAMES:
            (made / name).write_text(version)
        (made / "list").write_text(" ".join(f"{name} {file_digest(made / name)}" for name in NAMES))


def begin(home: Path) -> Path:
    """A folder written once, with files of its user's in it."""
    out = home / "out"
    write(out, "first")
    (out / "deep" / "er").mkdir(parents=True)
    for name, text in KEPT.items():
        (out / name).write_text(text)
    (out / "two.txt").write_text("edited")
    return out


def wrong(out: Path) -> str:
    """What is wrong with a folder that was being replaced; empty when it is the old or the new one."""
    if not out.is_dir():
        return "there is none"
    one, two = ((out / name).read_text() if (out / name).exists() else "" for name in NAMES)
    if (one, two) not in (("first", "edited"), ("second", "second")):
        return f"it is mixed: {one!r}, {two!r}"
    edited = out / ("two.txt" if one == "first" else "two.edited.txt")
    if not edited.exists() or edited.read_text() != "edited":
        return "what was edited is lost"
    lost = [name for name, text in KEPT.items() if not (out / name).exists() or (out / name).read_text() != text]
    return f"lost {lost}" if lost else ""


def child(out: Path, at: int, how: str) -> None:
    """Replace the folder, ending at the ``at``-th line; exits 0 when there are fewer, else 1."""
    seen = 0

    def line(frame: object, event: str, arg: object) -> object:
        nonlocal seen
        if event == "line":
            seen += 1
            if seen == at:
                if how == "kill":
                    os._exit(1)
                sys.settrace(None)
                raise KeyboardInterrupt
        return line

    def call(frame: object, event: str, arg: object) -> object:
        return line if frame.f_code.co_filename in WATCHED else None  # type: ignore[attr-defined]

    sys.settrace(call)
    with contextlib.suppress(KeyboardInterrupt):
        write(out, "second")
    os._exit(seen >= at)


def unable(one: Path, other: Path) -> None:
    raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))


def main(home: Path, how: str, way: str, first: int, step: int) -> None:
    os.fsync = lambda handle: None  # type: ignore[assignment]
    able, at, said, gaps = swap.exchange, first, [], 0
    while True:
        place = home / str(at)
        place.mkdir()
        swap.exchange = unable if way == "pointer" else able
        out = begin(place)
        swap.exchange = unable if way == "convert" else swap.exchange
        process = os.fork()
        if process == 0:
            child(out, at, how)
        ended = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        if way == "convert" and not out.exists():
            folders.recover(out, own)
            gaps += 1
        if found := wrong(out):
            said.append(f"line {at}: {found}")
        if not (out / "two.edited.txt").exists():
            write(out, "second")
        (out / "two.txt").unlink()
        write(out, "third")
        beside = {p.name for p in place.iterdir()} - {"out"}
        if way != "swap":
            beside -= {out.resolve().parent.name}
        texts = {(out / name).read_text() for name in NAMES}
        if beside or texts != {"third"} or any((out / n).read_text() != t for n, t in KEPT.items()):
            said.append(f"line {at}: the next leaves {beside or texts}")
        if sorted(p.name for p in out.iterdir()) != [
            "deep",
            "list",
            "notes.txt",
            "one.txt",
            "two.edited.txt",
            "two.txt",
        ]:
            said.append(f"line {at}: the next has {sorted(p.name for p in out.iterdir())}")
        shutil.rmtree(place)
        if ended == 0:
            break
        at += step
    if gaps > 10:
        said.append(f"{gaps} places without a folder")
    print((at - first) // step, *said[:5], sep="\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))

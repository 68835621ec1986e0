"""How failures are told on the command line: one line each, no traceback, an exit code."""

from __future__ import annotations

import errno
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from subgrid.errors import RunFolderError, SubgridError

DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


def lines_of(error: Exception) -> list[str]:
    """What to print about an exception that ends the program."""
    if isinstance(error, SubgridError):
        return [f"error: {line}" for line in str(error).splitlines()]
    place = getattr(error, "filename", None)
    where = f"{place}: " if place else ""
    # HDF5 reports the number of the system's error in its text only
    if isinstance(error, OSError) and (error.errno in DISK_FULL or "errno = 28" in str(error)):
        return [f"error: {where}no space left on the disk; what was committed before is intact"]
    if isinstance(error, OSError):
        return [f"error: {where}{_one_line(error.strerror or error)}"]
    if isinstance(error, MemoryError):
        return [f"error: not enough memory: {_one_line(error)}"]
    notes = getattr(error, "__notes__", None) or ["set SUBGRID_DEBUG=1 to see the traceback"]
    return [f"internal error: {type(error).__name__}: {_one_line(error)} ({'; '.join(notes)})"]


def exit_code_of(error: Exception) -> int:
    """Exit code for an exception that ends the program."""
    if isinstance(error, SubgridError):
        return error.exit_code
    return RunFolderError.exit_code if isinstance(error, OSError) else 1


@contextmanager
def traceback_kept_in(folder: Path) -> Iterator[None]:
    """Write the traceback of an internal error to ``error.log`` in a run folder, if that exists by then."""
    try:
        yield
    except (SubgridError, OSError):
        raise
    except Exception as error:
        log = folder / "error.log"
        try:
            if folder.is_dir():
                log.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
                error.add_note(f"traceback in {log}")
        except OSError as failure:
            error.add_note(f"the traceback could not be written: {failure}")
        raise


def _one_line(text: object) -> str:
    return " ".join(str(text).split())[:500]

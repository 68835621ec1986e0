"""A worker process of a sweep: ``python -m subgrid.sweep.worker FD`` runs the members told on standard input.

One JSON line for each job, one on file descriptor FD for each ending. It ends with whoever started it: standard input
is then at its end, also while a member runs.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
from typing import Any, TextIO

READY = "ready"


def _listen(jobs: queue.SimpleQueue[Any]) -> None:
    for line in sys.stdin:
        jobs.put(json.loads(line))
    # nobody is left to tell; a member in the making is continued from its checkpoint by the next sweep
    os._exit(0)


def main(results: TextIO) -> None:
    from subgrid.sweep.member import Job, run_member

    jobs: queue.SimpleQueue[Any] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(jobs,), daemon=True).start()
    print(json.dumps(READY), file=results, flush=True)
    while True:
        ending = run_member(Job(**jobs.get()))
        print(json.dumps(ending.to_data()), file=results, flush=True)


if __name__ == "__main__":
    main(os.fdopen(int(sys.argv[1]), "w", encoding="utf-8"))

"""From the options of ``subgrid view`` to a page that is served."""

from __future__ import annotations

import errno
import webbrowser
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from subgrid.api import PluginError, ScenarioError
from subgrid_view.figure import default_field, rows_of, spread
from subgrid_view.probe import Probe
from subgrid_view.reading import Source
from subgrid_view.render import Request


def serve(
    runs: Sequence[Path], port: int, open_page: bool, probe: Probe, field: str | None, **options: str | None
) -> None:
    """Serve runs until interrupted.

    Raises ScenarioError for options that the runs do not fit, or a port that is taken, RunFolderError for damaged runs,
    PluginError when nothing can be rendered on this machine.
    """
    look = Request.parse(runs=runs, fields=() if field is None else (field,), out=Path("view.png"), **options).look
    sources = [Source(path) for path in runs]
    for source in sources:
        source.need_frames()
    look = look if look.fields else replace(look, fields=(default_field(sources),))
    rows = rows_of(sources, look, spread(sources))
    from subgrid_view.browser import Viewer
    from subgrid_view.guard import HOST, new_token

    problem = probe.problem()
    if problem:
        raise PluginError(problem)
    viewer = Viewer(sources, rows, look, new_token())

    def ready(address: str) -> None:
        print(f"open {address}\nCtrl-C ends the viewer", flush=True)
        if open_page:
            webbrowser.open(address)

    try:
        viewer.serve(port, ready)
    except KeyboardInterrupt:
        pass
    except OSError as error:
        if error.errno not in (errno.EADDRINUSE, errno.EACCES):
            raise
        raise ScenarioError(f"--port {port}: {HOST} does not give it ({error.strerror}); 0 takes a free one") from error

"""Does rendering without a screen work here? VTK ends the whole process where a part of it is missing, so a process of
its own tries first: ``python -m subgrid_view.probe``."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

VARIABLE = "VTK_DEFAULT_OPENGL_WINDOW"
PACKAGES = "libegl1 libegl-mesa0 libgl1-mesa-dri"
SECONDS = 120.0
WORKS = "rendered"


def candidates() -> list[str]:
    """Window classes to try in this order; the empty one leaves the choice to VTK."""
    if os.environ.get(VARIABLE) or not sys.platform.startswith("linux"):
        return [""]
    screens = ["vtkXOpenGLRenderWindow"] if os.environ.get("DISPLAY") else []
    return ["vtkEGLRenderWindow", "vtkOSOpenGLRenderWindow", *screens]


class Probe:
    """Starts at once and answers when asked, so that other work can go on meanwhile. A context manager."""

    def __init__(self) -> None:
        self._waiting = candidates()
        self._process = self._start(self._waiting[0])

    def __enter__(self) -> Probe:
        return self

    def __exit__(self, *_: object) -> None:
        """End the process, if nobody waited for its answer."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()

    @staticmethod
    def _start(window: str) -> subprocess.Popen[str]:
        environment = {**os.environ, VARIABLE: window} if window else dict(os.environ)
        command = [sys.executable, "-m", "subgrid_view.probe"]
        return subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def problem(self) -> str:
        """An empty string when rendering works, and VTK set to the way that does; else one line on what to install."""
        reasons = []
        for i, window in enumerate(self._waiting):
            if i:
                self._process = self._start(window)
            try:
                out, _ = self._process.communicate(timeout=SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.communicate()
                reasons.append(f"{window or 'VTK'} hung")
                continue
            if self._process.returncode == 0 and out.strip().endswith(WORKS):
                if window:
                    os.environ[VARIABLE] = window
                return ""
            reasons.append(f"{window or os.environ.get(VARIABLE) or 'VTK'} {_ending(self._process.returncode)}")
        return (
            f"pictures cannot be rendered here ({', '.join(reasons)}): install a software OpenGL, on Debian and Ubuntu "
            f"apt-get install {PACKAGES}"
        )


def _ending(code: int) -> str:
    if code >= 0:
        return f"ended with code {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"


def main() -> None:
    """Render one small picture and look whether it is there."""
    import vtkmodules.vtkRenderingOpenGL2  # noqa: F401  registers the classes that draw
    from vtkmodules.vtkCommonCore import vtkUnsignedCharArray
    from vtkmodules.vtkRenderingCore import vtkRenderer, vtkRenderWindow

    window, renderer = vtkRenderWindow(), vtkRenderer()
    window.SetOffScreenRendering(1)
    window.SetSize(16, 16)
    renderer.SetBackground(1.0, 0.0, 0.0)
    window.AddRenderer(renderer)
    window.Render()
    seen = vtkUnsignedCharArray()
    window.GetPixelData(0, 0, 15, 15, 0, seen, 0)
    if seen.GetNumberOfValues() < 3 or (seen.GetValue(0), seen.GetValue(1)) != (255, 0):
        sys.exit(1)
    print(WORKS, flush=True)
    os._exit(0)  # what VTK does while it is taken down is of no interest


if __name__ == "__main__":
    main()

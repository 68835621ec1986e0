"""The viewer and the pages in a real browser. Screenshots are kept in build/screenshots."""

import http.client
import io
import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest

from subgrid.mesh import Grid

pytestmark = pytest.mark.usefixtures("rendering")
SCREENSHOTS = Path(__file__).parents[3] / "build" / "screenshots"
PLANE = Grid((24, 32), (1.2, 1.6), offset=0.5)
FLAGS = ["--no-sandbox", "--disable-background-networking", "--use-gl=angle", "--use-angle=swiftshader",
         "--enable-unsafe-swiftshader"]  # fmt: skip
PATIENCE = 120_000


class Served:
    """``subgrid view`` in a process of its own, at the address that it printed."""

    def __init__(self, *arguments: object) -> None:
        command = [sys.executable, "-m", "subgrid", "view", *map(str, arguments)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        first = self.process.stdout.readline()
        assert first.startswith("open http://127.0.0.1:"), first + self.process.communicate()[1]
        self.address = first.split()[1]

    def get(self, path: str, **headers: str) -> tuple[int, dict[str, str]]:
        """Status and headers of a request."""
        place = urlsplit(self.address)
        connection = http.client.HTTPConnection(place.hostname, place.port, timeout=30)
        try:
            connection.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
            answer = connection.getresponse()
            answer.read()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}
        finally:
            connection.close()

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)
        try:
            _, errors = self.process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise
        assert self.process.returncode == 0, errors
        assert "Traceback" not in errors


@pytest.fixture
def serve() -> Iterator[Callable[..., Served]]:
    pytest.importorskip("trame_pyvista", reason="the viewer needs trame: pip install 'subgrid[web]'")
    running: list[Served] = []

    def start(*arguments: object) -> Served:
        running.append(Served(*arguments))
        return running[-1]

    yield start
    for served in running:
        served.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("needs chromium (apt-get install chromium)")
    api = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    with api.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=program, args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def tab(browser) -> Iterator[object]:
    """A page that remembers what it asked for."""
    page = browser.new_page(viewport={"width": 1000, "height": 860})
    page.set_default_timeout(PATIENCE)
    page.asked = []
    page.on("request", lambda request: page.asked.append(request.url))
    page.on("websocket", lambda socket: page.asked.append(socket.url))
    yield page
    page.close()


def shown(page) -> np.ndarray:
    """What the picture area looks like."""
    from PIL import Image

    data = page.locator(".view").screenshot()
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)


def wait_for_picture(page) -> None:
    page.wait_for_function("() => [...document.querySelectorAll('.view img')].some(image => image.naturalWidth > 100)")


def wait_for_change(page, before: np.ndarray) -> np.ndarray:
    """What is seen once it differs from before."""
    for _ in range(200):
        now = shown(page)
        if now.shape == before.shape and abs(now - before).mean() > 0.5:
            return now
        page.wait_for_timeout(100)
    raise AssertionError("the picture did not change")


def wait_for_picture_like(page, wanted: np.ndarray) -> None:
    """Wait until what is seen is what was seen before."""
    for _ in range(200):
        now = shown(page)
        if now.shape == wanted.shape and abs(now - wanted).mean() < 1.0:
            return
        page.wait_for_timeout(150)
    raise AssertionError("the picture did not come back")


def move_slider(page, picture: int) -> None:
    page.locator("#time").evaluate(
        "(slider, value) => { slider.value = value; slider.dispatchEvent(new Event('input', {bubbles: true})) }",
        picture,
    )


def waves(count: int) -> list[np.ndarray]:
    y, x = PLANE.meshgrid()
    return [np.sin(4.0 * x + i) * np.cos(5.0 * y) for i in range(count)]


def test_a_run_is_looked_at(tab, serve, field_run, tmp_path: Path) -> None:
    name = "<img src=x onerror=document.title='hacked'> {{ 7 * 6 }}"
    served = serve(field_run(tmp_path / "run", waves(4), PLANE, name=name).path)
    tab.goto(served.address)
    wait_for_picture(tab)
    first = shown(tab)
    assert (first.max(axis=2) - first.min(axis=2) > 60).mean() > 0.1
    tab.screenshot(path=SCREENSHOTS / "view_last.png")
    assert tab.inner_text("#moment") == "t = 1.5 s, frame 4 of 4"

    move_slider(tab, 1)
    second = wait_for_change(tab, first)
    assert tab.inner_text("#moment") == "t = 0.5 s, frame 2 of 4"
    tab.screenshot(path=SCREENSHOTS / "view_moved.png")

    tab.select_option("#map", "Greys_r")
    grey = wait_for_change(tab, second)
    assert (grey.max(axis=2) - grey.min(axis=2)).max() < 40

    box = tab.locator(".view").bounding_box()
    tab.mouse.move(box["x"] + 300, box["y"] + 300)
    tab.mouse.down()
    tab.mouse.move(box["x"] + 380, box["y"] + 340, steps=4)
    tab.mouse.up()
    wait_for_change(tab, grey)
    tab.click("#reset")
    wait_for_picture_like(tab, grey)

    tab.click("#play")
    tab.wait_for_function("() => document.getElementById('moment').innerText.includes('frame 4')")
    tab.click("#play")

    # the name is text, and nothing else was asked for
    assert "{{ 7 * 6 }}" in tab.inner_text("h1")
    assert tab.locator("h1 img").count() == 0
    assert tab.title().startswith("<img")
    place = urlsplit(served.address).netloc
    assert {urlsplit(url.removeprefix("blob:")).netloc for url in tab.asked if not url.startswith("data:")} == {place}


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)])
def test_the_page_fits_the_window_and_limits_follow_the_frame(
    tab, serve, field_run, width: int, height: int, tmp_path: Path
) -> None:
    loud = [100.0 * waves(1)[0], *waves(2)]  # the first frame drowns the others
    served = serve(field_run(tmp_path / "run", loud, PLANE).path)
    tab.set_viewport_size({"width": width, "height": height})
    tab.goto(served.address)
    wait_for_picture(tab)
    tab.wait_for_function("() => document.querySelector('.view img').naturalWidth > 0.9 * innerWidth")
    before = shown(tab)
    tab.screenshot(path=SCREENSHOTS / f"view_{width}.png")
    assert tab.evaluate("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]") == [
        width, height,
    ]  # fmt: skip
    assert before.shape[0] > 0.75 * height
    pale = (before.max(axis=2) - before.min(axis=2) > 60).sum()
    tab.select_option("#limits", "this frame")
    after = wait_for_change(tab, before)
    tab.screenshot(path=SCREENSHOTS / f"view_{width}_this_frame.png")
    strong = (after.max(axis=2) - after.min(axis=2) > 60).sum()
    assert strong > 3 * pale
    tab.select_option("#limits", "all frames")
    wait_for_picture_like(tab, before)


def test_two_runs_are_linked_and_a_running_one_is_followed(tab, serve, field_run, tmp_path: Path) -> None:
    first, second = waves(2), [2.0 * values for values in waves(2)]
    going = field_run(tmp_path / "going", first, PLANE, name="going", finished=False)
    with going.locked():
        served = serve(going.path, field_run(tmp_path / "done", second, PLANE, name="done").path)
        tab.goto(served.address)
        wait_for_picture(tab)
        before = shown(tab)
        assert tab.inner_text("#moment") == "t = 0.5 s, frame 2 of 2"
        going.add(1.0, c=-5.0 * first[0])
        after = wait_for_change(tab, before)
        tab.wait_for_function("() => document.getElementById('moment').innerText === 't = 1 s, frame 3 of 3'")
        tab.screenshot(path=SCREENSHOTS / "view_two_runs.png")
        going.finish()
    tab.locator("#follow").wait_for(state="hidden")

    # the other panel moves with the one that is dragged
    box = tab.locator(".view").bounding_box()
    width = after.shape[1]
    settled = shown(tab)
    tab.mouse.move(box["x"] + 0.25 * width, box["y"] + 200)
    tab.mouse.down()
    tab.mouse.move(box["x"] + 0.25 * width + 40, box["y"] + 240, steps=4)
    tab.mouse.up()
    wait_for_change(tab, settled)
    tab.wait_for_timeout(500)
    moved = abs(shown(tab) - settled).max(axis=2) > 30
    assert moved[:, : int(0.4 * width)].mean() > 0.02
    assert moved[:, int(0.5 * width) : int(0.85 * width)].mean() > 0.02


def test_a_run_in_space_is_turned(tab, serve, stored) -> None:
    served = serve(stored("reaction"), "--style", "slices")
    tab.goto(served.address)
    wait_for_picture(tab)
    before = shown(tab)
    tab.click("#along-z")
    wait_for_change(tab, before)
    tab.screenshot(path=SCREENSHOTS / "view_space.png")


def test_requests_without_the_token_are_refused(serve, field_run, tmp_path: Path) -> None:
    served = serve(field_run(tmp_path / "run", waves(1), PLANE).path)
    place = urlsplit(served.address)
    whole = f"{place.path}?{place.query}"
    for path in ("/", "/index.html", "/ws", "/vue.global.js", "/index.html?token=", "/index.html?token=guess"):
        assert served.get(path)[0] == 403, path
    status, headers = served.get(whole)
    assert status == 200
    assert "default-src 'self'" in headers["content-security-policy"]
    cookie = headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert served.get("/vue.global.js", Cookie=cookie.partition(";")[0])[0] == 200
    # a page elsewhere that gives its own name this address, or opens a socket to it
    assert served.get(whole, Host=f"example.org:{place.port}")[0] == 403
    assert served.get("/ws", Cookie=cookie.partition(";")[0], Origin="http://example.org")[0] == 403
    with pytest.raises(ConnectionRefusedError):
        http.client.HTTPConnection("127.0.0.2", place.port, timeout=5).connect()


def test_a_page_fits_a_phone_and_prints(tab, cli, stored, tmp_path: Path) -> None:
    assert cli("report", stored("flame"), "--out", tmp_path / "page.html")[0] == 0
    tab.set_viewport_size({"width": 390, "height": 844})
    tab.goto((tmp_path / "page.html").as_uri())
    tab.screenshot(path=SCREENSHOTS / "report_phone.png", full_page=True)
    assert tab.evaluate("document.documentElement.scrollWidth") == 390
    tab.wait_for_function("() => document.querySelector('video').readyState >= 2")
    assert all(tab.evaluate("[...document.images].map(image => image.naturalWidth > 0)"))
    assert {urlsplit(url).scheme for url in tab.asked} <= {"file", "data"}
    printed = tab.pdf(format="A4")
    (SCREENSHOTS / "report.pdf").write_bytes(printed)
    assert printed.startswith(b"%PDF")
    tab.emulate_media(media="print")
    assert not tab.locator("video").is_visible()
    tab.set_viewport_size({"width": 680, "height": 960})  # A4 between its margins
    assert tab.evaluate("document.documentElement.scrollWidth") == 680
    tab.screenshot(path=SCREENSHOTS / "report_print.png", full_page=True)


def test_wide_tables_are_never_cut(tab, cli, tmp_path: Path) -> None:
    columns = [f"quantity\nnumber {i}" for i in range(15)]
    headings, row = ["variant", "outcome", *columns], ["dynamic_smagorinsky", "stable", *["-0.1234 ±0.05"] * 15]
    wide = {"title": "Accuracy", "headings": headings, "rows": [row] * 4}
    narrow = {"title": "Cost", "headings": headings[:11], "rows": [[*row[:2], *["-0.12"] * 9]] * 4}
    table = {"name": "wide", "variants": {}, "tables": [wide, narrow]}
    (tmp_path / "table.json").write_text(json.dumps(table))
    assert cli("report", tmp_path)[0] == 0
    tab.goto((tmp_path / "report.html").as_uri())
    boxes = "[...document.querySelectorAll('.wide')].map(box => [box.clientWidth, box.scrollWidth])"
    for width in (1280, 390):
        tab.set_viewport_size({"width": width, "height": 844})
        tab.screenshot(path=SCREENSHOTS / f"report_wide_{width}.png")
        assert tab.evaluate("document.documentElement.scrollWidth") == width
        (seen, whole), *_ = tab.evaluate(boxes)
        assert whole > seen  # it does not fit, and is moved within its box
        box = tab.locator(".wide").first
        box.evaluate("box => { box.scrollLeft = box.scrollWidth }")
        last, first = (box.locator("tbody tr").first.locator("td").nth(i).bounding_box() for i in (-1, 0))
        assert last["x"] + last["width"] <= width
        assert first["x"] >= 0  # the name of the row stays in sight
    tab.emulate_media(media="print")
    for (width, height), number in (((1009, 680), 0), ((680, 960), 1)):  # A4 across and upright between its margins
        tab.set_viewport_size({"width": width, "height": height})
        seen, whole = tab.evaluate(boxes)[number]
        assert whole <= seen
    assert b"/MediaBox [0 0 842" in tab.pdf(format="A4")

"""The page in a real browser: three frames are judged by keyboard alone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from chromium import CONTRASTS, chromium

from redact_dask.audit import answers
from redact_dask.audit.answers import Verdict
from redact_dask.audit.audits import Audit
from redact_dask.audit.server import Server
from redact_dask.audit.session import Session

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow

LAPTOP = {"width": 1280, "height": 800}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def opened(browser: Browser, audit: Audit) -> Iterator[Any]:
    """Open the page of a judge; at the end, it has complained of nothing, and asked nobody."""
    complaints: list[str] = []
    requests: list[str] = []
    pages: list[Page] = []
    servers: list[tuple[Server, threading.Thread]] = []

    def show(judge: str = "ann", detector: str | None = None, **options: Any) -> Page:
        server = Server(Session(audit, judge, detector))
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        servers.append((server, thread))
        page = browser.new_page(**{"viewport": LAPTOP} | options)
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(server.url)
        pages.append(page)
        shown(page)
        return page

    yield show
    for page in pages:
        page.close()
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()
    own = tuple(server.url for server, _ in servers)
    # A picture that is not there is told on the page, and by the browser, too.
    assert [one for one in complaints if "404" not in one] == []
    assert [url for url in requests if not url.startswith(("data:", *own))] == []


def shown(page: Page) -> None:
    """Wait until the picture is there."""
    page.locator("#stage[aria-busy=false]").wait_for()


def number(page: Page, rank: int) -> None:
    """Wait until a frame of the sample is shown, counted from 1."""
    page.get_by_text(f"this is number {rank}", exact=False).wait_for()
    shown(page)


def test_three_frames_are_judged_by_keyboard_alone(opened: Any, audit: Audit) -> None:
    page = opened()
    assert page.locator("#bound").inner_text() == "100 %"
    page.keyboard.press("c")
    number(page, 2)
    page.keyboard.press("l")
    before = page.locator("#box").bounding_box()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("2")
    after = page.locator("#box").bounding_box()
    assert after["x"] > before["x"]
    assert after["width"] == pytest.approx(before["width"], abs=0.1)
    assert after["height"] > before["height"]
    page.keyboard.press("Enter")
    number(page, 3)
    page.keyboard.press("u")
    number(page, 4)
    rows = [(one.item, one.verdict, one.label) for one in answers.read(audit)]
    assert rows == [(0, Verdict.CLEAN, None), (1, Verdict.LEAK, "plate"), (2, Verdict.UNSURE, None)]
    x0, y0, x1, y1 = answers.read(audit)[1].box
    # A tenth of 320 pixels in the middle, moved by five steps of a hundredth.
    assert (x0, x1) == pytest.approx((160, 192), abs=1)
    assert (y0, y1) == pytest.approx((74, 109.2), abs=1)
    assert page.locator("#judged").inner_text() == "3"
    assert page.locator("#leaks").inner_text() == "1"
    assert "Kept: unsure" in page.get_by_role("status").inner_text()
    # Back by one, and the answer is another one.
    page.keyboard.press("ArrowLeft")
    number(page, 3)
    assert page.get_by_role("button", name="Unsure").get_attribute("aria-pressed") == "true"
    page.keyboard.press("c")
    number(page, 4)
    assert [one.verdict for one in answers.read(audit)][2] == Verdict.CLEAN


def test_the_frames_beside_it_and_the_zoom_are_keys_away(opened: Any) -> None:
    page = opened()
    page.keyboard.press(".")
    page.get_by_text("the frame after", exact=True).wait_for()
    shown(page)
    assert page.locator("#picture").get_attribute("src") == "pictures/0/1"
    page.keyboard.press(",")
    assert page.locator("#picture").get_attribute("src") == "pictures/0/-1"
    page.keyboard.press(",")
    assert page.locator("#picture").get_attribute("src") == "pictures/0/0"
    small = page.locator("#picture").bounding_box()
    page.keyboard.press("+")
    page.keyboard.press("+")
    large = page.locator("#picture").bounding_box()
    assert large["width"] == pytest.approx(4 * small["width"], rel=0.01)
    page.keyboard.press("ArrowLeft")
    assert page.locator("#picture").bounding_box()["x"] > large["x"]
    page.keyboard.press("0")
    assert page.locator("#picture").bounding_box() == small
    page.keyboard.press("?")
    assert page.get_by_role("dialog").is_visible()
    page.keyboard.press("Escape")
    assert not page.get_by_role("dialog").is_visible()


def test_a_box_is_drawn_with_the_mouse(opened: Any, audit: Audit) -> None:
    page = opened()
    edges = page.locator("#picture").bounding_box()
    at = lambda x, y: (edges["x"] + x * edges["width"], edges["y"] + y * edges["height"])  # noqa: E731
    page.mouse.move(*at(0.5, 0.75))
    page.mouse.down()
    page.mouse.move(*at(0.25, 0.5))
    page.mouse.up()
    page.get_by_role("button", name="Keep this leak").click()
    number(page, 2)
    (one,) = answers.read(audit)
    assert one.box == pytest.approx((80, 90, 160, 135), abs=1)
    # The keys still work after the mouse.
    page.keyboard.press("c")
    number(page, 3)


def test_buttons_are_reached_by_the_tab_key_and_named(opened: Any, audit: Audit) -> None:
    page = opened()
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.dataset.verdict") == "unsure":
            break
    else:
        pytest.fail("the button is not reached by the Tab key")
    page.keyboard.press("Enter")
    number(page, 2)
    assert [one.verdict for one in answers.read(audit)] == [Verdict.UNSURE]
    for landmark in ("banner", "main", "complementary"):
        assert page.get_by_role(landmark).count() == 1
    assert page.locator("th:not([scope])").count() == 0


def test_judging_goes_on_where_it_stopped_and_agreement_is_told(opened: Any, audit: Audit) -> None:
    writer = answers.Writer(audit, "bob")
    for item, verdict in enumerate((Verdict.CLEAN, Verdict.LEAK, Verdict.CLEAN)):
        writer.add(answers.Answer("bob", answers.datetime.now(answers.UTC), item, verdict))
    page = opened()
    number(page, 1)
    page.keyboard.press("c")
    number(page, 2)
    assert "ann and bob: 1 of 1 alike" in page.get_by_role("complementary").inner_text()
    again = opened()
    number(again, 2)
    again.keyboard.press("ArrowLeft")
    number(again, 1)
    again.keyboard.press("g")
    number(again, 2)


def test_what_cannot_be_shown_is_told_and_can_be_judged(opened: Any, audit: Audit) -> None:
    page = opened()
    page.route("**/pictures/1/0", lambda route: route.fulfill(status=404, body="The copy is gone."))
    page.keyboard.press("c")
    page.get_by_role("alert").get_by_text("The copy is gone.").wait_for()
    page.keyboard.press("l")  # Without a picture, a leak has no box.
    number(page, 3)
    assert [(one.verdict, one.box) for one in answers.read(audit)][1] == (Verdict.LEAK, None)


def test_a_second_detectors_finds_are_marked(opened: Any, audit: Audit) -> None:
    page = opened(detector="magenta")
    mark = page.locator(".find")
    mark.wait_for()
    edges, picture = mark.bounding_box(), page.locator("#picture").bounding_box()
    left = (edges["x"] - picture["x"]) / picture["width"] * 320
    assert left == pytest.approx(10 + 2 * audit.items[0].frame, abs=4)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_laptop_and_is_readable_in_the_dark(opened: Any, scheme: str) -> None:
    page = opened(color_scheme=scheme)
    page.keyboard.press("l")
    assert page.evaluate("document.documentElement.scrollWidth") <= LAPTOP["width"]
    assert page.evaluate("document.documentElement.scrollHeight") <= LAPTOP["height"]
    contrasts = page.evaluate(CONTRASTS)
    assert len(contrasts) > 15
    # WCAG 2.2, 1.4.3: at least 4.5 to 1.
    assert {name: ratio for name, ratio in contrasts.items() if ratio < 4.5} == {}
    stage = page.locator("#stage").bounding_box()
    assert stage["width"] * stage["height"] > 0.35 * LAPTOP["width"] * LAPTOP["height"]

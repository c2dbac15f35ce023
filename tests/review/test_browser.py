"""The page in a real browser: looked at, and edited, by keyboard alone."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from chromium import CONTRASTS, chromium

from redact_dask.manifest import edits
from redact_dask.records.edits import Edit, EditKind
from redact_dask.review.server import Server
from redact_dask.review.session import Session

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow

LAPTOP = {"width": 1280, "height": 800}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def opened(browser: Browser, session: Session) -> Iterator[Any]:
    """Open the page; at the end, it has complained of nothing, and asked nobody else."""
    complaints: list[str] = []
    requests: list[str] = []
    pages: list[Page] = []
    server = Server(session)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()

    def show(**options: Any) -> Page:
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
    server.shutdown()
    thread.join()
    server.server_close()
    # What cannot be shown or kept is told on the page, and by the browser, too.
    assert [one for one in complaints if "status of 40" not in one] == []
    assert [url for url in requests if not url.startswith(("data:", server.url))] == []


def shown(page: Page) -> None:
    """Wait until the picture is there."""
    page.locator("#stage[aria-busy=false]").wait_for()


def frame(page: Page, number: int) -> None:
    """Wait until a frame is shown."""
    page.get_by_text(f"frame {number} of 90", exact=True).wait_for()
    shown(page)


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def kept(redacted: Path) -> list[Edit]:
    return edits.read(str(redacted / "_manifest"))


def saved(page: Page) -> None:
    page.locator("#hint").get_by_text("Saved").wait_for()


def test_a_box_is_drawn_on_two_frames_and_followed_in_between(opened: Any, redacted: Path) -> None:
    page = opened()
    frame(page, 20)  # The gravest doubt.
    page.locator("#doubt-here").get_by_text("plate: seen, and not hidden").wait_for()
    assert page.locator("#doubt-box").is_visible()
    # The box begins where the doubt is, and is moved by steps of a hundredth of 320 pixels.
    press(page, "b", *["ArrowLeft"] * 5, *["Shift+ArrowRight"] * 3, *["ArrowUp"] * 5)
    assert page.locator('#draft-labels [aria-pressed="true"]').inner_text().endswith("plate")
    press(page, *["."] * 5)
    frame(page, 25)
    assert not page.locator("#draft-box").is_visible()
    press(page, *["ArrowRight"] * 10)
    press(page, *[","] * 4)
    frame(page, 21)
    assert page.locator("#draft-box").inner_text() == "plate, followed"
    assert kept(redacted) == []
    press(page, "r")
    page.keyboard.type("a passer-by, b c x")
    press(page, "Enter")
    saved(page)
    (edit,) = kept(redacted)
    x, y = 52 - 16, 60 - 16
    first, last = edit.boxes
    assert first == pytest.approx((20, x, y, x + 49.6, y + 40), abs=0.01)
    assert last == pytest.approx((25, x + 32, y, x + 81.6, y + 40), abs=0.01)
    assert (edit.kind, edit.label, edit.by) == (EditKind.HIDE, "plate", "ann")
    assert (edit.why, edit.stream) == ("a passer-by, b c x", None)
    row = page.locator("#edits li")
    assert "plate hidden" in row.inner_text()
    assert "from the next run on" in row.inner_text()
    # The mark lies on the line between the two boxes.
    mark, picture = page.locator(".mark.drawn").bounding_box(), page.locator("#picture")
    edges = picture.bounding_box()
    scale = edges["width"] / 320
    assert (mark["x"] - edges["x"]) / scale == pytest.approx(x + 32 / 5, abs=0.5)


def test_a_track_is_ticked_away_and_brought_back(opened: Any, redacted: Path) -> None:
    page = opened()
    press(page, *["."] * 15)
    frame(page, 35)
    press(page, "Tab")
    assert page.evaluate("document.activeElement.dataset.track") == "0"
    press(page, "Tab")
    assert page.evaluate("document.activeElement.dataset.track") == "1"
    press(page, "x")
    assert "It will be visible in the next copy." in page.locator("#draft").inner_text()
    press(page, "Enter")
    saved(page)
    (edit,) = kept(redacted)
    assert (edit.kind, edit.label) == (EditKind.SHOW, "face")
    assert edit.boxes == tuple((number, 200, 10, 230, 40) for number in range(5, 40))
    assert page.locator(".mark.hidden-now").count() == 1
    assert page.locator(".mark.visible").get_attribute("aria-label") == "face, visible"
    # The rest of the other track, from here on.
    press(page, "Tab", "Shift+X", "Enter")
    page.locator("#edits li").nth(1).wait_for()
    assert [box[0] for box in kept(redacted)[1].boxes] == [*range(35, 60)]
    assert page.locator(".mark.hidden-now").count() == 0
    press(page, "u", "Enter")
    page.locator("#edits li.undone").wait_for()
    undo = kept(redacted)[2]
    assert (undo.kind, undo.undoes) == (EditKind.UNDO, kept(redacted)[1].id)
    assert page.locator(".mark.hidden-now").count() == 1
    page.get_by_role("button", name="Bring back").click()
    assert "It will be visible" in page.locator("#draft").inner_text()
    press(page, "Enter")
    page.locator("#edits li.undone").wait_for(state="detached")
    assert kept(redacted)[3].undoes == undo.id
    assert page.locator(".mark.hidden-now").count() == 0


def test_doubts_frames_and_videos_are_keys_away(opened: Any) -> None:
    page = opened()
    frame(page, 20)
    press(page, "n")
    frame(page, 60)
    press(page, "n")
    page.get_by_text("No doubt after this frame").first.wait_for()
    press(page, "Shift+N")
    frame(page, 20)
    press(page, "ArrowRight")
    frame(page, 21)
    press(page, ">")
    frame(page, 51)
    press(page, "End")
    frame(page, 89)
    press(page, "Home", " ")
    page.get_by_role("button", name="Pause").wait_for()
    page.locator("#frame").get_by_text(re.compile(r"frame [1-8]\d of 90")).wait_for()
    press(page, " ")
    press(page, "c")
    page.get_by_text("Copy, as it is published").wait_for()
    shown(page)
    press(page, "]")
    page.locator("#path").get_by_text("car 2/day.mp4").wait_for()
    frame(page, 0)
    press(page, "v")
    assert "2 doubts" in page.get_by_role("navigation").inner_text()
    press(page, "Escape", "[")
    frame(page, 20)
    press(page, "?")
    assert page.get_by_role("dialog").is_visible()
    press(page, "Escape")


def test_zoom_shows_more_and_the_mouse_draws(opened: Any, redacted: Path) -> None:
    page = opened()
    small = page.locator("#picture").bounding_box()
    press(page, "+", "+")
    shown(page)
    large = page.locator("#picture").bounding_box()
    assert large["width"] == pytest.approx(4 * small["width"], rel=0.01)
    press(page, "d")
    assert page.locator("#picture").bounding_box()["x"] < large["x"]
    press(page, "0")
    edges = page.locator("#picture").bounding_box()
    at = lambda x, y: (edges["x"] + x * edges["width"], edges["y"] + y * edges["height"])  # noqa: E731
    page.mouse.move(*at(0.5, 0.75))
    page.mouse.down()
    page.mouse.move(*at(0.25, 0.5))
    page.mouse.up()
    press(page, "Escape")
    assert kept(redacted) == []
    page.mouse.move(*at(0.5, 0.75))
    page.mouse.down()
    page.mouse.move(*at(0.25, 0.5))
    page.mouse.up()
    page.get_by_role("button", name="Hide it").click()
    saved(page)
    assert kept(redacted)[0].boxes[0] == pytest.approx((20, 80, 90, 160, 135), abs=1)
    # A click selects, and draws nothing.
    page.mouse.click(*at(0.3, 0.6))
    assert page.locator('.mark[aria-pressed="true"]').count() == 1


def test_a_draft_is_not_lost_by_accident(opened: Any, redacted: Path) -> None:
    page = opened()
    press(page, "b", "]")
    page.get_by_text("Save or discard first").first.wait_for()
    assert page.locator("#path").inner_text() == "car 1/night <b>.mp4"
    press(page, "Delete")
    assert not page.locator("#draft").is_visible()
    press(page, "]")
    page.locator("#path").get_by_text("car 2/day.mp4").wait_for()
    assert kept(redacted) == []


def test_what_is_not_kept_is_told_and_stays_a_draft(
    opened: Any, redacted: Path, filmed: Path
) -> None:
    page = opened()
    press(page, "b")
    page.route("**/edits/0", lambda route: route.fulfill(status=400, body="the source has changed"))
    press(page, "Enter")
    page.get_by_text("Not saved: the source has changed").first.wait_for()
    assert page.locator("#draft").is_visible()
    assert kept(redacted) == []
    press(page, "Escape")


def test_a_video_that_cannot_be_shown_is_told_and_nothing_of_another_is_left(
    opened: Any, redacted: Path
) -> None:
    page = opened()
    press(page, "b", "Enter")
    saved(page)
    with (redacted / "car 2/day.mp4").open("ab") as copy:
        copy.write(b"later")
    press(page, "]")
    page.get_by_role("alert").get_by_text("not the one that was published").wait_for()
    for part in ("#marks", "#here", "#doubts", "#edits"):
        assert page.locator(part).inner_text() == ""
    press(page, "b", "x", " ", "c")
    page.get_by_role("button", name="Draw a box").click()
    assert not page.locator("#draft").is_visible()
    press(page, "[")
    frame(page, 20)
    assert page.locator("#edits li").count() == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_laptop_and_is_readable_in_the_dark(opened: Any, scheme: str) -> None:
    page = opened(color_scheme=scheme)
    press(page, "b")
    assert page.evaluate("document.documentElement.scrollWidth") <= LAPTOP["width"]
    assert page.evaluate("document.documentElement.scrollHeight") <= LAPTOP["height"]
    contrasts = page.evaluate(CONTRASTS)
    assert len(contrasts) > 15
    # WCAG 2.2, 1.4.3: at least 4.5 to 1.
    assert {name: ratio for name, ratio in contrasts.items() if ratio < 4.5} == {}
    stage = page.locator("#stage").bounding_box()
    assert stage["width"] * stage["height"] > 0.4 * LAPTOP["width"] * LAPTOP["height"]
    press(page, "Escape")

"""A face that was left open is hidden on the page by keyboard alone, and the next run follows."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import av
import pytest
from chromium import chromium
from decoded import pictures
from distributed import Client
from magenta import MAGENTA, excess
from manifest_rows import rows

import redact_dask
from redact_dask import storage
from redact_dask.manifest import edits
from redact_dask.records.edits import EditKind
from redact_dask.review import pairs, ranking
from redact_dask.review.server import Server
from redact_dask.review.session import Session

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.slow

BLIND = MAGENTA | {"redact": {"style": "solid"}, "track": {"start": 0.95}}
"""Settings with which the square, seen with a confidence of 0.9, proves no track."""


@contextmanager
def page_of(source: Path, redacted: Path) -> Iterator[Page]:
    destination = storage.canonical(str(redacted))
    doubtful = ranking.ranked(destination, 10)
    found = pairs.ordered(pairs.listed(str(source), destination), doubtful)
    session = Session(found, destination, "ann")
    server = Server(session)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        with chromium() as browser:
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            page.goto(server.url)
            page.locator("#stage[aria-busy=false]").wait_for()
            yield page
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        session.close()


def place(page: Page, *wanted: float) -> None:
    """Move and size the box that is drawn, in steps of a hundredth of 320 pixels."""
    page.keyboard.press("Alt+ArrowRight")  # On a frame without a box, there is one then.
    told = page.locator("#draft-box").get_attribute("data-sides") or ""
    x0, y0, x1, y1 = map(float, told.split(","))
    moves = {"Arrow": (wanted[0] - x0, wanted[1] - y0)}
    moves["Shift+Arrow"] = (wanted[2] - x1 - moves["Arrow"][0], wanted[3] - y1 - moves["Arrow"][1])
    for prefix, far in moves.items():
        for pixels, keys in zip(far, (("Left", "Right"), ("Up", "Down")), strict=True):
            for _ in range(round(abs(pixels) / 3.2)):
                page.keyboard.press(prefix + keys[pixels > 0])


def seen(path: Path) -> list[int]:
    """Return the numbers of the frames on which the square is seen."""
    found = enumerate(pictures(path, "rgb24"))
    return [number for number, picture in found if excess(picture).max() > 60]


def packets(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(video=0) if packet.size]


def test_a_square_left_open_is_hidden_between_two_drawn_frames(
    clip: Path, client: Client, tmp_path: Path
) -> None:
    copy = tmp_path / "clip.mp4"
    redact_dask.redact(clip, tmp_path, BLIND, client)
    assert len(seen(copy)) == 90
    before = packets(copy)
    with page_of(clip, tmp_path) as page:
        press = page.keyboard.press
        # The ranking has found the square, and the page begins there.
        assert "face:" in page.locator("#doubts").inner_text()
        assert page.locator("#doubt-box").is_visible()
        press("Home")
        for _ in range(20):
            press(".")
        press("b")
        # The square is at x = 12 + 2 n, y = 60, and 40 pixels wide and high.
        place(page, 46, 54, 98, 106)
        for _ in range(20):
            press(".")
        place(page, 86, 54, 138, 106)
        press("r")
        page.keyboard.type("never found")
        press("Enter")
        page.locator("#hint").get_by_text("Saved").wait_for()
    (edit,) = edits.read(str(tmp_path / "_manifest"))
    assert (edit.kind, edit.label, edit.by) == (EditKind.HIDE, "face", "ann")
    assert (edit.why, [box[0] for box in edit.boxes]) == ("never found", [20, 40])
    assert redact_dask.redact(clip, tmp_path, BLIND, client).published == 1
    assert seen(copy) == [*range(20), *range(41, 90)]
    assert rows(tmp_path, "videos")[-1]["edits"] == [edit.id]
    # A GOP has 15 frames: the drawn frames are in the second and third one.
    after = packets(copy)
    assert before[:15] == after[:15]
    assert before[45:] == after[45:]
    assert before[15:45] != after[15:45]
    with page_of(clip, tmp_path) as page:
        assert "in this copy" in page.locator("#edits").inner_text()


def test_a_track_that_is_ticked_away_is_visible_in_the_next_copy(
    clip: Path, client: Client, tmp_path: Path
) -> None:
    settings = BLIND | {"track": {"start": 0.5}}
    redact_dask.redact(clip, tmp_path, settings, client)
    assert seen(tmp_path / "clip.mp4") == []
    with page_of(clip, tmp_path) as page:
        for key in ("Home", ">", "Tab", "Shift+X"):  # From one second on.
            page.keyboard.press(key)
        assert "It will be visible in the next copy." in page.locator("#draft").inner_text()
        page.keyboard.press("Enter")
        page.locator("#hint").get_by_text("Saved").wait_for()
    (edit,) = edits.read(str(tmp_path / "_manifest"))
    assert (edit.kind, edit.boxes[0][0], edit.boxes[-1][0]) == (EditKind.SHOW, 30, 89)
    redact_dask.redact(clip, tmp_path, settings, client)
    assert seen(tmp_path / "clip.mp4") == [*range(30, 90)]

"""The page in a real browser: silent, alone, usable by keyboard, on a phone and in the dark."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from chromium import CONTRASTS, chromium
from made_up import FAILED, TASK, VIDEO, later

from redact_dask import manifest, report
from redact_dask.storage import layout

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

pytestmark = pytest.mark.slow

DESKTOP = {"width": 1200, "height": 800}
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of 100 videos with names of many lengths; three failed, the 42nd is the slowest."""
    folder = tmp_path_factory.mktemp("report")
    destination = str(folder / "redacted")
    writer = manifest.Writer(layout.manifest(destination), "20260203T200000-0123abcd")
    for number in range(100):
        video = f"{number:016x}"
        row: dict[str, Any] = {"video": video, "source": f"s3://fleet/{'x' * number}{number}.mp4"}
        row |= {"seconds": 900.0 if number == 42 else 10.0 + number / 7, "frames": 7 * number}
        row |= {"finished": later(30 * number), "why_encoded": "is HEVC" if number % 2 else None}
        row |= FAILED if number % 40 == 19 else {}
        writer.add({"videos": [VIDEO | row]})
        for stage in ("probe", "detect", "track", "render", "join"):
            times = {"started": later(30 * number - 9), "ended": later(30 * number)}
            writer.add({"chunks": [{"video": video} | TASK | times | {"stage": stage}]})
    writer.close()
    path = folder / "report.html"
    path.write_text(report.render(destination), encoding="utf-8")
    return path


@pytest.fixture
def opened(browser: Browser, file: Path) -> Iterator[Any]:
    """Open the page; at the end, it must have asked for nothing, and complained of nothing."""
    complaints: list[str] = []
    requests: list[str] = []
    pages: list[Page] = []

    def show(**options: Any) -> Page:
        page = browser.new_page(**{"viewport": DESKTOP} | options)
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(file.as_uri())
        pages.append(page)
        return page

    yield show
    for page in pages:
        page.close()
    assert complaints == []
    assert [url for url in requests if not url.startswith("data:")] == len(pages) * [file.as_uri()]


def table(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name=name).get_by_role("table")


def column(table: Locator, number: int) -> list[str]:
    cells: list[str] = table.locator(f"tbody tr > :nth-child({number})").all_inner_texts()
    return cells


def test_the_slowest_and_the_failed_video_are_one_click_away(opened: Any) -> None:
    page = opened()
    page.get_by_role("link", name="Slowest").click()
    row = table(page, "Took").get_by_role("row").nth(1)
    assert page.evaluate("location.hash") == "#slowest"
    assert "x42.mp4" in row.inner_text()
    assert "15 min" in row.inner_text()
    page.wait_for_function("scrollY > 0")
    page.get_by_role("link", name="3 quarantined").click()
    row = table(page, "The last attempt").get_by_role("row").nth(1)
    assert "x99.mp4" in row.inner_text()
    assert "frame with pts 512 is missing" in row.inner_text()


def test_tables_are_sorted_by_keyboard(opened: Any) -> None:
    page = opened()
    slowest = table(page, "Took")
    button = slowest.get_by_role("button", name="Frames")
    head = button.locator("xpath=..")
    for _ in range(60):
        page.keyboard.press("Tab")
        if button.evaluate("button => button === document.activeElement"):
            break
    else:
        pytest.fail("the button is not reached by the Tab key")
    assert head.get_attribute("aria-sort") is None
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    assert slowest.locator("[aria-sort]").count() == 1
    frames = [int(cell) for cell in column(slowest, 6)]
    assert len(frames) == 50
    assert frames == sorted(frames, reverse=True)
    page.keyboard.press("Space")
    assert head.get_attribute("aria-sort") == "ascending"
    assert [int(cell) for cell in column(slowest, 6)] == sorted(frames)
    # The same row still holds the same video.
    assert all(
        name.endswith(f"{frame // 7}.mp4")
        for name, frame in zip(column(slowest, 1), sorted(frames), strict=True)
    )


def test_words_are_sorted_from_a_on(opened: Any) -> None:
    page = opened()
    failed = table(page, "The last attempt")
    failed.get_by_role("button", name="Video").click()
    names = column(failed, 1)
    # Digits come before letters: the name with the fewest of them is the first.
    assert [len(name) for name in names] == sorted(len(name) for name in names)
    assert failed.locator("[aria-sort=ascending]").inner_text().startswith("Video")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_it_is_readable_everywhere(opened: Any, scheme: str, viewport: dict[str, int]) -> None:
    page = opened(viewport=viewport, color_scheme=scheme)
    page.locator("details").evaluate_all("all => all.forEach((one) => one.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    contrasts = page.evaluate(CONTRASTS)
    assert len(contrasts) > 20
    # WCAG 2.2, 1.4.3: at least 4.5 to 1.
    assert {name: ratio for name, ratio in contrasts.items() if ratio < 4.5} == {}
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(17, 20, 26)"
    assert dark == (scheme == "dark")


def test_it_is_told_to_those_who_do_not_see_it(opened: Any) -> None:
    page = opened()
    for landmark in ("banner", "navigation", "main", "contentinfo"):
        assert page.get_by_role(landmark).count() == 1
    assert page.get_by_role("heading", level=1).inner_text() == "97 videos redacted"
    charts = page.get_by_role("img").all()
    assert len(charts) == 4
    for chart in charts:
        assert "the most is" in chart.get_attribute("aria-label")
    assert page.locator("main table:not(details table)").count() == page.locator("caption").count()
    assert page.locator("th:not([scope])").count() == 0
    ids = page.locator("[id]").evaluate_all("all => all.map((one) => one.id)")
    assert len(ids) == len({*ids})
    for link in page.get_by_role("navigation").get_by_role("link").all():
        assert link.get_attribute("href")[1:] in ids

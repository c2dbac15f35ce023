"""Shows a run's status on a terminal, in a notebook, or as plain lines elsewhere."""

from __future__ import annotations

import statistics
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from redact_dask.errors import UsageError
from redact_dask.monitoring.status import Observer, Status
from redact_dask.records import FACE, Usage

_LINE_S = 10.0
"""Seconds between two plain lines."""
_CELL_S = 0.5
"""Seconds between two updates of a notebook's bar."""


@contextmanager
def show_progress(console: Console) -> Iterator[Observer]:
    """Yield an observer that shows the status as a live line on a terminal, else as plain lines."""
    if console.is_terminal:
        columns = [BarColumn(), TaskProgressColumn(), TextColumn("{task.description}")]
        with Progress(*columns, console=console) as progress:
            bar = progress.add_task("starting", total=1.0)
            yield lambda status: progress.update(
                bar, completed=status.share, description=describe(status)
            )
    else:
        yield _Lines(console)


def notebook() -> Observer:
    """Return an observer that shows the status below the cell of a notebook.

    Raises
    ------
    UsageError
        This is no notebook.
    """
    try:
        from IPython.display import HTML, display  # noqa: PLC0415 (only notebooks have it)
    except ImportError:
        raise UsageError("IPython is not installed: leave out notebook_progress") from None
    handle = display(HTML(""), display_id=True)
    if handle is None:
        raise UsageError("this is no notebook: leave out notebook_progress")
    shown = float("-inf")

    def show(status: Status) -> None:
        nonlocal shown
        over = status.counts.complete and status.ended == status.counts.videos
        if over or time.monotonic() - shown >= _CELL_S:
            shown = time.monotonic()
            bar = f'<progress value="{status.share}" style="width: 100%"></progress>'
            handle.update(HTML(f"{bar}<p>{describe(status)}</p>"))

    return show


class _Lines:
    """Shows the status as a plain line from time to time."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._last = float("-inf")

    def __call__(self, status: Status) -> None:
        if time.monotonic() - self._last >= _LINE_S:
            self._last = time.monotonic()
            self._console.print(f"{status.share:4.0%}  {describe(status)}", soft_wrap=True)


def one_line(text: str) -> str:
    r"""Return a text whose line breaks and other control characters are written as escapes.

    The name of a file may hold them: printed as they are, they would forge lines.

    >>> one_line("a\nquarantined b.mp4")
    'a\\nquarantined b.mp4'
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def describe(status: Status) -> str:
    """Return the status in one line."""
    left = None if status.endless else status.seconds_left
    parts = [
        f"{status.ended}/{status.counts.videos}{'' if status.counts.complete else '+'} videos",
        f"{status.quarantined} quarantined" if status.quarantined else "",
        f"{status.frames_per_second:.1f} frames/s",
        describe_usage(status.usage, status.dollars) if status.usage.calls else "",
        describe_lag(status.lags) if status.endless and status.lags else "",
        f"{timedelta(seconds=round(left))} left" if left is not None else "",
        f"workers paused for want of memory: {status.paused}" if status.paused else "",
    ]
    return ", ".join(part for part in parts if part)


def describe_lag(lags: Collection[float]) -> str:
    """Return the median and the longest of some videos' lags, seconds, in a few words.

    A lag is the time from the landing of a video to its publishing.

    >>> describe_lag([4.0, 2.5, 31.0])
    'lag 4.0 s (at most 31.0 s)'
    """
    return f"lag {statistics.median(lags):.1f} s (at most {max(lags):.1f} s)"


def describe_tracks(tracks: Mapping[str, int]) -> str:
    """Return how many tracks of each label were hidden, in a few words.

    >>> describe_tracks({"face": 3, "plate": 2})
    '3 faces, 2 of label plate'
    """
    faces = tracks.get(FACE, 0)
    others = (f"{count} of label {label}" for label, count in tracks.items() if label != FACE)
    return ", ".join([f"{faces} face{'' if faces == 1 else 's'}", *others])


def describe_usage(usage: Usage, dollars: float) -> str:
    """Return the calls to a paid service and their price, in a few words.

    >>> describe_usage(Usage(calls=12_000, throttled=3), dollars=12.0)
    '12,000 calls for $12.00, 3 throttled'
    """
    parts = [
        f"{usage.calls:,} calls for ${dollars:,.2f}",
        f"{usage.throttled:,} throttled" if usage.throttled else "",
        f"{usage.retried:,} retried" if usage.retried else "",
    ]
    return ", ".join(part for part in parts if part)

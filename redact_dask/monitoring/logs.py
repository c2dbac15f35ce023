"""Writes log lines that name their video, stage and chunk, for people or for programs."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Literal

from distributed import Worker, WorkerPlugin

Style = Literal["text", "json"]

_LOG = logging.getLogger("redact_dask")
_LOG.addHandler(logging.NullHandler())  # Without a handler, Python would print warnings by itself.
_about: ContextVar[dict[str, Any]] = ContextVar("about")
"""Video, stage and chunk that the lines of this task are about."""


def configure(style: Style) -> None:
    """Write this process's log lines to its standard error from now on."""
    handler = _ToStandardError()
    handler.setFormatter(_Formatter(style))
    _LOG.handlers = [handler]
    _LOG.setLevel(logging.INFO)
    _LOG.propagate = False


class ConfiguresLogs(WorkerPlugin):
    """Lets workers write log lines too, each to its own standard error."""

    name = "redact-dask-writes-logs"

    def __init__(self, style: Style) -> None:
        self._line_style = style

    def setup(self, worker: Worker) -> None:  # noqa: ARG002 (Dask's contract)
        """Configure the worker's log, whenever the worker starts."""
        configure(self._line_style)


@contextmanager
def task(video: str, stage: str, chunk: int | None) -> Iterator[None]:
    """Name the task of the block in all its log lines, and log its beginning and its end.

    Parameters
    ----------
    video
        Path of the video below its source.
    stage
        Name of the stage.
    chunk
        Number of the chunk; None: the task is about the whole video.
    """
    token = _about.set({"video": video, "stage": stage, "chunk": chunk})
    begun = datetime.now(UTC)
    try:
        _LOG.info("begun")
        yield
        _LOG.info("ended", extra={"facts": {"seconds": _seconds_since(begun)}})
    except Exception as error:
        _LOG.warning("failed: %s", error, extra={"facts": {"seconds": _seconds_since(begun)}})
        raise
    finally:
        _about.reset(token)


def log(message: str) -> None:
    """Log a line that is about no single video."""
    _LOG.info(message)


def log_video(message: str, video: str, stage: str | None = None, **facts: Any) -> None:
    """Log what became of a video."""
    about = {"video": video, "stage": stage, "chunk": None}
    _LOG.info(message, extra={"facts": about | facts})


def _seconds_since(moment: datetime) -> float:
    return round((datetime.now(UTC) - moment).total_seconds(), 3)


class _ToStandardError(logging.StreamHandler[Any]):
    """Looks up standard error for each line, because a progress bar may have replaced it."""

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stderr
        super().emit(record)


class _Formatter(logging.Formatter):
    """Formats a line as JSON, or as text with a ``key=value`` for each fact."""

    def __init__(self, style: Style) -> None:
        super().__init__()
        self._line_style = style

    def format(self, record: logging.LogRecord) -> str:
        facts = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            **_about.get({"video": None, "stage": None, "chunk": None}),
            **getattr(record, "facts", {}),
        }
        if self._line_style == "json":
            return json.dumps(facts)
        shown = (
            " ".join(value.splitlines())
            if key in ("time", "level", "message")
            else f"{key}={json.dumps(value)}"
            for key, value in facts.items()
            if value is not None
        )
        return " ".join(shown)

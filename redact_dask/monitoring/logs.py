"""Log lines that tell which video, stage and chunk they are about, for people or for programs."""

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
_LOG.addHandler(logging.NullHandler())  # Else Python would print warnings that nobody asked for.
_about: ContextVar[dict[str, Any]] = ContextVar("about")


def configure(style: Style) -> None:
    """Write this process's lines to its standard error from now on."""
    handler = _ToStandardError()
    handler.setFormatter(_Formatter(style))
    _LOG.handlers = [handler]
    _LOG.setLevel(logging.INFO)
    _LOG.propagate = False


class ConfiguresLogs(WorkerPlugin):
    """Lets workers write their lines too, to where their standard error goes."""

    name = "redact-dask-writes-logs"

    def __init__(self, style: Style) -> None:
        self._written = style

    def setup(self, worker: Worker) -> None:  # noqa: ARG002 (Dask's contract)
        """Run on each worker when it starts, and when it starts again."""
        configure(self._written)


@contextmanager
def task(video: str, stage: str, chunk: int | None) -> Iterator[None]:
    """Name the task that the block is in all its lines, and tell of its beginning and its end.

    Parameters
    ----------
    video
        Path of the video below its source.
    stage
        Name of the stage.
    chunk
        Its number; None: the whole video.
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


def log_video(message: str, video: str, stage: str | None = None, **facts: Any) -> None:
    """Tell what became of a video."""
    about = {"video": video, "stage": stage, "chunk": None}
    _LOG.info(message, extra={"facts": about | facts})


def _seconds_since(moment: datetime) -> float:
    return round((datetime.now(UTC) - moment).total_seconds(), 3)


class _ToStandardError(logging.StreamHandler[Any]):
    """Asks for standard error at each line: a progress bar may have put itself in between."""

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stderr
        super().emit(record)


class _Formatter(logging.Formatter):
    def __init__(self, style: Style) -> None:
        super().__init__()
        self._written = style

    def format(self, record: logging.LogRecord) -> str:
        facts = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            **_about.get({"video": None, "stage": None, "chunk": None}),
            **getattr(record, "facts", {}),
        }
        if self._written == "json":
            return json.dumps(facts)
        shown = (
            " ".join(value.splitlines())
            if key in ("time", "level", "message")
            else f"{key}={json.dumps(value)}"
            for key, value in facts.items()
            if value is not None
        )
        return " ".join(shown)

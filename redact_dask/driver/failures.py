"""Turns the exception of a task into a failure: what went wrong, as a sentence, and whose fault."""

from __future__ import annotations

import errno

from distributed import KilledWorker

from redact_dask import storage
from redact_dask.errors import Blame, RedactError, VideoError
from redact_dask.records import Failure

_EXHAUSTED = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.EAGAIN}
)
"""Errors of a machine that has too little of something, whichever file it works on."""


def failure_of(stage: str, error: BaseException) -> Failure:
    """Return the failure that the exception of a task stands for."""
    return Failure(stage, _sentence(error), type(error).__name__, _blame(error))


def _sentence(error: BaseException) -> str:
    """Return one sentence for a person.

    >>> _sentence(PermissionError("s3://fleet is closed"))
    'PermissionError: s3://fleet is closed'
    """
    if isinstance(error, KilledWorker):
        return (
            f"KilledWorker: {error.allowed_failures + 1} workers have died of it: a crash, too "
            "little memory, or more time than driver.stage_limit_s"
        )
    if isinstance(error, VideoError):
        return str(error)
    return f"{type(error).__name__}: {error}"


def _blame(error: BaseException) -> Blame:
    """Tell whose fault an exception is; what nobody has foreseen is that of the host's software."""
    if isinstance(error, RedactError):
        return error.blame
    if isinstance(error, storage.FAILURES):
        exhausted = isinstance(error, OSError) and error.errno in _EXHAUSTED
        return Blame.HOST if exhausted else Blame.STORE
    return Blame.HOST

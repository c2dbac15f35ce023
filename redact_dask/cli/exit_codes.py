"""The exit codes of the commands, and the sentence that goes with each."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

from redact_dask import storage
from redact_dask.errors import RunEnded, UsageError, VideoError

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_QUARANTINED = 3
EXIT_GATE = 4


@contextmanager
def exit_on_error(console: Console) -> Iterator[None]:
    """Print an error of the block as one sentence, and exit with the code of its kind."""
    try:
        yield
    except UsageError as error:
        _tell(console, str(error))
        sys.exit(EXIT_USAGE)
    except VideoError as error:
        _tell(console, str(error))
        sys.exit(EXIT_QUARANTINED)
    except RunEnded as error:
        _tell(console, f"{error}; the same command goes on from here")
        sys.exit(EXIT_FAILED)
    except storage.FAILURES as error:
        _tell(console, f"the store or the cluster failed: {error}")
        sys.exit(EXIT_FAILED)
    except KeyboardInterrupt:
        console.print("Interrupted; the same command goes on from here.")
        sys.exit(EXIT_FAILED)


def _tell(console: Console, sentence: str) -> None:
    console.print(f"Error: {sentence}", style="red", markup=False, highlight=False, soft_wrap=True)

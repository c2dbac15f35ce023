"""The entry point of ``redact-dask`` and of ``python -m redact_dask``.

Worker processes on this machine import the program that started them, so this module imports next
to nothing.
"""

import time

_STARTED = time.monotonic()
"""When the command began: what it loads takes time, too."""


def main() -> None:
    """Run the command line."""
    from redact_dask.cli.main import main as command  # noqa: PLC0415 (not in workers)

    command(prog_name="redact-dask", obj=_STARTED)


if __name__ == "__main__":
    main()

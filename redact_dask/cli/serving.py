"""What the commands that serve a page to a person have in common."""

from __future__ import annotations

import getpass
import re
import signal
import time
from threading import Thread

import click

from redact_dask.pages.server import Server


def user() -> str:
    """Return the user's name, without what no name of a person may have here."""
    return re.sub(r"[^\w.-]", "-", getpass.getuser())[:40]


def serve(server: Server, kept: str) -> None:
    """Serve a page until somebody interrupts it.

    No browser is started: its command line would tell the page's token to all of this machine.

    Parameters
    ----------
    server
        The page's server.
    kept
        What is kept of what the person does, for a sentence: ``every answer``.
    """
    # A shell lets what it starts in the background ignore interrupts: nothing else ends this.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with server:
        # In a thread of its own: Ctrl-C must not fall into the middle of a request.
        serving = Thread(target=server.serve_forever)
        serving.start()
        try:
            click.echo(f"page      {server.url}")
            click.echo(f"          Ctrl-C ends it; {kept} is kept at once")
            while serving.is_alive():
                time.sleep(0.5)  # A signal that another thread gets does not end a longer wait.
        except KeyboardInterrupt:
            click.echo()
        finally:
            server.shutdown()
            serving.join()

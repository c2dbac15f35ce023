"""The page of an audit: what its requests are answered with. It writes nothing but answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from redact_dask.audit.session import Session
from redact_dask.pages import server
from redact_dask.pages.server import Content


class Server(server.Server):
    """Serves the page of one session.

    Parameters
    ----------
    session
        What the page shows.
    port
        Port to listen on; 0: any that is free.

    Raises
    ------
    UsageError
        The port cannot be had.
    """

    package = "redact_dask.audit"
    files = frozenset({"page.css", "page.js"})
    largest = 4096

    def __init__(self, session: Session, port: int = 0) -> None:
        super().__init__(port)
        self._session = session

    def told(self, parts: Sequence[str]) -> Content | None:
        """Return what the page shows at first, a picture, or a detector's finds on it."""
        pictures = self._session.pictures
        match parts:
            case ["state"]:
                return Content.json(self._session.state())
            case ["pictures", item, ("-1" | "0" | "1") as offset] if item.isdecimal():
                return Content(pictures.jpeg(int(item), int(offset)), "image/jpeg")
            case ["finds", item] if item.isdecimal():
                return Content.json(pictures.finds(int(item)))
        return None

    def taken(self, parts: Sequence[str], given: dict[str, Any]) -> Content | None:
        """Keep an answer."""
        match parts:
            case ["answers", item] if item.isdecimal():
                return Content.json(self._session.answer(int(item), given))
        return None

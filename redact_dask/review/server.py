"""The page of a review: what its requests are answered with.

It shows sources, so it shows faces: nothing of them is written to a disk. It writes nothing but
edits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from redact_dask.pages import server
from redact_dask.pages.server import Content
from redact_dask.review.session import Session


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

    package = "redact_dask.review"
    files = frozenset({"page.css", "page.js", "draft.js", "pictures.js", "stage.js", "timeline.js"})
    largest = 2**16

    def __init__(self, session: Session, port: int = 0) -> None:
        super().__init__(port)
        self._session = session

    def told(self, parts: Sequence[str]) -> Content | None:
        """Return what the page shows at first, or of a video, or on some frames; or a picture."""
        name, *rest = parts
        if name == "state" and not rest:
            return Content.json(self._session.state())
        if name == "pictures" and rest and rest[-1] in ("source", "copy"):
            rest, of = rest[:-1], rest[-1]
        numbers = [int(part) for part in rest if part.isdecimal() and len(part) < 10]
        if len(numbers) < len(rest):
            return None
        match name, numbers:
            case "videos", [number]:
                return Content.json(self._session.video(number))
            case "marks", [number, stream, first]:
                return Content.json(self._session.marks(number, stream, first))
            case "pictures", [number, stream, frame, width] if len(parts) == 6 and width:
                jpeg = self._session.picture(number, stream, of, frame, width)
                return Content(jpeg, "image/jpeg")
        return None

    def taken(self, parts: Sequence[str], given: dict[str, Any]) -> Content | None:
        """Keep an edit."""
        match parts:
            case ["edits", number] if number.isdecimal():
                return Content.json(self._session.edit(int(number), given))
        return None

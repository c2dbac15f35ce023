"""What people said about the frames of a sample: rows that are only ever added."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum

import pyarrow as pa

from redact_dask import storage
from redact_dask.audit.audits import Audit, Item
from redact_dask.errors import UsageError
from redact_dask.manifest import files


class Verdict(StrEnum):
    """What a judge says about a frame."""

    CLEAN = "clean"
    """Everybody in it is hidden, or nobody is there."""
    LEAK = "leak"
    """Something is visible that had to be hidden."""
    UNSURE = "unsure"
    """The judge cannot tell. The bound counts it as a leak, the estimate does not."""


Box = tuple[float, float, float, float]
"""Left, upper, right and lower edge, pixels of the picture as it is shown."""

_SCHEMA = pa.schema(
    [
        pa.field(name, kind, metadata={"description": description})
        for name, kind, description in (
            ("judge", pa.string(), "name of the person"),
            ("time", pa.timestamp("us", tz="UTC"), "when the answer was given"),
            ("item", pa.int32(), "rank of the frame in the sample"),
            ("video", pa.string(), "the video's name in the dataset videos"),
            ("stream", pa.int32(), "number of the video stream in the copy; null: the only one"),
            ("frame", pa.int64(), "rank in presentation order, from 0"),
            ("stratum", pa.string(), "stratum of the frame"),
            ("weight", pa.float64(), "frames for which this one stands if all are judged"),
            ("verdict", pa.string(), "clean, leak or unsure"),
            ("x0", pa.float64(), "left edge of what leaks, pixels of the shown picture, or null"),
            ("y0", pa.float64(), "its upper edge"),
            ("x1", pa.float64(), "its right edge"),
            ("y1", pa.float64(), "its lower edge"),
            ("label", pa.string(), "what leaks, such as face; null if nothing does"),
        )
    ]
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What one judge says about one frame of the sample; a later answer replaces it."""

    judge: str
    time: datetime
    item: int
    """Rank of the frame in the sample."""
    verdict: Verdict
    box: Box | None = None
    label: str | None = None


class Writer:
    """Appends the answers of one judge to an audit: each is on the store before the next.

    Raises
    ------
    UsageError
        The judge's name cannot be a part of a file's name.
    """

    def __init__(self, audit: Audit, judge: str) -> None:
        if not re.fullmatch(r"\w[\w.-]{0,39}", judge):
            raise UsageError(
                f"the judge's name {judge!r} must have at most 40 letters, digits, dots, dashes "
                "and underscores: give one with --as"
            )
        self._items = audit.items
        run = f"{judge}-{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"
        self._parts = files.Parts(_folder(audit), run)

    def add(self, answer: Answer) -> None:
        """Append an answer."""
        self._parts.append([_table([answer], self._items)])

    def close(self) -> None:
        """Merge the small files of this judge."""
        self._parts.merge()


def read(audit: Audit) -> list[Answer]:
    """Return the answers to an audit, one for each judge and frame: the last."""
    last: dict[tuple[str, int], Answer] = {}
    for content in files.contents(_folder(audit)):
        for row in files.table(content).to_pylist():
            sides = tuple(row[side] for side in ("x0", "y0", "x1", "y1"))
            box = None if None in sides else sides
            answer = Answer(
                row["judge"], row["time"], row["item"], Verdict(row["verdict"]), box, row["label"]
            )
            known = last.get((answer.judge, answer.item))
            if known is None or known.time <= answer.time:
                last[answer.judge, answer.item] = answer
    return sorted(last.values(), key=lambda answer: (answer.item, answer.judge))


def _folder(audit: Audit) -> str:
    return storage.join(audit.folder, "answers")


def _table(answers: Sequence[Answer], items: Sequence[Item]) -> pa.Table:
    rows = []
    for answer in answers:
        sides = dict(zip(("x0", "y0", "x1", "y1"), answer.box or [None] * 4, strict=True))
        rows.append(asdict(items[answer.item]) | asdict(answer) | sides)
    return pa.Table.from_pylist(rows, _SCHEMA)

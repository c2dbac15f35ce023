"""Reads what a queue tells of objects that land in S3, in the forms in which AWS sends it.

S3 sends its notifications itself, through SNS, or as events of EventBridge. Anybody may send
anything else: what is not as AWS writes it is passed over, and never raises an error.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote_plus

from redact_dask.sources.listing import Listed

_STRANGE = (ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError)
"""Errors that come of reading a message that is not as AWS writes it."""
_LONGEST_NAME = 100
"""Most characters of an event's name that are told."""
_LARGEST = 2**50
"""Bytes that no object of S3 has: more would not fit into the backlog's numbers either."""


@dataclass(slots=True)
class Told:
    """What a message of the queue tells."""

    landed: list[Listed] = field(default_factory=list)
    """Objects that landed."""
    passed_over: list[str] = field(default_factory=list)
    """For each thing that is passed over, what it is."""
    is_whole: bool = True
    """Whether all of the message is S3's."""


def told(body: str) -> Told:
    """Read a message of S3; SNS or EventBridge may have passed it on.

    Parameters
    ----------
    body
        The message, as the queue holds it.

    >>> told('{"source": "aws.s3", "detail-type": "Object Deleted", "detail": {}}').passed_over
    ['the event Object Deleted']
    """
    found = Told()
    try:
        events = [*_events(json.loads(body))]
    except _STRANGE:
        return Told(passed_over=["a message that is none of S3's, and stays there"], is_whole=False)
    for event in events:
        try:
            name, has_landed = _name(event)
            if has_landed:
                found.landed.append(_object(event))
            else:
                found.passed_over.append(name)
        except _STRANGE:
            found.is_whole = False
            found.passed_over.append(
                "an event that is not as S3 writes it, and whose message stays"
            )
    return found


def _events(message: Any) -> Iterator[Any]:
    """Yield the events of a message, out of the envelopes around them."""
    if isinstance(message, list):  # EventBridge Pipes may send a batch.
        for inner in message:
            yield from _events(inner)
    elif "Message" in message:
        yield from _events(json.loads(message["Message"]))
    elif "Records" in message:
        yield from message["Records"]
    elif message.get("source") == "aws.s3" or message.get("Event") == "s3:TestEvent":
        yield message
    else:
        raise ValueError("none of S3's")


def _name(event: Any) -> tuple[str, bool]:
    """Return what an event is, and whether it tells of an object that landed."""
    if event.get("Event") == "s3:TestEvent":
        return "S3's test of the queue", False
    if "detail-type" in event:
        name = str(event["detail-type"])
        return f"the event {name[:_LONGEST_NAME]}", name == "Object Created"
    name = event["eventName"].removeprefix("s3:")  # Some stores write it before the name.
    return f"the event {name[:_LONGEST_NAME]}", name.startswith("ObjectCreated:")


def _object(event: Any) -> Listed:
    """Return the URL and the facts of the object that an event tells of."""
    if "detail" in event:  # EventBridge writes keys as they are.
        about, when, etag = event["detail"], event["time"], "etag"
        key = about["object"]["key"]
    else:  # S3 writes them as in a form: a space is a plus sign.
        about, when, etag = event["s3"], event["eventTime"], "eTag"
        key = unquote_plus(about["object"]["key"])
    bucket, size = about["bucket"]["name"], int(about["object"]["size"])
    written = datetime.fromisoformat(when)
    if not (isinstance(key, str) and isinstance(bucket, str) and 0 <= size < _LARGEST):
        raise ValueError("no object")
    facts = {"type": "file", "size": size, "ETag": str(about["object"][etag])}
    at = written if written.tzinfo else written.replace(tzinfo=UTC)
    return f"s3://{bucket}/{key}", facts | {"LastModified": at}

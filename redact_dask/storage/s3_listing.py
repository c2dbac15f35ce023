"""Lists what lies below a prefix in S3: a thousand keys in a request, several requests at once.

S3 gives the next page of a listing only to a caller who has the page before, so the requests of one
listing follow each other. But folders can be listed beside each other. A listing that goes on is
therefore parted into its folders, unless these are so small that it would take many more requests.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Container, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from typing import Any

_AT_ONCE = 8
"""Requests in flight."""
_SMALL = 16
"""Folders in one page of keys; if it shows more, they are too small to be listed each by itself."""
_ENOUGH = 256
"""Folders that wait to be listed; while there are as many, none is parted into its own folders."""
_LAST = "\U0010ffff"
"""The character after which no other comes in S3's order."""

_Question = dict[str, str]
"""Parameters of a request, besides those that all requests of a listing share."""


def pages(
    fs: Any, path: str, skip: Container[str], *, in_order: bool
) -> Iterator[dict[str, dict[str, Any]]]:
    """Yield the files below a prefix by the thousand; s3fs itself would hold all in memory.

    Parameters
    ----------
    fs, path
        s3fs's file system; the bucket's name and the prefix, as in ``bucket/a/b``.
    skip
        Names of folders directly below the prefix whose files are left out.
    in_order
        Whether files come in the store's order. Else folders are listed at once, and the order is
        another one, but the same each time.
    """
    bucket, key, _ = fs.split_path(path)
    root = f"{key}/" if key else ""
    waiting: deque[_Question] = deque([{"Prefix": root}])
    asked: deque[tuple[_Question, Future[Any]]] = deque()

    def ask() -> None:
        while waiting and len(asked) < _AT_ONCE:
            question = waiting.popleft()
            where = {"Bucket": bucket, **fs.req_kw, **question}
            asked.append((question, pool.submit(fs.call_s3, "list_objects_v2", **where)))

    def skipped(name: str) -> str:
        """Return the folder that is left out and holds a key, or is it; empty: none does."""
        top, slash, _ = name.removeprefix(root).partition("/")
        return f"{root}{top}/" if slash and top in skip else ""

    _read_times_fast(fs)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        while waiting or asked:
            ask()
            question, future = asked.popleft()
            answer = future.result()
            listed = answer.get("Contents", ())
            kept = {found["Key"]: found for found in listed if not skipped(found["Key"])}
            may_part = not in_order and len(waiting) < _ENOUGH and question.keys() == {"Prefix"}
            if may_part and answer["IsTruncated"] and _folders(kept, question["Prefix"]) <= _SMALL:
                # The page is dropped: its keys come again when the folders are listed.
                waiting.appendleft(question | {"Delimiter": "/"})
                continue
            below = [common["Prefix"] for common in answer.get("CommonPrefixes", ())]
            waiting.extend({"Prefix": name} for name in below if not skipped(name))
            if answer["IsTruncated"]:
                place = {"ContinuationToken": answer["NextContinuationToken"]}
                if "Delimiter" in question:  # Behind its folders: there may be millions of them.
                    waiting.append(question | place)
                else:
                    folder = skipped(listed[-1]["Key"]) if listed else ""
                    place = {"StartAfter": folder + _LAST} if folder else place
                    waiting.appendleft({"Prefix": question["Prefix"]} | place)
            ask()  # The store works while the caller does.
            yield {
                f"{bucket}/{name}": found | {"type": "file", "size": found["Size"]}
                for name, found in kept.items()
                if found["Size"] or not name.endswith("/")  # Folders may have a marker.
            }


def _folders(keys: Iterable[str], prefix: str) -> int:
    """Count the folders directly below a prefix in which keys lie."""
    below = (key.removeprefix(prefix).partition("/") for key in keys)
    return len({folder for folder, slash, _ in below if slash})


def _read_times_fast(fs: Any) -> None:
    """Let a connection read times with little CPU: of a long listing's, botocore takes two thirds.

    For each, botocore tries out what form it may have.
    """
    fs.connect()
    factory = fs.session.get_component("response_parser_factory")
    factory.set_parser_defaults(timestamp_parser=_time)


def _time(text: Any) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except (TypeError, ValueError):  # Headers have another form.
        from botocore.utils import parse_timestamp  # noqa: PLC0415 (loads more than other stores need)

        time: datetime = parse_timestamp(text)
        return time

"""Listing the files below a folder or prefix page by page, without holding all of them."""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import Any


def of_folders(fs: Any, path: str, skip: Container[str]) -> Iterator[dict[str, dict[str, Any]]]:
    """Yield the files of one folder after the other: first its own, then those of its folders."""
    # fsspec's own walk is not used, since it silently leaves out folders that it cannot list.
    top = path.rstrip("/") or path
    waiting = [top]
    while waiting:
        folder = waiting.pop()
        try:
            listed = sorted(fs.ls(folder, detail=True), key=lambda found: str(found["name"]))
        except FileNotFoundError:
            continue  # The folder was removed meanwhile, or never existed.
        except PermissionError:
            if folder.endswith("/lost+found"):
                continue  # The file system itself keeps this folder at its root.
            raise
        kept = [found for found in listed if folder != top or _name(found) not in skip]
        below = [found["name"] for found in kept if found["type"] == "directory"]
        waiting += reversed(below)
        yield {found["name"]: found for found in kept if found["type"] != "directory"}


def _name(found: dict[str, Any]) -> str:
    return str(found["name"]).rstrip("/").rpartition("/")[2]


def of_s3(fs: Any, path: str, skip: Container[str]) -> Iterator[dict[str, dict[str, Any]]]:
    """Yield the files below a prefix by the thousand; s3fs itself would hold all in memory."""
    bucket, key, _ = fs.split_path(path)
    prefix = f"{key}/" if key else ""
    where = {"Bucket": bucket, "Prefix": prefix, **fs.req_kw}
    place: dict[str, str] = {}
    while True:
        answer = fs.call_s3("list_objects_v2", **where, **place)
        page: dict[str, dict[str, Any]] = {}
        skipped = None
        for found in answer.get("Contents", ()):
            top, below, _ = found["Key"].removeprefix(prefix).partition("/")
            if below and top in skip:
                skipped = top
            elif found["Size"] or not found["Key"].endswith("/"):  # Folders may have a marker.
                facts = {"type": "file", "size": found["Size"]}
                page[f"{bucket}/{found['Key']}"] = found | facts
        yield page
        if not answer["IsTruncated"]:
            return
        place = {"ContinuationToken": answer["NextContinuationToken"]}
        if skipped and found["Key"].startswith(f"{prefix}{skipped}/"):
            # "0" is the character after "/", so this is where the keys after the folder begin.
            place = {"StartAfter": f"{prefix}{skipped}0"}

"""Finds fsspec's file system of a URL; one in S3 gets the settings of its place."""

from __future__ import annotations

from typing import Any

import fsspec

from redact_dask.errors import SourceError
from redact_dask.storage import access


def file_system(url: str, *, writing: bool = False) -> tuple[Any, str]:
    """Return the file system of a URL, and the path on it.

    Parameters
    ----------
    url
        The URL.
    writing
        Whether something is written or removed there.

    Raises
    ------
    SourceError
        A package that the URL or its settings need is missing.
    """
    # fsspec's own function takes "::" for a chain of URLs, but files may be named so.
    protocol = fsspec.core.split_protocol(url)[0] or "file"
    try:
        kind = fsspec.get_filesystem_class(protocol)
        # A cached listing would hide what other processes have written since then.
        options = {"use_listings_cache": False} | kind._get_kwargs_from_urls(url)  # noqa: SLF001
        if is_on_s3(kind):
            # It loads more than other stores need.
            from redact_dask.storage import s3_connection  # noqa: PLC0415

            options |= s3_connection.arguments(access.of(url, writing=writing))
        fs = kind(**options)
    except (ImportError, ValueError) as error:
        raise SourceError(f"{url} cannot be reached: {error}") from None
    return fs, str(kind._strip_protocol(url))  # noqa: SLF001


def is_on_s3(fs: Any) -> bool:
    """Tell whether a file system is S3, or another store with its interface."""
    return "s3" in fs.protocol

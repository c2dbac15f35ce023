"""Files on any store, the locks and leases on them, and scratch space on this machine's disk.

The functions of the modules `files` and `digests` are called through this package:
``storage.read(url)``.
"""

from redact_dask.storage.digests import Digest, digest
from redact_dask.storage.files import (
    READ_AHEAD,
    canonical,
    escaped,
    exists,
    find,
    glob,
    info,
    is_folder,
    is_s3,
    join,
    local_path,
    modified,
    named,
    open_read,
    prune,
    publish,
    read,
    remove,
    version,
    walk,
    write,
)
from redact_dask.storage.s3 import FAILURES

__all__ = [
    "FAILURES",
    "READ_AHEAD",
    "Digest",
    "canonical",
    "digest",
    "escaped",
    "exists",
    "find",
    "glob",
    "info",
    "is_folder",
    "is_s3",
    "join",
    "local_path",
    "modified",
    "named",
    "open_read",
    "prune",
    "publish",
    "read",
    "remove",
    "version",
    "walk",
    "write",
]

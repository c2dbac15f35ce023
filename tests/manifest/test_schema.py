"""A file of the manifest explains itself."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from made_up import ROWS

from redact_dask import manifest
from redact_dask.manifest import SCHEMAS, Writer


@pytest.mark.parametrize("name", SCHEMAS)
def test_files_explain_themselves(name: str, root: str) -> None:
    writer = Writer(root, "run-1")
    writer.add({name: [ROWS[name]]})
    writer.flush()
    (file,) = (Path(root) / name).iterdir()
    schema = pq.read_schema(file)
    assert schema.equals(SCHEMAS[name])
    assert schema.metadata[b"redact_dask.schema_version"] == manifest.SCHEMA_VERSION.encode()
    for field, planned in zip(schema, SCHEMAS[name], strict=True):
        assert field.metadata[b"description"] == planned.metadata[b"description"] != b""

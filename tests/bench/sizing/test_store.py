"""Figures of every bench are kept."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from made_up_costs import run

from redact_dask.bench.sizing import store


def test_every_bench_appends(tmp_path: Path) -> None:
    store.append(tmp_path, [run()])
    store.append(tmp_path, [run(), run(twin="B")])
    table = pq.read_table(tmp_path / "runs")
    assert table.num_rows == 3
    (first, *_) = table.to_pylist(maps_as_pydicts="strict")
    assert first["seconds_by_stage"]["detect"] == pytest.approx(4)
    assert {"python", "dask", "redact-dask"} <= {*first["versions"]}
    assert int(first["machine"]["cores"]) >= 1

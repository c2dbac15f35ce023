"""The tables of the page."""

from __future__ import annotations

import math
from dataclasses import replace

from made_up_costs import ONE, run

from redact_dask.bench.sizing import catalogue, compare, offers, tables


def test_tables_tell_shapes_offers_knees_and_sources() -> None:
    found = compare.series([run(), run(replace(ONE, processes=2), wall_s=9), run(twin="B")])
    told = tables.measured(found)
    assert "| 2 x 1 | 10 s | centerface | 11.1 | 9.0 (9.0 to 9.0) |" in told
    hired = catalogue.load()
    works = offers.workloads(frames=100, rate=25, chunk_s=10)
    assert [work.frames for work in works] == [100, 90_000, 90_000_000]
    costs = compare.costs([run()], "centerface")
    answers = offers.answer(hired, costs, works, math.inf, lambda _: 0.0)
    page = tables.predicted(answers, works, hired, "centerface")
    for offer in hired.offers():
        assert f"| {offer.instance.name} | {offer.market} |" in page
    for source in hired.sources.values():
        assert source.url in page
    assert "- an hour of video: " in page

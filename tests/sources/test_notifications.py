"""Messages of a queue are read in each form in which AWS sends them, and no other one does harm."""

from __future__ import annotations

import json
from typing import Any

import pytest

from redact_dask.sources import notifications

TIME = "2026-02-03T04:05:06Z"
OTHERS = ["a message that is none of S3's, and stays there"]
STRANGE = ["an event that is not as S3 writes it, and whose message stays"]


def record(key: str, event: str = "ObjectCreated:Put", **facts: Any) -> dict[str, Any]:
    """Return what S3 tells of an object by itself."""
    thing = {"key": key, "size": 5, "eTag": "9b2c-2", "sequencer": "00"} | facts
    s3 = {"s3SchemaVersion": "1.0", "bucket": {"name": "raw"}, "object": thing}
    return {"eventSource": "aws:s3", "eventName": event, "eventTime": TIME, "s3": s3}


def bridged(key: str, kind: str = "Object Created", **facts: Any) -> dict[str, Any]:
    """Return what EventBridge tells of an object."""
    thing = {"key": key, "size": 5, "etag": "9b2c-2", "sequencer": "00"} | facts
    detail = {"version": "0", "bucket": {"name": "raw"}, "object": thing, "reason": "PutObject"}
    return {
        "version": "0",
        "detail-type": kind,
        "source": "aws.s3",
        "time": TIME,
        "detail": detail,
    }


def sns(message: object) -> dict[str, Any]:
    """Return a message in the envelope of SNS."""
    return {"Type": "Notification", "TopicArn": "arn:aws:sns:x", "Message": json.dumps(message)}


@pytest.mark.parametrize(
    "message",
    [
        {"Records": [record("day+1/a%2Bb.mp4"), record("%C3%BC.mp4")]},
        sns({"Records": [record("day+1/a%2Bb.mp4"), record("%C3%BC.mp4")]}),
        [bridged("day 1/a+b.mp4"), bridged("ü.mp4")],
        [sns(bridged("day 1/a+b.mp4")), bridged("ü.mp4")],
        {"Records": [record("day+1/a%2Bb.mp4", "s3:ObjectCreated:Copy"), record("ü.mp4")]},
    ],
    ids=["S3", "SNS", "EventBridge", "EventBridge through SNS", "another store"],
)
def test_each_sender_is_understood(message: object) -> None:
    told = notifications.told(json.dumps(message))
    assert [url for url, _ in told.landed] == ["s3://raw/day 1/a+b.mp4", "s3://raw/ü.mp4"]
    facts = told.landed[0][1]
    assert (facts["size"], facts["ETag"], facts["type"]) == (5, "9b2c-2", "file")
    assert facts["LastModified"].isoformat() == "2026-02-03T04:05:06+00:00"
    assert (told.is_whole, told.passed_over) == (True, [])


def test_eventbridge_writes_a_key_as_it_is() -> None:
    told = notifications.told(json.dumps(bridged("100%25+1.mp4")))
    assert [url for url, _ in told.landed] == ["s3://raw/100%25+1.mp4"]


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "raw"}, "S3's test of"),
        (sns({"Service": "Amazon S3", "Event": "s3:TestEvent"}), "S3's test of the queue"),
        ({"Records": [record("a.mp4", "ObjectRemoved:Delete")]}, "the event ObjectRemoved:Delete"),
        (bridged("a.mp4", "Object Deleted"), "the event Object Deleted"),
        (bridged("a.mp4", "Object Restore Completed"), "the event Object Restore Completed"),
    ],
)
def test_what_is_s3s_and_no_landing_is_passed_over(message: object, kind: str) -> None:
    told = notifications.told(json.dumps(message))
    assert (told.landed, told.is_whole) == ([], True)
    assert told.passed_over[0].startswith(kind)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "text",
        "null",
        "1",
        '"text"',
        "{}",
        "[" * 100_000,
        '{"Message": ' * 5 + "1" + "}" * 5,
        '{"Message": "hello"}',
        '{"Records": 1}',
        '{"source": "aws.ec2", "detail-type": "EC2 Instance State-change Notification"}',
        json.dumps({"Type": "SubscriptionConfirmation", "Message": "You have chosen to ..."}),
    ],
)
def test_what_is_none_of_s3s_stays(body: str) -> None:
    told = notifications.told(body)
    assert (told.landed, told.passed_over, told.is_whole) == ([], OTHERS, False)


@pytest.mark.parametrize(
    "event",
    [
        "text",
        None,
        [],
        {},
        record("a.mp4", size=None),
        record("a.mp4", size=float("inf")),
        record("a.mp4", size=-1),
        record("a.mp4", size=2**63),
        record("a.mp4") | {"eventTime": "yesterday"},
        record("a.mp4") | {"eventName": 5},
        bridged(5),  # type: ignore[arg-type]
        bridged("a.mp4", size="much"),
        {"source": "aws.s3", "detail-type": "Object Created", "detail": None, "time": TIME},
    ],
)
def test_a_strange_event_costs_nothing_else(event: object) -> None:
    told = notifications.told(json.dumps({"Records": [record("b.mp4"), event, record("c.mp4")]}))
    assert [url for url, _ in told.landed] == ["s3://raw/b.mp4", "s3://raw/c.mp4"]
    assert (told.passed_over, told.is_whole) == (STRANGE, False)

"""Every setting, with its default and its unit, and how settings are read."""

from redact_dask.config.cluster import AdaptSettings, ClusterSettings, SecuritySettings
from redact_dask.config.driver import DriverSettings, WatchSettings
from redact_dask.config.evidence import EvidenceSettings
from redact_dask.config.hiding import LabelSettings, RedactSettings, TrackSettings
from redact_dask.config.output import Kept, OutputSettings, Streams
from redact_dask.config.s3 import S3Settings
from redact_dask.config.settings import (
    PROFILES,
    ChunkSettings,
    Config,
    DetectSettings,
    EncodeSettings,
    SelectSettings,
    load,
    validate,
)
from redact_dask.config.zones import ZoneSettings

__all__ = [
    "PROFILES",
    "AdaptSettings",
    "ChunkSettings",
    "ClusterSettings",
    "Config",
    "DetectSettings",
    "DriverSettings",
    "EncodeSettings",
    "EvidenceSettings",
    "Kept",
    "LabelSettings",
    "OutputSettings",
    "RedactSettings",
    "S3Settings",
    "SecuritySettings",
    "SelectSettings",
    "Streams",
    "TrackSettings",
    "WatchSettings",
    "ZoneSettings",
    "load",
    "validate",
]

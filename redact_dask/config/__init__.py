"""Every setting, with its default and its unit, and how settings are read."""

from redact_dask.config.cluster import AdaptSettings, ClusterSettings, SecuritySettings
from redact_dask.config.driver import DriverSettings, WatchSettings
from redact_dask.config.settings import (
    PROFILES,
    ChunkSettings,
    Config,
    DetectSettings,
    EncodeSettings,
    Kept,
    OutputSettings,
    RedactSettings,
    SelectSettings,
    TrackSettings,
    load,
    validate,
)

__all__ = [
    "PROFILES",
    "AdaptSettings",
    "ChunkSettings",
    "ClusterSettings",
    "Config",
    "DetectSettings",
    "DriverSettings",
    "EncodeSettings",
    "Kept",
    "OutputSettings",
    "RedactSettings",
    "SecuritySettings",
    "SelectSettings",
    "TrackSettings",
    "WatchSettings",
    "load",
    "validate",
]

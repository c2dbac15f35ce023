"""Settings of what a run leaves for those who check it later."""

from __future__ import annotations

from pydantic import Field

from redact_dask.config.loading import Section


class EvidenceSettings(Section):
    """What a run leaves for those who check it later, and for how long."""

    key: str | None = None
    """Path or URL of the private Ed25519 key, in PEM without a password, that signs the seals of
    the manifest. Only the driver reads it. By default, seals are not signed."""
    keep_paid_days: float | None = Field(None, gt=0)
    """Time after which ``_paid`` is emptied of what paid detectors saw on a published video, days
    since it was written. By default, it stays: another run with other settings would pay again."""
    keep_detections_days: float | None = Field(30, ge=0)
    """Time after which ``_kept`` is emptied of what the detectors saw on a video, days since it was
    written. Until then, a run with another style, margin or threshold looks at no frame again. 0
    keeps nothing, and ``null`` keeps it for ever."""

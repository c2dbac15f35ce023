"""Checking what a destination holds against its manifest, and the manifest against its seals."""

from redact_dask.evidence.findings import Finding, Kind
from redact_dask.evidence.verification import Counts, Expected, Verification, place

__all__ = ["Counts", "Expected", "Finding", "Kind", "Verification", "place"]

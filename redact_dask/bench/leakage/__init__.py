"""Measuring leakage: how many annotated faces stay visible in redacted videos."""

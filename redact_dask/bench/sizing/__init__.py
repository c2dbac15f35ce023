"""Sizing: how fast worker shapes are, and how long machines would take and what they would cost."""

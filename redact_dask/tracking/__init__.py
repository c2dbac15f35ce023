"""Boxes through time: from what was detected to what is hidden on every frame."""

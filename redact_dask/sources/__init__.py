"""Finds the videos of a source: lists them once, or watches for those that land."""

"""Changing pixels: regions of a picture become unrecognisable."""

"""A run over many videos: what it does next, and when it stops."""

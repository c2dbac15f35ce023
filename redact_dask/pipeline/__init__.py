"""One video: its stages, what they detect and render, and what they keep in between."""

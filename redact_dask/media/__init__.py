"""Video in and out: packets, frames, timestamps. Exact, or an error."""

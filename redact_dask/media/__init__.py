"""Reading and writing video: packets, frames and timestamps, exactly or with an error."""

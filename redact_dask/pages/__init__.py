"""Pages for browsers of this machine: the server that all share, and their look."""

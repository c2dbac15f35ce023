"""What is done next, and when to stop: a run over many videos."""

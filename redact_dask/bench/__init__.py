"""What measures a run, and predicts others."""

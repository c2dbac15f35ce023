"""From detections to hidden pixels: which regions, and how they are made unrecognisable."""

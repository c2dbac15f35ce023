"""Making regions of a picture unrecognisable by changing their pixels."""

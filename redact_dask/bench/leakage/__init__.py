"""How many annotated faces stay visible."""

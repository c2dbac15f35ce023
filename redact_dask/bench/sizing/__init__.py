"""How fast worker shapes are, and what machines would take and cost."""

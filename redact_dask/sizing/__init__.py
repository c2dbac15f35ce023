"""How long and how dear: worker shapes measured, machines and clusters predicted from that."""

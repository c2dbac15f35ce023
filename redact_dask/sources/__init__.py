"""Which videos there are: listed once, or watched as they land."""

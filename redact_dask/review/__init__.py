"""The review: what people look at once more, and what they change about what is hidden."""

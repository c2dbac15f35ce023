"""The five stages that redact one video, and the checkpoints that they save in between."""

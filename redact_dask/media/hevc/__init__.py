"""HEVC below the level of pictures: units, parameter sets, and copying GOPs unchanged."""

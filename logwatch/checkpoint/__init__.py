"""State and offsets as one atomic record."""

"""History through the real pipeline, held against labels or against itself, and what a page says of it."""

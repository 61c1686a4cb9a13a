"""Models that travel: bundles of weights and templates, and training on history."""

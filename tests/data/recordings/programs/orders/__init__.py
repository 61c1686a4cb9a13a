"""The order service: a package of its own, copied beside its data so that tracebacks show its paths."""

import logwatch  # noqa: F401  # before numpy: it says how many threads numpy takes

"""Where alerts go: each sink registers itself through `logwatch.api.plugin`."""

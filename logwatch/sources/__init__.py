"""Where records come from: each source registers itself through `logwatch.api.plugin`."""

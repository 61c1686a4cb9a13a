"""HTTP: the API, the page, health and metrics; a thread beside the daemon's loop, which it only ever asks."""

"""From scores to alerts: budget, judgement, incidents."""

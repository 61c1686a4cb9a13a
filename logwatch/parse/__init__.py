"""Raw lines to events: text safe for people, time, level, entity, redaction, and the message that the miner reads."""

"""Run once by compose.yaml, as root: the topics, and a token of the API that logwatchd's group can read."""

import os
import secrets
from pathlib import Path

from kafka.admin import KafkaAdminClient, NewTopic

GROUP = 10001
TOKEN = Path("/run/logwatchd/token")


def main() -> None:
    """What is there already stays."""
    admin = KafkaAdminClient(bootstrap_servers=["kafka:9092"])
    missing = {"app-logs", "alerts"} - set(admin.list_topics())
    if missing:
        admin.create_topics([NewTopic(name, num_partitions=4, replication_factor=1) for name in sorted(missing)])
    if not TOKEN.exists():
        with open(os.open(TOKEN, os.O_WRONLY | os.O_CREAT, 0o640), "w", encoding="ascii") as out:
            out.write(secrets.token_hex(32))
        os.chown(TOKEN, 0, GROUP)


if __name__ == "__main__":
    main()

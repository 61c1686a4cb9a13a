"""A program to watch: writes its log to Kafka, eight lines a second, and breaks for a moment every ten minutes."""

import itertools
import random
import time
from datetime import UTC, datetime

from kafka import KafkaProducer

USUAL = ("opened cart {n}", "read stock of item {n}: {d} left", "charged order {n} in {d} ms", "closed cart {n}")
ODD = ("database connection lost: server closed the connection", "retry {d} of order {n} failed", "cart {n} is gone")


def main() -> None:
    """Until it is ended."""
    producer = KafkaProducer(bootstrap_servers=["kafka:9092"])
    for number in itertools.count():
        broken = time.time() % 600 < 5
        level, texts = ("ERROR", ODD) if broken else ("INFO", USUAL)
        said = texts[number % len(texts)].format(n=random.getrandbits(16), d=random.getrandbits(6))
        producer.send("app-logs", key=b"shop", value=f"{datetime.now(UTC).isoformat()} {level} {said}".encode())
        time.sleep(0.125)


if __name__ == "__main__":
    main()

"""Apache Kafka: two brokers and the Java tools in one log, with brokers killed, frozen, corrupted and mistaken."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import ClassVar

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.admin import ConfigResource, ConfigResourceType, NewPartitions, NewTopic

from tests.data.recordings.program import Activity, Pace
from tests.data.recordings.templates.jvm import JavaProgram, compiled, java, logback
from tests.data.recordings.templates.recording import main

VERSION = "4.1.1"
NAME = f"kafka-{VERSION}-logback"
JARS = (
    f"org.apache.kafka:kafka_2.13:{VERSION}",
    f"org.apache.kafka:kafka-tools:{VERSION}",
    "ch.qos.logback:logback-classic:1.2.13",
)
PATTERN = "[%d] %p %m \\(%c\\)%n"  # Kafka's own
PORTS = {1: 9092, 2: 9192}
SERVERS = [f"127.0.0.1:{port}" for port in PORTS.values()]
SETTINGS = """node.id={node}
process.roles={roles}
listeners={listeners}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.quorum.voters=1@127.0.0.1:9093
log.dirs={home}/{node}/a,{home}/{node}/b
num.partitions=3
default.replication.factor=2
offsets.topic.replication.factor=2
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=2
transaction.state.log.num.partitions=4
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=200
log.segment.bytes=1048576
log.retention.check.interval.ms=7000
log.retention.bytes=2000000
log.roll.ms=20000
log.cleaner.backoff.ms=3000
log.flush.interval.messages=500
replica.lag.time.max.ms=6000
broker.session.timeout.ms=6000
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
allow.everyone.if.no.acl.found=true
max.connections.per.ip=60
connections.max.idle.ms=15000
"""
MISTAKES = (
    ("node.id=2", "node.id=two"),
    ("node.id=2", "node.id=7"),
    ("process.roles=broker", "process.roles=visitor"),
    ("num.partitions=3", "num.partitions=-3"),
    ("listeners=PLAINTEXT", "listeners=MAGIC"),
    ("log.dirs=", "log.dirs=/proc/nowhere,"),
    ("controller.quorum.voters=1@", "controller.quorum.voters=one@"),
    ("controller.listener.names=CONTROLLER", "controller.listener.names="),
    ("authorizer.class.name=", "authorizer.class.name=no."),
    ("listener.security.protocol.map=PLAINTEXT:PLAINTEXT", "listener.security.protocol.map=PLAINTEXT:SASL_SSL"),
)
TOOLS = (
    "org.apache.kafka.tools.ProducerPerformance --topic orders --num-records 400 --record-size 300 --throughput 200",
    "org.apache.kafka.tools.ProducerPerformance --topic orders --num-records 200 --record-size 100 --throughput -1"
    " --transactional-id copier --transaction-duration-ms 300",
    "org.apache.kafka.tools.consumer.ConsoleConsumer --topic orders --group shop --timeout-ms 4000",
    "org.apache.kafka.tools.consumer.ConsoleConsumer --topic nothing --from-beginning --timeout-ms 3000",
    "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand --describe --all-groups",
    "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand --reset-offsets --to-earliest --topic orders"
    " --group old --execute",
    "org.apache.kafka.tools.LeaderElectionCommand --election-type preferred --all-topic-partitions",
    "kafka.admin.ConfigCommand --alter --entity-type brokers --entity-name 1 --add-config log.cleaner.threads=2",
    "kafka.admin.ConfigCommand --alter --entity-type clients --entity-name web --add-config producer_byte_rate=2000",
    "org.apache.kafka.tools.AclCommand --add --allow-principal User:ann --operation Read --topic orders",
    "org.apache.kafka.tools.VerifiableConsumer --topic orders --group-id checked --max-messages 50",
)
GARBAGE = (
    b"GET / HTTP/1.1\r\n\r\n",
    b"\x7f\xff\xff\xff",
    b"\xff\xff\xff\xff",
    b"\x00\x00\x00\x08\x00\x99\x00\x00abcd",
    b"\x00\x00\x00\x0a\x00\x12\x00\x63\x00\x00\x00\x01\x00\x01",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc",
)


class Kafka(JavaProgram):
    """One node that is controller and broker, and one broker."""

    name: ClassVar[str] = "kafka"
    folder, jars, release = NAME, JARS, VERSION
    title = "Apache Kafka"
    language = "Java, Scala"
    half = "held_out"
    how = (
        "logback in place of log4j, two brokers and the Java tools in one log, INFO and DEBUG in turn; producers, "
        "transactions, consumer groups, changed topics, quotas; brokers killed, frozen and corrupted, mistakes, garbage"
    )
    header = r"\[\S+ \S+\] (?P<level>[A-Z]+) "
    trailer = r" \([\w.$]+\)$"
    same = (r"\[\S+\]:? Shutdown completed", r"Loaded index file .*")
    wrappers: ClassVar[dict[str, str]] = {}

    def activities(self) -> Sequence[Activity]:
        """Producers, consumers, an administrator, tools, strangers."""
        return (
            Activity(self._produce, every=1.0, threads=2),
            Activity(self._consume, every=2.0, threads=2),
            Activity(self._administer, every=3.0),
            Activity(self._stranger, every=4.0),
            Activity(self._tool, every=3.0),
        )

    def drive(self) -> None:
        """INFO and DEBUG in turn, a fault in each; then mistaken starts."""
        self.classpath = compiled(NAME, self.home)
        logback(self.home, PATTERN, "INFO")
        self.brokers: dict[int, subprocess.Popen[bytes]] = {}
        for node in PORTS:
            arguments = (
                "kafka.tools.StorageTool",
                "format",
                "-t",
                "MkU3OEVBNTcwNTJENDM2Qg",
                "-c",
                self._settings(node),
            )
            self._run(*arguments).wait(60)
            self._broker(node)
        self.until(lambda: len(self._admin().describe_cluster()["brokers"]) == 2, 90)
        self.run_clients(Pace(self.rng("pace"), 300))
        for level, fault in (
            ("INFO", self._kill),
            ("DEBUG", self._freeze),
            ("INFO", self._corrupt),
            ("DEBUG", self._stop),
            ("INFO", self._controller_away),
        ):
            self.over.wait(18)
            logback(self.home, PATTERN, level)
            self.over.wait(6)
            with suppress(Exception):
                fault()
            self.over.wait(4)
            logback(self.home, PATTERN, "INFO")
        self.over.set()
        self.brokers[2].terminate()
        self.brokers[2].wait(60)
        for old, new in MISTAKES:
            child = self._run("kafka.Kafka", self._settings(2, old, new))
            with suppress(subprocess.TimeoutExpired):
                child.wait(8)
            child.kill()
        self.brokers[1].terminate()
        self.brokers[1].wait(60)

    def _settings(self, node: int, old: str = "", new: str = "") -> Path:
        listeners = f"PLAINTEXT://127.0.0.1:{PORTS[node]}" + (",CONTROLLER://127.0.0.1:9093" if node == 1 else "")
        roles = "broker,controller" if node == 1 else "broker"
        text = SETTINGS.format(home=self.home, node=node, roles=roles, listeners=listeners, port=PORTS[node])
        path = self.home / f"server{node}.properties"
        path.write_text(text.replace(old, new, 1) if old else text)
        return path

    def _run(self, *arguments: object) -> subprocess.Popen[bytes]:
        skip = "kafka.utils.Logging,org.apache.kafka.common.utils.LogContext"
        argv = java(
            self.classpath,
            *arguments,
            memory="400m",
            located_skip=skip,
            located_forwarders="trace,debug,info,warn,error,fatal",
        )
        with self.raw().open("ab") as log:
            return self.spawn(argv, cwd=self.home, stdout=log, stderr=log, stdin=-3)

    def _broker(self, node: int) -> None:
        self.brokers[node] = self._run("kafka.Kafka", self._settings(node))

    def _admin(self) -> KafkaAdminClient:
        return KafkaAdminClient(bootstrap_servers=SERVERS, request_timeout_ms=5000)

    def _produce(self, rng: Random) -> None:
        codec = rng.choice((None, "gzip", "lz4", "zstd", "snappy"))
        producer = KafkaProducer(
            bootstrap_servers=SERVERS,
            acks=rng.choice((0, 1, "all")),
            compression_type=codec,
            client_id=rng.choice(("web", "app", "batch")),
            max_block_ms=3000,
            max_request_size=3_000_000,
        )
        for _ in range(rng.randint(5, 120)):
            size = 2_000_000 if rng.random() < 0.01 else rng.randrange(1500)
            topic = rng.choice(("orders", "orders", "carts", "compacted", "gone", "bad/topic"))
            key = None if rng.random() < 0.1 else str(rng.randrange(50)).encode()
            with suppress(Exception):
                producer.send(topic, b"x" * size, key)
        producer.close(5)

    def _consume(self, rng: Random) -> None:
        consumer = KafkaConsumer(
            rng.choice(("orders", "carts", "compacted")),
            bootstrap_servers=SERVERS,
            group_id=rng.choice(("shop", "audit", None)),
            auto_offset_reset=rng.choice(("earliest", "latest")),
            consumer_timeout_ms=1500,
            session_timeout_ms=6500,
            heartbeat_interval_ms=1000,
        )
        for n, _ in enumerate(consumer):
            if n > 200:
                break
        if rng.random() < 0.1:
            consumer.seek(next(iter(consumer.assignment())), 10**9)
            consumer.poll(500)
        if rng.random() < 0.8:
            consumer.close()

    def _administer(self, rng: Random) -> None:
        admin, name = self._admin(), rng.choice(("orders", "carts", "compacted", f"extra{rng.randrange(5)}"))
        settings = {"cleanup.policy": "compact", "segment.ms": "5000"} if name == "compacted" else {}
        kind = rng.randrange(7)
        try:
            if kind < 3:
                admin.create_topics(
                    [NewTopic(name, rng.choice((3, 5, -7)), rng.choice((1, 2, 2, 5)), topic_configs=settings)]
                )
            elif kind == 3:
                admin.delete_topics([rng.choice((name, "gone", "nothing"))])
            elif kind == 4:
                admin.create_partitions({name: NewPartitions(rng.choice((2, 6, 8)))})
            elif kind == 5:
                change = rng.choice(
                    ({"retention.ms": "4000"}, {"segment.ms": "lots"}, {"nothing": "1"}, {"max.message.bytes": "500"})
                )
                admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, configs=change)])
            else:
                admin.delete_consumer_groups([rng.choice(("shop", "audit", "nothing"))])
        finally:
            admin.close()

    def _stranger(self, rng: Random) -> None:
        with socket.create_connection(("127.0.0.1", rng.choice((9092, 9192, 9093))), 2) as peer:
            peer.settimeout(1)
            peer.sendall(rng.choice(GARBAGE))
            peer.recv(10)

    def _tool(self, rng: Random) -> None:
        child = self._run(*rng.choice(TOOLS).split(), "--bootstrap-server", rng.choice(SERVERS))
        with suppress(subprocess.TimeoutExpired):
            child.wait(15)
        child.kill()
        self.children.remove(child)

    def _kill(self) -> None:
        self.brokers[2].kill()
        self.brokers[2].wait()
        time.sleep(12)
        self._broker(2)

    def _freeze(self) -> None:
        self.brokers[2].send_signal(signal.SIGSTOP)
        time.sleep(9)
        self.brokers[2].send_signal(signal.SIGCONT)

    def _corrupt(self) -> None:
        self.brokers[2].kill()
        self.brokers[2].wait()
        for path in sorted((self.home / "2").rglob("*"))[:200]:
            if path.suffix in (".log", ".index", ".timeindex") and path.stat().st_size:
                with path.open("r+b") as file:
                    file.truncate(path.stat().st_size // 2)
                    file.seek(0, 2)
                    file.write(b"\xff" * 70)
        (self.home / "2" / "a" / "orders-strange").mkdir()
        self._broker(2)
        time.sleep(10)

    def _stop(self) -> None:
        self.brokers[2].terminate()
        self.brokers[2].wait(60)
        self._broker(2)
        time.sleep(5)

    def _controller_away(self) -> None:
        self.brokers[1].kill()
        self.brokers[1].wait()
        time.sleep(8)
        self._broker(1)
        time.sleep(10)


if __name__ == "__main__":
    assert __spec__
    main(Kafka, __spec__.name)

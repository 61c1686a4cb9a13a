"""RabbitMQ: two nodes that write one log, with AMQP, MQTT and STOMP clients, queues of all kinds, alarms and kills."""

from __future__ import annotations

import base64
import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import ClassVar

import pika
import pika.exceptions

from tests.data.recordings.program import Activity, Pace
from tests.data.recordings.templates.recording import HERE, TemplateProgram, main
from tests.data.recordings.templates.truth import Line, marked_lines

SBIN = next(Path("/usr/lib/rabbitmq/lib").glob("rabbitmq_server-*/sbin"), Path("/usr/sbin"))
NODES = (1, 2)
PLUGINS = "rabbitmq_management rabbitmq_mqtt rabbitmq_stomp rabbitmq_shovel rabbitmq_federation rabbitmq_event_exchange"
SETTINGS = """listeners.tcp.default = 127.0.0.1:567{node}
management.tcp.port = 1567{node}
management.tcp.ip = 127.0.0.1
mqtt.listeners.tcp.default = 127.0.0.1:188{node}
stomp.listeners.tcp.default = 127.0.0.1:6161{node}
stomp.default_user = guest
stomp.default_pass = guest
log.file = false
log.console = true
log.console.level = {level}
heartbeat = 5
handshake_timeout = 3000
disk_free_limit.absolute = 1MB
collect_statistics_interval = 10000
channel_max = 20
"""
MISTAKES = (
    "listeners.tcp.default = 127.0.0.1:fast\n",
    "nothing.at.all = 1\n",
    "log.console.level = loud\n",
    "heartbeat = -5\n",
    "listeners.ssl.default = 5999\nssl_options.cacertfile = /nowhere\n",
    "auth_backends.1 = no_such_backend\n",
    "load_definitions = /nowhere/definitions.json\n",
    "cluster_formation.peer_discovery_backend = nothing\n",
)
COMMANDS = (
    "add_user ann secret{n}",
    "add_user guest guest",
    "change_password ann new{n}",
    "authenticate_user ann wrong",
    "set_user_tags ann management policymaker",
    "delete_user ann",
    "add_vhost shop{n}",
    "delete_vhost shop{n}",
    "set_permissions -p shop{n} guest .* .* .*",
    "set_permissions ann orders.* .* none",
    "set_topic_permissions guest amq.topic a.* b.*",
    "clear_permissions ann",
    'set_policy mirror m. {{"ha-mode":"all"}} --apply-to queues',
    'set_policy bounds b. {{"max-length":5,"overflow":"reject-publish"}}',
    'set_policy broken .* {{"no-such-key":1}}',
    "clear_policy bounds",
    'set_parameter federation-upstream there {{"uri":"amqp://127.0.0.1:5672"}}',
    'set_policy fed f. {{"federation-upstream-set":"all"}}',
    'set_parameter shovel s{n} {{"src-uri":"amqp://","src-queue":"m.1","dest-uri":"amqp://127.0.0.1:5679","dest-queue":"d"}}',
    "clear_parameter shovel s{n}",
    'set_vhost_limits {{"max-connections":30,"max-queues":40}}',
    'set_user_limits ann {{"max-connections":0}}',
    "list_queues name messages state",
    "list_connections",
    "set_vm_memory_high_watermark 0.0001",
    "set_vm_memory_high_watermark 0.4",
    "set_disk_free_limit 900GB",
    "set_disk_free_limit 1MB",
    "close_all_connections too_many",
    'eval rabbit_log:warning("checked_by_hand").',
    "eval 1/0.",
    "eval exit(whereis(rabbit_node_monitor),kill).",
    "purge_queue m.1",
    "delete_queue m.2",
    "sync_queue m.1",
    "rotate_logs",
    "enable_feature_flag all",
    "nothing",
    "status",
    "stop_app",
    "start_app",
    "force_gc",
    "export_definitions /srv/recording/rabbitmq/definitions.json",
    "import_definitions /srv/recording/rabbitmq/definitions.json",
    "import_definitions /srv/recording/rabbitmq/rabbit1.conf",
)
GARBAGE = (
    b"GET / HTTP/1.1\r\n\r\n",
    b"AMQP\x00\x01\x00\x00",
    b"AMQP\x00\x00\x09\x01",
    b"\x16\x03\x01\x02\x00\x01",
    b"CONNECT\n\n\x00",
    b"\xff" * 40,
)
MQTT = (
    b"\x10\x0f\x00\x04MQTT\x04\x02\x00\x3c\x00\x03abc",
    b"\x10\x0f\x00\x04MQTT\x09\x02\x00\x3c\x00\x03abc",
    b"\x30\x05\x00\x03a/b",
    b"\xf0\x00",
)
STOMP = (
    b"CONNECT\nlogin:guest\npasscode:guest\n\n\x00SUBSCRIBE\nid:1\ndestination:/queue/m.1\n\n\x00SEND\ndestination:/nothing\n\nx\x00",
    b"CONNECT\nlogin:guest\npasscode:wrong\n\n\x00",
    b"NOTHING\n\n\x00",
    b"CONNECT\naccept-version:9.9\n\n\x00",
)


class Rabbitmq(TemplateProgram):
    """A cluster of two."""

    name: ClassVar[str] = "rabbitmq"
    client_errors: ClassVar[tuple[type[Exception], ...]] = (Exception,)
    title = "RabbitMQ"
    language = "Erlang"
    half = "design"
    how = (
        "a formatter in place of RabbitMQ's that tells the place, or the format string where rabbit_log lost it; two "
        "nodes, AMQP, MQTT, STOMP and HTTP clients, classic, quorum, stream and mirrored queues, shovels, federation; "
        "info and debug in turn; alarms, kills, restarts, wrong logins, garbage, mistaken configurations"
    )
    header = r"\S+ \S+ \[(?P<level>\w+)\] <[\d.]+> "
    same = (r".*: \w+ -> \w+ in term: \d+ machine version: \d+",)
    wrappers: ClassVar[dict[str, str]] = {
        r"format:([_n]|~[a-zW]+)*:\d+": "a format without words of its own",
        r"report:other": "reports of any content",
        r"rabbit_prelaunch_conf\.erl:2\d\d": "what the checker of the configuration found",
    }

    def version(self) -> str:
        """That of the package."""
        return SBIN.parent.name.rpartition("-")[2]

    def lines(self) -> Iterator[Line]:
        """Erlang prints Latin-1 where nobody reads it interactively."""
        return marked_lines(self.raw().read_text(encoding="latin-1"))

    def activities(self) -> Sequence[Activity]:
        """Clients of every protocol, and an administrator."""
        return (
            Activity(self._amqp, every=0.5, threads=3),
            Activity(self._wrong_login, every=6.0),
            Activity(self._stranger, every=3.0),
            Activity(self._http, every=3.0),
            Activity(self._silent, every=15.0),
            Activity(self._control, every=1.0),
        )

    def drive(self) -> None:
        """Info and debug in turn, with nodes killed and stopped, then mistaken starts."""
        classes = self.home / "formatter"
        classes.mkdir()
        subprocess.run(["erlc", "-o", classes, HERE / "erlang" / "rabbit_logger_text_fmt.erl"], check=True)
        (self.home / ".erlang.cookie").write_text("RECORDING")
        (self.home / ".erlang.cookie").chmod(0o400)
        (self.home / "plugins").write_text(f"[{','.join(PLUGINS.split())}].\n")
        self.nodes = {node: self._node(node, "info") for node in NODES}
        for node in NODES:
            self.until(lambda node=node: self._ctl("await_startup", node) == 0)
        for command in ("stop_app", "reset", "join_cluster rabbit1@bastion1", "start_app"):
            self._ctl(command, 2)
        self.run_clients(Pace(self.rng("pace"), 300))
        for level in ("info", "debug", "info", "debug"):
            for node in NODES:
                self._ctl(f"set_log_level {level}", node)
            self.over.wait(25)
            self._kill(2)
            self.over.wait(8)
            self.nodes[2] = self._node(2, level)
            self.over.wait(15)
            for command in ("stop_app", "start_app"):
                self._ctl(command, 1)
            if level == "debug":
                self._kill(1)
                self.nodes[1] = self._node(1, level)
                self.over.wait(15)
        self.over.set()
        for node in (2, 1):
            self._ctl("stop", node)
            self._kill(node)
        for mistake in MISTAKES:
            self._mistaken(mistake)

    def _environment(self, node: int) -> dict[str, str]:
        return {
            **os.environ,
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "RABBITMQ_NODENAME": f"rabbit{node}@bastion1",
            "RABBITMQ_MNESIA_BASE": str(self.home / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self.home / "log"),
            "RABBITMQ_CONFIG_FILE": str(self.home / f"rabbit{node}.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.home / "plugins"),
            "RABBITMQ_DIST_PORT": f"2567{node}",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": f"-pa {self.home / 'formatter'} +S 1:1",
        }

    def _node(self, node: int, level: str, mistake: str = "") -> subprocess.Popen[bytes]:
        (self.home / f"rabbit{node}.conf").write_text(SETTINGS.format(node=node, level=level) + mistake)
        with self.raw().open("ab") as log:
            return self.spawn(
                [SBIN / "rabbitmq-server"], env=self._environment(node), cwd=self.home, stdout=log, stderr=log, stdin=-3
            )

    def _kill(self, node: int) -> None:
        pid = next((self.home / "mnesia").glob(f"rabbit{node}@*.pid"), None)
        if pid:
            subprocess.run(["kill", "-9", pid.read_text().strip()], check=False)
        self.nodes[node].wait(10)

    def _mistaken(self, mistake: str) -> None:
        child = self._node(1, "debug", mistake)
        with suppress(subprocess.TimeoutExpired):
            child.wait(12)
        self._kill(1) if child.poll() is None else None

    def _ctl(self, command: str, node: int) -> int:
        argv = [SBIN / "rabbitmqctl", "-t", "10", *command.split()]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "stdin": subprocess.DEVNULL}
        with suppress(subprocess.TimeoutExpired):
            return subprocess.run(argv, env=self._environment(node), check=False, timeout=40, **quiet).returncode
        return -1

    def _control(self, rng: Random) -> None:
        self._ctl(rng.choice(COMMANDS).format(n=rng.randrange(4)), rng.choice(NODES))

    def _connection(self, rng: Random, password: str = "", **more: object) -> pika.BlockingConnection:
        access = pika.PlainCredentials(rng.choice(("guest", "guest", "guest", "ann")), password or "guest")
        return pika.BlockingConnection(
            pika.ConnectionParameters(
                "127.0.0.1",
                rng.choice((5671, 5672)),
                credentials=access,
                socket_timeout=3,
                blocked_connection_timeout=4,
                **more,
            )
        )

    def _amqp(self, rng: Random) -> None:
        name = {"connection_name": f"worker-{rng.randrange(9)}"}
        connection = self._connection(rng, client_properties=name)
        try:
            for _ in range(rng.randint(1, 6)):
                with suppress(pika.exceptions.AMQPChannelError):
                    self._channel(connection.channel(), rng)
        finally:
            if rng.random() < 0.8:
                connection.close()
            else:
                connection._impl._transport.abort()

    def _channel(self, channel: pika.adapters.blocking_connection.BlockingChannel, rng: Random) -> None:
        queue = f"{rng.choice('mbfq')}.{rng.randrange(4)}"
        kind = rng.randrange(13)
        if kind < 4:
            arguments = {"x-queue-type": "quorum"} if queue[0] == "q" else {}
            channel.queue_declare(queue, durable=True, arguments=arguments)
            for _ in range(rng.randint(1, 20)):
                channel.basic_publish("", queue, b"x" * rng.randrange(2000))
        elif kind == 4:
            channel.queue_declare(queue, durable=False)
        elif kind == 5:
            channel.queue_declare(
                f"s.{rng.randrange(3)}", durable=True, arguments={"x-queue-type": rng.choice(("stream", "magic"))}
            )
        elif kind == 6:
            channel.queue_delete(queue, if_unused=rng.random() < 0.5)
        elif kind == 7:
            channel.basic_publish("nowhere", "x", b"")
            channel.queue_purge("nothing")
        elif kind == 8:
            channel.exchange_declare(
                f"e{rng.randrange(3)}", rng.choice(("direct", "topic", "magic")), durable=rng.random() < 0.5
            )
        elif kind == 9:
            channel.basic_ack(rng.randrange(99))
            channel.queue_declare("amq.mine")
        elif kind == 10:
            channel.queue_declare(f"x.{rng.randrange(2)}", exclusive=True)
            time.sleep(1)
        elif kind == 11:
            for _, _, body in channel.consume(queue, inactivity_timeout=0.5, exclusive=rng.random() < 0.3):
                if body is None:
                    break
        else:
            channel.basic_qos(prefetch_size=5)

    def _wrong_login(self, rng: Random) -> None:
        choice = rng.randrange(3)
        if choice == 0:
            self._connection(rng, "wrong")
        elif choice == 1:
            self._connection(rng, virtual_host="nowhere").close()
        else:
            self._connection(rng, frame_max=4096, channel_max=60).close()

    def _stranger(self, rng: Random) -> None:
        port, words = rng.choice(
            ((5671, GARBAGE), (1881, MQTT), (61611, STOMP), (61612, STOMP), (25671, GARBAGE), (1882, MQTT))
        )
        with socket.create_connection(("127.0.0.1", port), 3) as peer:
            peer.settimeout(1)
            peer.sendall(rng.choice(words))
            peer.recv(100)

    def _silent(self, rng: Random) -> None:
        connection = self._connection(rng, heartbeat=1)
        self.over.wait(8)
        connection.close()

    def _http(self, rng: Random) -> None:
        page = rng.choice(
            (
                "overview",
                "queues",
                "nodes",
                "nothing",
                "queues/%2F/nothing",
                "definitions",
                "aliveness-test/%2F",
                "exchanges/%2F/e9",
            )
        )
        secret = rng.choice(("guest:guest", "guest:guest", "ann:wrong", "nobody:x"))
        headers = {
            "Authorization": f"Basic {base64.b64encode(secret.encode()).decode()}",
            "Content-Type": "application/json",
        }
        body = rng.choice((None, None, b"{broken", json.dumps({"type": "magic"}).encode()))
        url = f"http://127.0.0.1:{rng.choice((15671, 15672))}/api/{page}"
        request = urllib.request.Request(url, body, headers, method="PUT" if body else "GET")
        with suppress(urllib.error.HTTPError):
            urllib.request.urlopen(request, timeout=4).read()  # noqa: S310 - loopback


if __name__ == "__main__":
    assert __spec__
    main(Rabbitmq, __spec__.name)

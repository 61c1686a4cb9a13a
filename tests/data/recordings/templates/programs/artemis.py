"""ActiveMQ Artemis: a broker and its backup in one log, with JMS, MQTT and STOMP clients, kills and mistakes."""

from __future__ import annotations

import signal
import socket
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import ClassVar

from tests.data.recordings.machine import fill_disk, small_disk
from tests.data.recordings.program import Activity, Pace
from tests.data.recordings.templates.jvm import JavaProgram, compiled, java, logback
from tests.data.recordings.templates.recording import main

VERSION = "2.37.0"
NAME = f"artemis-{VERSION}"
PARTS = (
    "artemis-server",
    "artemis-jms-client",
    "artemis-amqp-protocol",
    "artemis-stomp-protocol",
    "artemis-mqtt-protocol",
)
JARS = (*(f"org.apache.activemq:{part}:{VERSION}" for part in PARTS), "ch.qos.logback:logback-classic:1.5.12")
PATTERN = "%d %-5level [%logger] %msg%n"  # Artemis' own
SETTINGS = """<configuration xmlns="urn:activemq"><core xmlns="urn:activemq:core">
<name>{name}</name><persistence-enabled>true</persistence-enabled><journal-type>NIO</journal-type>
<paging-directory>{home}/{name}/paging</paging-directory><bindings-directory>{home}/{name}/bindings</bindings-directory>
<journal-directory>{home}/{name}/journal</journal-directory>
<large-messages-directory>{home}/{name}/large</large-messages-directory>
<journal-file-size>200K</journal-file-size><journal-compact-min-files>3</journal-compact-min-files>
<max-disk-usage>95</max-disk-usage><disk-scan-period>1000</disk-scan-period><global-max-size>20M</global-max-size>
<message-expiry-scan-period>1000</message-expiry-scan-period><critical-analyzer-timeout>60000</critical-analyzer-timeout>
<address-queue-scan-period>1000</address-queue-scan-period><configuration-file-refresh-period>1500</configuration-file-refresh-period>
<connectors><connector name="primary">tcp://127.0.0.1:61616</connector>
<connector name="backup">tcp://127.0.0.1:61617</connector></connectors>
<acceptors><acceptor name="all">tcp://127.0.0.1:{port}?connectionTtl=4000;connectionsAllowed=40</acceptor>
<acceptor name="stomp">tcp://127.0.0.1:{stomp}?protocols=STOMP</acceptor>
<acceptor name="mqtt">tcp://127.0.0.1:{mqtt}?protocols=MQTT</acceptor></acceptors>
<cluster-user>both</cluster-user><cluster-password>both</cluster-password>
<ha-policy><replication>{role}</replication></ha-policy>
<cluster-connections><cluster-connection name="shop"><connector-ref>{name}</connector-ref>
<static-connectors><connector-ref>{other}</connector-ref></static-connectors></cluster-connection></cluster-connections>
<security-settings><security-setting match="#"><permission type="send" roles="staff,guest"/>
<permission type="consume" roles="staff,guest"/><permission type="browse" roles="staff"/>
<permission type="createNonDurableQueue" roles="staff,guest"/><permission type="createDurableQueue" roles="staff"/>
<permission type="deleteDurableQueue" roles="staff"/><permission type="deleteNonDurableQueue" roles="staff,guest"/>
<permission type="createAddress" roles="staff,guest"/></security-setting>
<security-setting match="private.#"><permission type="send" roles="nobody"/></security-setting></security-settings>
<address-settings><address-setting match="#"><dead-letter-address>DLQ</dead-letter-address>
<expiry-address>ExpiryQueue</expiry-address><max-delivery-attempts>2</max-delivery-attempts>
<max-size-bytes>300K</max-size-bytes><page-size-bytes>100K</page-size-bytes>
<slow-consumer-threshold>1</slow-consumer-threshold><slow-consumer-check-period>2</slow-consumer-check-period>
<auto-delete-addresses>true</auto-delete-addresses></address-setting>
<address-setting match="small"><max-size-bytes>50K</max-size-bytes><address-full-policy>{policy}</address-full-policy>
</address-setting></address-settings>
<addresses><address name="DLQ"><anycast><queue name="DLQ"/></anycast></address>
<address name="orders"><anycast><queue name="orders"/></anycast></address>{more}</addresses>
</core></configuration>
"""
ROLES = {
    "primary": "<primary><check-for-active-server>true</check-for-active-server></primary>",
    "backup": "<backup><allow-failback>true</allow-failback></backup>",
}
MISTAKES = (
    ("200K", "lots"),
    ("NIO", "MAGIC"),
    ("61617?conn", "99999?conn"),
    ("protocols=MQTT", "protocols=NOTHING"),
    ("FAIL", "PERHAPS"),
    ("</core>", "<nothing/></core>"),
    ("</core>", ""),
    ("/journal<", "/../../../proc/journal<"),
)
STRANGERS = (
    (
        61613,
        b"CONNECT\nlogin:ann\npasscode:secret\n\n\x00SEND\ndestination:orders\n\nhello\x00SUBSCRIBE\ndestination:orders\n\n\x00",
    ),
    (61613, b"CONNECT\nlogin:ann\npasscode:wrong\n\n\x00"),
    (61613, b"NOTHING\n\n\x00"),
    (1883, b"\x10\x0f\x00\x04MQTT\x04\x02\x00\x3c\x00\x03abc"),
    (1883, b"\x10\x0f\x00\x04MQTT\x09\x02\x00\x3c\x00\x03abc"),
    (1883, b"\xf0\x00"),
    (61616, b"AMQP\x03\x01\x00\x00" + b"\x00" * 20),
    (61616, b"AMQP\x00\x01\x00\x00" + b"\xff" * 20),
    (61616, b"GET / HTTP/1.1\r\n\r\n"),
    (61616, b"ARTEMIS\x00\x00\x00\x05\xff\xff\xff\xff\xff"),
    (61616, b"\x16\x03\x01\x02\x00\x01\x00"),
)


class Artemis(JavaProgram):
    """A primary on port 61616, its backup on 61617."""

    name: ClassVar[str] = "artemis"
    folder, jars, release = NAME, JARS, VERSION
    title = "ActiveMQ Artemis"
    language = "Java"
    half = "design"
    how = (
        "logback, a broker, its backup and JMS clients in one log, INFO and DEBUG in turn; queues, topics,"
        " transactions, paging, expiry, full addresses and disk, MQTT, STOMP; brokers killed, mistakes, garbage"
    )
    header = r"\S+ \S+ (?P<level>[A-Z]+) +\[\S+\] "
    wrappers: ClassVar[dict[str, str]] = {r".*\.StompSession:\d+": "the message of any exception"}

    def activities(self) -> Sequence[Activity]:
        """Clients of Java, strangers."""
        return (Activity(self._client, every=4.0, threads=3), Activity(self._stranger, every=1.0))

    def drive(self) -> None:
        """INFO and DEBUG in turn, a fault in each; then mistaken starts."""
        self.classpath = compiled(NAME, self.home, "ArtemisShop")
        small_disk(self.home / "primary", "60m")
        logback(self.home, PATTERN, "INFO")
        self.brokers = {name: self._broker(name) for name in ROLES}
        self.over.wait(12)
        self.run_clients(Pace(self.rng("pace"), 300))
        for level, fault in (
            ("INFO", self._fill),
            ("DEBUG", self._kill),
            ("INFO", self._freeze),
            ("DEBUG", self._change),
            ("INFO", self._kill),
        ):
            logback(self.home, PATTERN, level)
            self.over.wait(20 if level == "DEBUG" else 30)
            fault()
            self.over.wait(5)
            logback(self.home, PATTERN, "INFO")
            self.over.wait(8)
        self.over.set()
        for broker in self.brokers.values():
            broker.terminate()
            broker.wait(60)
        for old, new in MISTAKES:
            child = self._broker("backup" if "61617" in old else "primary", old, new)
            with suppress(subprocess.TimeoutExpired):
                child.wait(7)
            child.kill()

    def _settings(self, name: str, old: str = "", new: str = "", more: str = "") -> Path:
        other = next(x for x in ROLES if x != name)
        shift = 0 if name == "primary" else 1
        text = SETTINGS.format(
            home=self.home, name=name, other=other, role=ROLES[name], policy="FAIL", more=more,
            port=61616 + shift, stomp=61613 + 2 * shift, mqtt=1883 + shift,
        )  # fmt: skip
        path = self.home / f"{name}.xml"
        path.write_text(text.replace(old, new, 1) if old else text)
        return path

    def _run(self, *arguments: object) -> subprocess.Popen[bytes]:
        with self.raw().open("ab") as log:
            argv = java(self.classpath, "ArtemisShop", *arguments)
            return self.spawn(argv, cwd=self.home, stdout=log, stderr=log, stdin=-3)

    def _broker(self, name: str, old: str = "", new: str = "") -> subprocess.Popen[bytes]:
        return self._run("broker", self._settings(name, old, new))

    def _client(self, rng: Random) -> None:
        child = self._run("client", rng.randint(3, 12))
        with suppress(subprocess.TimeoutExpired):
            child.wait(rng.choice((4, 20)))
        child.kill()
        self.children.remove(child)

    def _stranger(self, rng: Random) -> None:
        port, words = rng.choice(STRANGERS)
        with socket.create_connection(("127.0.0.1", port), 2) as peer:
            peer.settimeout(1)
            peer.sendall(words)
            peer.recv(1000)

    def _fill(self) -> None:
        filler = fill_disk(self.home / "primary")
        self.over.wait(5)
        filler.unlink()

    def _kill(self) -> None:
        self.brokers["primary"].kill()
        self.brokers["primary"].wait()
        self.over.wait(8)
        self.brokers["primary"] = self._broker("primary")
        self.over.wait(8)

    def _freeze(self) -> None:
        self.brokers["backup"].send_signal(signal.SIGSTOP)
        self.over.wait(8)
        self.brokers["backup"].send_signal(signal.SIGCONT)

    def _change(self) -> None:
        self._settings("primary", more='<address name="more"><multicast/></address>')
        self.over.wait(4)
        self._settings("primary", "<address-full-policy>FAIL", "<address-full-policy>PERHAPS")
        self.over.wait(4)


if __name__ == "__main__":
    assert __spec__
    main(Artemis, __spec__.name)

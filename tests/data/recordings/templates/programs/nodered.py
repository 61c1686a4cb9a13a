"""Node-RED: flows that fail in many ways, a broker that drops clients, deployments good and bad, debug lines."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
import urllib.parse
import urllib.request
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import ClassVar

from tests.data.recordings.templates.programs.prometheus_world import Server, World
from tests.data.recordings.templates.recording import TemplateProgram, main

TOOLS = Path("/srv/recording/tools/nodered")
PACKAGES = ("node-red@4", "aedes")
LIBRARIES = (
    "express:*,body-parser:*,mqttjs*,mqtt-packet:*,send,finalhandler,follow-redirects,express-session,agent-base"
)
LIVES = (("info", "", 45), ("debug", LIBRARIES, 60), ("trace", "", 40), ("debug", LIBRARIES, 40))
ADMIN = (
    "flows",
    "flow/main",
    "nodes",
    "settings",
    "diagnostics",
    "context/global",
    "context/flow/main",
    "library/local/flows/",
)
ADMIN += (
    "nodes/node-red/mqtt",
    "icons",
    "auth/login",
    "flows/state",
    "plugins",
    "library/local/functions/none",
    "red/none",
    "",
)
CODE = (
    "return msg",
    "node.log('passing ' + msg._msgid); return msg",
    "node.warn({topic: msg.topic, count: context.get('n')}); context.set('n', (context.get('n') || 0) + 1)",
    "throw new Error('cannot use ' + msg.payload)",
    "undefinedFunction(msg)",
    "node.error('payload of type ' + typeof msg.payload, msg)",
    "while (true) {}",
    "return [[msg, 7], 'text']",
    "node.debug('seen ' + msg.topic); node.trace('at ' + Date.now()); setTimeout(() => { throw new Error('late') }, 5)",
    "syntax error here",
)
TARGETS = (
    "http://localhost:9200/good",
    "http://localhost:9200/cut",
    "http://localhost:1/",
    "https://localhost:9200/",
    "::bad",
    "",
)
TARGETS += ("http://localhost:9200/status", "http://localhost:9200/slow")

MORE = (
    ("nodes", b'{"module": "node-red-none"}', "POST"),
    ("nodes/node-red-none", None, "DELETE"),
    ("nodes/node-red/tcp", b'{"enabled": false}', "PUT"),
    ("nodes/node-red/tcp", b'{"enabled": true}', "PUT"),
    ("flow", b'{"label": "new", "nodes": []}', "POST"),
    ("flow/none", None, "DELETE"),
    ("inject/n6", b"", "POST"),
    ("debug/say/disable", b"", "POST"),
    ("auth/revoke", b'{"token": "x"}', "POST"),
    ("library/local/functions/a.js", b'{"text": "x"}', "POST"),
    ("context/global/none", None, "DELETE"),
    ("flows/state", b'{"state": "stop"}', "POST"),
    ("settings/user", b'{"a": 1}', "POST"),
)


class NodeRed(TemplateProgram):
    """Node-RED."""

    name = "nodered"
    title = "Node-RED with the debug lines of its libraries"
    language = "JavaScript"
    half = "held_out"
    how = (
        "a hook on stdout and stderr that takes the place from the stack; info, debug and trace in turn; failing "
        "flows, a broker that drops clients, deployments good and bad, logins, spoilt files, mistaken starts"
    )
    header = (
        r"\d+ [A-Z][a-z]{2} \d\d:\d\d:\d\d - \[(?P<level>\w+)\] |"
        r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT |"
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z "
    )

    wrappers: ClassVar = {
        r"express/lib/application\.js:647": "prints any error of a request",
        r"node-red/red\.js:(166|519)": "prints any error that ends the program",
        r"node-red/runtime/lib/api/comms\.js:71": "output of npm",
        r"Function node:.*": "statements of the flows' own functions",
        r"node-red/nodes/core/function/10-function\.js:1[89]\d": "texts of the flows' own functions",
    }

    @classmethod
    def prepare(cls) -> None:
        """Node-RED and a broker from npm."""
        if not (TOOLS / "node_modules" / "aedes").exists():
            TOOLS.mkdir(parents=True, exist_ok=True)
            subprocess.run(["npm", "install", "--silent", *PACKAGES], cwd=TOOLS, check=True)

    def version(self) -> str:
        """Of Node-RED."""
        return str(json.loads((TOOLS / "node_modules/node-red/package.json").read_text())["version"])

    def said(self, text: str) -> str:
        """Words in quotes are part of what an audit line says."""
        return super().said(text).replace('"', "'")

    def drive(self) -> None:
        """Lives at three levels, the broker gone for a while in each."""
        Path("/etc/resolv.conf").write_text("nameserver 127.0.0.1\n")
        threading.Thread(target=Server(("127.0.0.1", 9200), World).serve_forever, daemon=True).start()
        for path in Path(__file__).parent.glob("nodered_*.cjs"):
            shutil.copy(path, TOOLS)
        self.flows(Random("first"))
        for number, (level, debug, seconds) in enumerate(LIVES):
            broker = self.broker()
            server = self.server(level, debug, "1" if number == 2 else "0")
            clients = [threading.Thread(target=self.client, args=(seconds, Random(f"{number}/{n}"))) for n in range(3)]
            for client in clients:
                client.start()
            time.sleep(seconds / 2)
            broker.kill()
            time.sleep(6)
            broker = self.broker()
            for client in clients:
                client.join()
            server.send_signal((signal.SIGINT, signal.SIGTERM, signal.SIGKILL, signal.SIGINT)[number])
            with suppress(subprocess.TimeoutExpired):
                server.wait(15)
            server.kill()
            broker.kill()
            self.spoil(number)
        self.mistakes()

    def broker(self) -> subprocess.Popen[bytes]:
        """The broker, not recorded."""
        return self.spawn(["node", TOOLS / "nodered_broker.cjs"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def server(self, level: str, debug: str, projects: str, *options: str) -> subprocess.Popen[bytes]:
        """Start Node-RED."""
        environment = {
            **os.environ,
            "LEVEL": level,
            "DEBUG": debug,
            "PROJECTS": projects,
            "HOME": str(self.home),
            "NO_COLOR": "1",
        }
        argv = ["node", "--require", TOOLS / "nodered_place.cjs", TOOLS / "node_modules/node-red/red.js"]
        argv += ["--userDir", self.home, "--settings", TOOLS / "nodered_settings.cjs", *options]
        with self.raw().open("ab") as out:
            child = self.spawn(argv, cwd=self.home, stdout=out, stderr=out, env=environment)
        with suppress(TimeoutError):
            self.until(lambda: bool(socket.create_connection(("localhost", 1880), 1).close() or True), 25)
        return child

    def flows(self, rng: Random, broken: bool = False) -> list[dict[str, object]]:
        """Write flows of all kinds of nodes, some of them wrong; ``broken``: some of kinds that are not there."""
        nodes: list[dict[str, object]] = [{"id": "main", "type": "tab", "label": "Shop"}]
        nodes.append(
            {
                "id": "broker",
                "type": "mqtt-broker",
                "name": "shop",
                "broker": "localhost",
                "port": "1883",
                "keepalive": "5",
            }
        )
        nodes.append({"id": "gone", "type": "mqtt-broker", "broker": "localhost", "port": "1884", "clientid": "x"})
        nodes.append({"id": "socket", "type": "websocket-listener", "path": "/ws"})
        nodes.append({"id": "client", "type": "websocket-client", "path": "ws://localhost:1/none"})

        def add(kind: str, wires: tuple[str, ...] = ("check",), **rest: object) -> None:
            node = {"id": f"n{len(nodes)}", "type": kind, "z": "main", "x": 1, "y": 1, "wires": [list(wires)]}
            nodes.append(node | rest)

        for n, code in enumerate(rng.sample(CODE, 7)):
            add(
                "inject",
                (f"f{n}",),
                repeat=str(rng.choice((0.7, 1, 3))),
                payload=str(n),
                payloadType="num",
                once=True,
                props=[{"p": "payload"}],
            )
            add("function", ("check",), id=f"f{n}", name=f"step {n}", func=code, outputs=1, timeout=1, libs=[])
        for topic in ("orders/#", "stock/+", "bad/#/topic"):
            add("mqtt in", topic=topic, qos="1", broker="broker", datatype="auto")
        add("mqtt in", topic="x", qos="2", broker="gone")
        add("mqtt out", (), id="out", topic="", qos="1", broker="broker")
        add("http in", ("reply",), url="/shop/:id", method="get")
        add("http in", ("f0",), url="/lost", method="post", upload=True)
        add("http response", (), id="reply", statusCode="")
        add(
            "inject",
            ("ask",),
            repeat="2",
            payload=rng.choice(TARGETS),
            payloadType="str",
            props=[{"p": "url", "v": rng.choice(TARGETS), "vt": "str"}],
        )
        add("http request", id="ask", method="GET", ret="obj", url=rng.choice(TARGETS))
        add(
            "inject",
            ("run", "write", "parse", "shape"),
            repeat="3",
            payload='{"a": 1',
            payloadType="str",
            props=[{"p": "payload"}],
        )
        add("exec", id="run", command=rng.choice(("ls", "none-such", "false")), useSpawn=rng.choice(("true", "false")))
        add("file", id="write", filename=rng.choice(("/proc/none", "out.txt", "")), filenameType="str", createDir=True)
        add("file in", filename="/none", filenameType="str")
        add("json", id="parse")
        add("xml", id="shape")
        add("template", ("out",), id="check", template="{{payload}} {{#open}}", field="topic")
        add(
            "tcp in",
            server=rng.choice(("server", "client")),
            host="localhost",
            port=rng.choice(("7001", "1")),
            datamode="stream",
            datatype="utf8",
        )
        add("udp in", port=rng.choice(("7002", "80")), multicast="false", datatype="utf8")
        add("websocket in", server="socket")
        add("websocket in", client="client")
        add("watch", files="/none,.")
        add("catch", ("say",), uncaught=True)
        add("debug", (), id="say", console=True, active=True, complete="error", tosidebar=True)
        add("delay", pauseType="rate", rate="1", rateUnits="second", drop=rng.random() < 0.5)
        if broken and rng.random() < 0.15:
            add(rng.choice(("none-such-node", "twitter in")))
        (self.home / "flows.json").write_text(json.dumps(nodes))
        return nodes

    def ask(self, path: str, data: bytes | None = None, method: str | None = None, **headers: str) -> bytes:
        """One request to Node-RED."""
        request = urllib.request.Request(f"http://localhost:1880/{path}", data, headers, method=method)
        with urllib.request.urlopen(request, timeout=4) as answer:  # noqa: S310 - to localhost
            return bytes(answer.read())

    def token(self, rng: Random) -> str:
        """Log in, rightly or wrongly."""
        who = rng.choice((("admin", "right"),) * 5 + (("admin", "wrong"), ("guest", "guest"), ("nobody", "x")))
        fields = {
            "client_id": "node-red-admin",
            "grant_type": "password",
            "scope": "*",
            "username": who[0],
            "password": who[1],
        }
        with suppress(OSError):
            return str(json.loads(self.ask("auth/token", urllib.parse.urlencode(fields).encode()))["access_token"])
        return "none"

    def client(self, seconds: float, rng: Random) -> None:
        """Work of all kinds for so long."""
        end = time.monotonic() + seconds
        token = self.token(rng)
        while time.monotonic() < end:
            with suppress(OSError):
                match rng.randrange(9):
                    case 0:
                        token = self.token(rng) if rng.random() < 0.3 else token
                    case 1:
                        self.deploy(rng, token)
                    case 2 | 3:
                        self.ask(rng.choice(ADMIN), Authorization=f"Bearer {token}")
                    case 4:
                        self.ask(
                            rng.choice(("lost", "shop", "nodes", "flow")),
                            rng.choice((b"{", b"a=b", b"x" * 9)),
                            **{"Content-Type": rng.choice(("application/json", "text/x"))},
                        )
                    case 5:
                        self.odd(rng)
                    case 6 | 7 | 8:
                        self.ask(f"shop/{rng.randrange(99)}?q={rng.randrange(9)}")
            time.sleep(rng.expovariate(3))

    def deploy(self, rng: Random, token: str) -> None:
        """New flows, or something that is none."""
        kind = rng.choice(("full", "nodes", "flows", "reload", "bad"))
        headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
            "Node-RED-Deployment-Type": kind,
        }
        body = rng.choice(
            (json.dumps(self.flows(rng, broken=True)).encode(),) * 3 + (b'{"flows": 1}', b"[", b'[{"id": "a"}]')
        )
        self.ask("flows", body, **headers)
        more = rng.choice(MORE)
        self.ask(more[0], more[1], more[2], **headers)

    def odd(self, rng: Random) -> None:
        """Sockets that speak something else."""
        port = rng.choice((1880, 7001, 1883))
        upgrade = (
            b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        )
        with socket.create_connection(("localhost", port), 1) as link:
            key = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            link.send(
                rng.choice(
                    (
                        b"nonsense\r\n\r\n",
                        upgrade + key + b"\x81\xff\xff",
                        upgrade + b"\r\n",
                        b"\x10\x0c\0\4MQTT\4\2\0\5\0\0",
                    )
                )
            )
            time.sleep(0.2)

    def spoil(self, number: int) -> None:
        """Damage files between lives."""
        if number == 0:
            (self.home / "flows.json").write_text('[{"id": "main", ')
        elif number == 1:
            self.flows(Random("third"))
            (self.home / "flows_cred.json").write_text('{"$": "spoilt"}')
            (self.home / ".config.users.json").write_text("{")
        else:
            self.flows(Random("fourth"))

    def mistakes(self) -> None:
        """Starts that fail."""
        for options in (
            ("--port", "80999"),
            ("--settings", "none.js"),
            ("--userDir", "/proc/none"),
            ("--flows", "/none/f.json"),
            ("--safe",),
        ):
            child = self.server("debug", "express:*", "0", *options)
            time.sleep(5)
            child.terminate()
            child.wait(15)


if __name__ == "__main__":
    assert __spec__ is not None
    main(NodeRed, __spec__.name)

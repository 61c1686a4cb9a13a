"""One line of each dialect, as its library or collector writes it, and what is to be found in it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from logwatch.parse.words import CRITICAL, DEBUG, ERROR, INFO, NOTICE, UNKNOWN, WARNING


class Dialect(NamedTuple):
    """A line, and its columns."""

    line: bytes
    time: str | None
    level: int
    scope: str
    message: str
    values: dict[str, float | str]


def ns(text: str) -> int:
    """An ISO time as nanoseconds; its fraction to the last digit."""
    head, _, fraction = text.removesuffix("Z").partition(".")
    whole = int(datetime.fromisoformat(head).replace(tzinfo=UTC).timestamp())
    return whole * 10**9 + int(fraction.ljust(9, "0") or 0)


DIALECTS = {
    "ecs": Dialect(
        b'{"@timestamp":"2026-03-01T12:00:00.123Z","log.level":"ERROR","message":"payment failed",'
        b'"ecs.version":"1.2.0",'
        b'"service.name":"shop","process.thread.name":"main","log.logger":"com.shop.Pay","trace.id":"4bf92f35",'
        b'"http":{"response":{"status_code":502}},'
        b'"error.type":"java.io.IOException",'
        b'"error.stack_trace":"java.io.IOException: reset\\n\\tat Pay.call(Pay.java:7)"}',
        "2026-03-01T12:00:00.123Z", ERROR, "com.shop.Pay", "payment failed [java.io.IOException]",
        {"http.response.status_code": 502.0, "service.name": "shop"},
    ),
    "ecs_nested": Dialect(
        b'{"@timestamp":"2026-03-01T12:00:00.000Z","log":{"level":"warn","logger":"app.db"},"message":"slow query",'
        b'"event":{"duration":1200000},"host":{"name":"db-1"},"trace":{"id":"abc"}}',
        "2026-03-01T12:00:00Z", WARNING, "app.db", "slow query", {"event.duration": 1.2e6},
    ),
    "otel": Dialect(
        b'{"timeUnixNano":"1772366400123456789","observedTimeUnixNano":"1772366400223456789","severityNumber":17,'
        b'"severityText":"ERROR","body":{"stringValue":"cannot bind"},"attributes":[{"key":"net.port","value":'
        b'{"intValue":"8080"}},{"key":"retry","value":{"boolValue":false}}],"traceId":"5b8e","spanId":"eee1",'
        b'"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"edge"}}]}}',
        "2026-03-01T12:00:00.123456789Z", ERROR, "", "cannot bind",
        {"attributes.net.port": 8080.0, "attributes.retry": "false", "resource.attributes.service.name": "edge"},
    ),
    "otlp_export": Dialect(
        b'{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"edge"}}]},'
        b'"scopeLogs":[{"scope":{"name":"lib.http"},"logRecords":[{"timeUnixNano":"1772366400000000000",'
        b'"severityNumber":13,"body":{"stringValue":"late"},"attributes":[]},{"body":{"stringValue":"second"}}]}]}]}',
        "2026-03-01T12:00:00Z", WARNING, "lib.http", "late",
        {"records": 2.0, "resource.attributes.service.name": "edge"},
    ),
    "bunyan": Dialect(
        b'{"name":"api","hostname":"h1","pid":4711,"level":50,"msg":"no route","time":"2026-03-01T12:00:00.250Z","v":0,'
        b'"statusCode":404}',
        "2026-03-01T12:00:00.25Z", ERROR, "api", "no route", {"statusCode": 404.0},
    ),
    "pino": Dialect(
        b'{"level":30,"time":1772366400123,"pid":12,"hostname":"h1","msg":"listening","port":3000}',
        "2026-03-01T12:00:00.123Z", INFO, "", "listening", {"port": 3000.0},
    ),
    "zap": Dialect(
        b'{"level":"warn","ts":1772366400.123456,"logger":"raft","caller":"raft/node.go:117","msg":"lost leader",'
        b'"term":7,"took":"1.5ms"}',
        "2026-03-01T12:00:00.123456Z", WARNING, "raft", "lost leader", {"term": 7.0, "took": 0.0015},
    ),
    "zap_caller_only": Dialect(
        b'{"level":"dpanic","ts":"2026-03-01T12:00:00.000Z","caller":"raft/node.go:117","msg":"impossible"}',
        "2026-03-01T12:00:00Z", CRITICAL, "raft/node.go", "impossible", {},
    ),
    "klog": Dialect(
        b'{"ts":1772366400123.4567,"caller":"kubelet/pods.go:12","msg":"pod started","v":2,"pod":"web-1"}',
        "2026-03-01T12:00:00.1234567Z", UNKNOWN, "kubelet/pods.go", "pod started", {"pod": "web-1"},
    ),
    "structlog": Dialect(
        b'{"event":"user logged in","level":"info","timestamp":"2026-03-01T12:00:00.000001Z","logger":"auth",'
        b'"user":"bob"}',
        "2026-03-01T12:00:00.000001Z", INFO, "auth", "user logged in", {"user": "bob"},
    ),
    "logrus": Dialect(
        b'{"level":"fatal","msg":"out of disk","time":"2026-03-01T12:00:00Z","free":0.5}',
        "2026-03-01T12:00:00Z", CRITICAL, "", "out of disk", {"free": 0.5},
    ),
    "serilog": Dialect(
        b'{"@t":"2026-03-01T12:00:00.1230000Z","@mt":"Order {Id} took {Ms}","@l":"Warning",'
        b'"@x":"System.Exception: no\\n at X",'
        b'"SourceContext":"Shop.Orders","Id":77,"Ms":12.5}',
        "2026-03-01T12:00:00.123Z", WARNING, "Shop.Orders", "Order {Id} took {Ms} [System.Exception]",
        {"Id": 77.0, "Ms": 12.5},
    ),
    "gelf": Dialect(
        b'{"version":"1.1","host":"h","short_message":"queue full","timestamp":1772366400.5,"level":4,"_queue":"mail"}',
        "2026-03-01T12:00:00.5Z", WARNING, "", "queue full", {},
    ),
    "python_json_logger": Dialect(
        b'{"asctime":"2026-03-01 12:00:00,123","levelname":"CRITICAL","name":"worker.tasks","message":"gave up",'
        b'"exc_info":"Traceback (most recent call last):\\n  File \\"a.py\\", line 1\\nValueError: bad"}',
        "2026-03-01T12:00:00.123Z", CRITICAL, "worker.tasks", "gave up [ValueError]", {},
    ),
    "logback": Dialect(
        b'{"@timestamp":"2026-03-01T13:00:00.123+01:00","@version":"1","message":"started","logger_name":"c.s.App",'
        b'"thread_name":"main","level":"DEBUG","level_value":10000}',
        "2026-03-01T12:00:00.123Z", DEBUG, "c.s.App", "started", {},
    ),
    "log4j2": Dialect(
        b'{"instant":{"epochSecond":1772366400,"nanoOfSecond":5},"thread":"main","level":"INFO","loggerName":"App",'
        b'"message":"hello","endOfBatch":false}',
        "2026-03-01T12:00:00Z", INFO, "App", "hello", {},
    ),
    "tracing": Dialect(
        b'{"timestamp":"2026-03-01T12:00:00.000000Z","level":"INFO","fields":{"message":"served","code":200},'
        b'"target":"my_app::http"}',
        "2026-03-01T12:00:00Z", INFO, "my_app::http", "served", {"fields.code": 200.0},
    ),
    "mongodb": Dialect(
        b'{"t":{"$date":"2026-03-01T12:00:00.180+00:00"},"s":"W","c":"NETWORK","id":23016,"ctx":"listener",'
        b'"msg":"Waiting for connections","attr":{"port":27017}}',
        "2026-03-01T12:00:00.18Z", WARNING, "NETWORK", "Waiting for connections",
        {"id": 23016.0, "ctx": "listener", "attr.port": 27017.0},
    ),
    "gcp": Dialect(
        b'{"severity":"NOTICE","timestamp":{"seconds":1772366400,"nanos":0},"textPayload":"scaled",'
        b'"logging.googleapis.com/trace":"projects/p/traces/1"}',
        "2026-03-01T12:00:00Z", NOTICE, "", "scaled", {},
    ),
    "aws_lambda": Dialect(
        b'{"timestamp":"2026-03-01T12:00:00Z","level":"ERROR","message":"timed out","requestId":"79b4f56e"}',
        "2026-03-01T12:00:00Z", ERROR, "", "timed out", {},
    ),
    "cloudtrail": Dialect(
        b'{"eventTime":"2026-03-01T12:00:00Z","eventSource":"s3.amazonaws.com","eventName":"PutObject","errorCode":null}',
        "2026-03-01T12:00:00Z", UNKNOWN, "", "eventSource=s3.amazonaws.com eventName=PutObject errorCode=null",
        {"eventSource": "s3.amazonaws.com", "eventName": "PutObject"},
    ),
    "nginx_json": Dialect(
        b'{"time_local":"01/Mar/2026:12:00:00 +0000","request_method":"GET","status":"503","body_bytes_sent":"12"}',
        "2026-03-01T12:00:00Z", UNKNOWN, "", "request_method=GET status=server-error body_bytes_sent=12",
        {"request_method": "GET", "status": 503.0, "body_bytes_sent": 12.0},
    ),
    "journal": Dialect(
        b'{"MESSAGE":[104,195,169],"PRIORITY":"3","__REALTIME_TIMESTAMP":"1772366400123456","SYSLOG_IDENTIFIER":"sshd",'
        b'"_PID":"12","_SYSTEMD_UNIT":"ssh.service"}',
        "2026-03-01T12:00:00.123456Z", ERROR, "sshd", "hé", {},
    ),
    "journal_of_json": Dialect(
        b'{"MESSAGE":"{\\"level\\":\\"warn\\",\\"msg\\":\\"low\\",\\"free\\":3}","PRIORITY":"6",'
        b'"__REALTIME_TIMESTAMP":"1772366400000000","SYSLOG_IDENTIFIER":"app"}',
        "2026-03-01T12:00:00Z", WARNING, "app", "low", {"free": 3.0},
    ),
    "logfmt": Dialect(
        b'time=2026-03-01T12:00:00Z level=error logger=db msg="lost \\"main\\" link" took=1m2s code=7 user=bob',
        "2026-03-01T12:00:00Z", ERROR, "db", 'lost "main" link', {"took": 62.0, "code": 7.0, "user": "bob"},
    ),
    "logfmt_loose": Dialect(
        b'ts=1772366400.5 caller=main.go:12   level=warn msg="two  blanks"  flag empty= n=1',
        "2026-03-01T12:00:00.5Z", WARNING, "main.go", "two  blanks", {"flag": "", "empty": "", "n": 1.0},
    ),
    "syslog_5424": Dialect(
        b'<165>1 2026-03-01T12:00:00.003Z host evntslog 77 ID47 [a@32473 iut="3" src="App\\"l"][b@1 x="y"] An event',
        "2026-03-01T12:00:00.003Z", NOTICE, "evntslog", "An event",
        {"msgid": "ID47", "a.iut": 3.0, "a.src": 'App"l', "b.x": "y"},
    ),
    "syslog_5424_counted": Dialect(
        "61 <11>1 2026-03-01T12:00:00+00:00 h app - - - \ufefflast words".encode(),
        "2026-03-01T12:00:00Z", ERROR, "app", "last words", {},
    ),
    "syslog_of_json": Dialect(
        b'<14>1 2026-03-01T12:00:00Z h app - - - {"level":"error","msg":"inside","n":2}',
        "2026-03-01T12:00:00Z", ERROR, "app", "inside", {"n": 2.0},
    ),
    "syslog_3164": Dialect(
        b"<13>Mar  1 12:00:00 web-1 cron[77]: job done", "2026-03-01T12:00:00Z", NOTICE, "cron", "job done", {}
    ),
    "cri_plain": Dialect(
        b"2026-03-01T12:00:00.123456789Z stderr F ERROR cache miss storm",
        "2026-03-01T12:00:00.123456789Z", ERROR, "", "cache miss storm", {},
    ),
    "cri_json": Dialect(
        b'2026-03-01T12:00:05.000000000Z stdout F {"ts":"2026-03-01T12:00:00Z","level":"info","msg":"own time","n":1}',
        "2026-03-01T12:00:00Z", INFO, "", "own time", {"n": 1.0},
    ),
    "cri_json_timeless": Dialect(
        b'2026-03-01T12:00:00.5Z stdout F {"level":"info","msg":"no time"}',
        "2026-03-01T12:00:00.5Z", INFO, "", "no time", {},
    ),
    "access": Dialect(
        b'10.0.0.1 - bob [01/Mar/2026:12:00:00 +0000] "GET /a HTTP/1.1" 503 12 "-" "curl/8" rt=0.250 ut=0.2',
        "2026-03-01T12:00:00Z", ERROR, "", '"GET /a HTTP/1.1" server-error 12 "-" "curl/8" rt=0.250 ut=0.2',
        {"method": "GET", "status": 503.0, "bytes": 12.0, "request_time": 0.25},
    ),
    "plain": Dialect(
        b"2026-03-01 12:00:00 INFO shop.Cart: added item=5",
        "2026-03-01T12:00:00Z", INFO, "shop.Cart", "added item=5", {},
    ),
}  # fmt: skip

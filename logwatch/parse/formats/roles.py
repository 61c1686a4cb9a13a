"""Which field is the time, the level, the message, ...: the names that libraries and collectors give them."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

# In lower case, nested names joined by dots; the first that a line has is taken.
TIME = (
    "@timestamp", "timeunixnano", "__realtime_timestamp", "_source_realtime_timestamp", "timestamp", "time", "ts", "@t",
    "t.$date", "ts.$date", "timestamp.$date", "timestamp.seconds", "timestampseconds", "instant.epochsecond",
    "timemillis", "asctime", "datetime", "date", "eventtime", "event_time", "event.created", "observedtimeunixnano",
    "time_iso8601", "time_local", "start_time", "starttime", "requestreceivedtimestamp", "stagetimestamp", "logged_at",
    "created_at", "msec", "created", "@ts",
)  # fmt: skip
LEVEL = (
    "log.level", "level_name", "levelname", "severitytext", "severity_text", "@l", "level", "lvl", "loglevel",
    "log_level", "severity", "log.syslog.severity.name", "syslog.severity.name", "severitynumber", "severity_number",
    "priority", "level_value", "levelno", "l",
)  # fmt: skip
MESSAGE = (
    "message", "msg", "@m", "@mt", "renderedmessage", "messagetemplate", "short_message", "body", "textpayload",
    "jsonpayload.message", "jsonpayload.msg", "fields.message", "event", "log.message", "log", "text", "eventmessage",
    "m", "error.message", "err.message", "err.msg", "error_message", "errormessage",
)  # fmt: skip
SCOPE = (
    "log.logger", "logger_name", "loggername", "logger", "sourcecontext", "properties.sourcecontext", "target",
    "channel", "category", "scope.name", "syslog_identifier", "_comm", "_systemd_unit", "log.syslog.appname",
    "component", "subsystem", "module", "caller", "location", "service.name", "resource.service.name", "service", "app",
    "application", "program", "facility",
)  # fmt: skip
EXCEPTION = frozenset((
    "stack_trace", "stacktrace", "stack", "exc_info", "exc_text", "exception", "traceback", "error.stack",
    "error.stack_trace", "error.stacktrace", "err.stack", "exception.stacktrace", "@x", "full_message", "thrown",
    "attributes.exception.stacktrace", "error.verbose", "errorverbose", "jsonpayload.stack_trace", "code_stacktrace",
))  # fmt: skip
EXCEPTION_TYPE = (
    "error.type", "exception.type", "attributes.exception.type", "exc_type", "err.type", "err.name", "error.name",
    "error.kind", "exception.class", "exception_class", "thrown.name", "exception.exception_class", "errortype",
)  # fmt: skip
TRACE = frozenset((
    "trace.id", "trace_id", "traceid", "dd.trace_id", "logging.googleapis.com/trace", "oteltraceid", "trace",
    "x-amzn-trace-id", "xray_trace_id", "mdc.traceid", "mdc.trace_id", "contextmap.traceid", "context.trace_id",
))  # fmt: skip
REQUEST = frozenset((
    "request.id", "request_id", "requestid", "req_id", "reqid", "req.id", "x_request_id", "x-request-id",
    "correlation_id", "correlationid", "correlation.id", "http.request.id", "mdc.requestid", "mdc.request_id",
    "aws_request_id", "awsrequestid", "function_request_id", "context.request_id",
))  # fmt: skip
# Names of the process and the record, not of what happened: never a value, seldom worth showing.
IDLE = frozenset((
    "pid", "process.pid", "processid", "process_id", "tid", "thread", "thread_id", "threadid", "thread_name",
    "threadname", "process.thread.id", "process.thread.name", "hostname", "host", "host.name", "v", "@version",
    "version", "ecs.version", "span_id", "spanid", "span.id", "dd.span_id", "parent_id", "parent.id", "flags", "seq",
    "lineno", "line", "line_number", "log.origin.file.line", "log.origin.file.name", "log.origin.function", "filename",
    "funcname", "pathname", "file", "func", "function", "caller", "caller.file", "caller.line", "source", "process",
    "processname", "process_name", "process.name", "relativecreated", "msecs", "stack_info", "agent.version", "@i",
    "observedtimeunixnano", "tags", "insertid", "logname", "threadpriority", "endofbatch", "loggerfqcn", "level_value",
    "instant.nanoofsecond", "timestamp.nanos", "timestampnanos", "facility", "severitynumber", "levelno", "args",
))  # fmt: skip
_NAMES_LOGGER = frozenset(("levelname", "asctime", "v", "hostname", "pid", "lineno", "funcname", "filename"))
"""Beside one of these, `name` is a logger's (bunyan, Python), not a person's."""
MOST = 24
"""Fields of a line that reach the detectors: its first ones, so that a line tells them by itself. No more than are
shown: redaction looks at what is shown."""
NAME_MOST = 64
REMEMBERED = 4096
"""Characters of all names together beyond which a plan is made anew each time."""


class Plan(NamedTuple):
    """Columns of each role among the fields of some lines; -1: none."""

    time: int
    level: int
    scope: int
    message: int
    kind: int  # of the exception
    traces: tuple[tuple[str, int], ...]  # shown as trace_id, request_id: one pattern finds them in every dialect
    exceptions: tuple[int, ...]
    rest: tuple[int, ...]  # shown behind the message
    valued: int  # the first so many of the rest are for the detectors
    level_name: str  # in lower case
    syslog: bool  # numbers of levels are severities of syslog
    letters: bool  # levels are letters (MongoDB)


def plan_of(names: tuple[str, ...]) -> Plan:
    """What the fields of a line are for, by their names; remembered where these are not long."""
    return (_plan_of if sum(map(len, names)) <= REMEMBERED else _plan_of.__wrapped__)(names)


@lru_cache(maxsize=4096)
def _plan_of(names: tuple[str, ...]) -> Plan:
    at: dict[str, int] = {}
    for i, name in enumerate(names):
        at.setdefault(name.lower(), i)
    mongo = "t.$date" in at and "s" in at and "c" in at
    time, message, kind = (_first(at, role) for role in (TIME, MESSAGE, EXCEPTION_TYPE))
    level, scope = (at["s"], at["c"]) if mongo else (_first(at, LEVEL), _first(at, SCOPE))
    if scope < 0 or names[scope].lower() in SCOPE[SCOPE.index("caller") :]:
        named = at.get("name", -1) if _NAMES_LOGGER & at.keys() else -1
        scope = named if named >= 0 else scope
    traces = tuple(
        (label, found[0])
        for label, known in (("trace_id", TRACE), ("request_id", REQUEST))
        if (found := [i for name, i in at.items() if name in known or name.rpartition(".")[2] in known])
    )
    exceptions = tuple(i for name, i in at.items() if name in EXCEPTION)
    used = {time, level, scope, message, kind, *exceptions, *(i for _, i in traces)}
    if scope >= 0 and names[scope].lower() in ("location", "caller"):
        used.add(scope)
    rest = tuple(i for name, i in at.items() if i not in used and name not in IDLE and not name.startswith("_"))
    rest = tuple(sorted(rest, key=lambda i: len(names[i]) > NAME_MOST))  # long names last: they are no values
    valued = min(MOST, sum(len(names[i]) <= NAME_MOST for i in rest))
    level_name = names[level].lower() if level >= 0 else ""
    syslog = level_name == "priority" or "short_message" in at
    return Plan(time, level, scope, message, kind, traces, exceptions, rest, valued, level_name, syslog, mongo)


def _first(at: dict[str, int], role: tuple[str, ...]) -> int:
    return next((at[name] for name in role if name in at), -1)

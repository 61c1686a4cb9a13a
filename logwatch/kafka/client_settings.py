"""The settings of the client library that a configuration may give in its `client` table, and why not the others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from logwatch.config.problems import suggestion

Types = Mapping[str, type[bool] | type[int] | type[str]]

SHARED: Types = {
    "client_id": str,
    "client_dns_lookup": str,
    "connections_max_idle_ms": int,
    "max_in_flight_requests_per_connection": int,
    "metadata_max_age_ms": int,
    "metrics_enabled": bool,
    "metrics_num_samples": int,
    "metrics_sample_window_ms": int,
    "proxy_url": str,
    "receive_buffer_bytes": int,
    "receive_message_max_bytes": int,
    "reconnect_backoff_max_ms": int,
    "reconnect_backoff_ms": int,
    "request_timeout_ms": int,
    "retry_backoff_ms": int,
    "send_buffer_bytes": int,
    "ssl_check_hostname": bool,
    "ssl_ciphers": str,
    "ssl_crlfile": str,
}

CONSUMER: Types = {
    **SHARED,
    "check_crcs": bool,
    "enable_incremental_fetch_sessions": bool,
    "exclude_internal_topics": bool,
    "fetch_max_bytes": int,
    "fetch_max_wait_ms": int,
    "fetch_min_bytes": int,
    "heartbeat_interval_ms": int,
    "isolation_level": str,
    "max_partition_fetch_bytes": int,
    "max_poll_interval_ms": int,
    "session_timeout_ms": int,
}

PRODUCER: Types = {
    **SHARED,
    "batch_size": int,
    "compression_type": str,
    "delivery_timeout_ms": int,
    "linger_ms": int,
    "max_block_ms": int,
    "max_request_size": int,
    "retries": int,
}

_NO_OBJECT = "it is an object of Python, and cannot be written in a file"
_POSITION = "positions are kept with the state, and exact; those of the group only show the lag"
_BYTES = "bytes are decoded by `format`: a deserializer that fails would stop the client for ever"
_EXACT = "alerts are written by all replicas, in order and once, or not at all"

OURS: Mapping[str, str] = {
    "bootstrap_servers": "write `bootstrap`",
    "client_rack": "write `rack`",
    "group_id": "write `group`",
    "group_instance_id": "write `group_instance_id` beside `group`",
    "auto_offset_reset": "write `start`; what is lost later is a gap, and alerted",
    "enable_auto_commit": _POSITION,
    "auto_commit_interval_ms": _POSITION,
    "default_offset_commit_callback": _POSITION,
    "key_deserializer": _BYTES,
    "value_deserializer": _BYTES,
    "key_serializer": "keys are ids of incidents",
    "value_serializer": "alerts are JSON",
    "partition_assignment_strategy": "state moves with single partitions, which needs cooperative-sticky",
    "max_poll_records": "what is read ahead is bounded in bytes",
    "consumer_timeout_ms": "the daemon never stops reading by itself",
    "allow_auto_create_topics": "a misspelt topic would be created",
    "bootstrap_timeout_ms": "a broker that is not there is waited for",
    "security_protocol": "it follows from `tls` and `sasl`",
    "ssl_cafile": "write `tls_ca`",
    "ssl_certfile": "write `tls_cert`",
    "ssl_keyfile": "write `tls_key`",
    "ssl_password": "write `tls_key_password`",
    "ssl_context": _NO_OBJECT,
    "sasl_mechanism": "write `sasl`",
    "sasl_plain_username": "write `username`",
    "sasl_plain_password": "write `password`",
    "sasl_oauth_token_provider": "write `oauth_token_file`",
    "sasl_kerberos_name": "Kerberos is not supported",
    "sasl_kerberos_service_name": "Kerberos is not supported",
    "sasl_kerberos_domain_name": "Kerberos is not supported",
    "socks5_proxy": "write `proxy_url`",
    "api_version": "it is asked of the broker",
    "socket_options": _NO_OBJECT,
    "selector": _NO_OBJECT,
    "kafka_client": _NO_OBJECT,
    "metric_reporters": _NO_OBJECT,
    "metric_group_prefix": "nobody would read it",
    "acks": _EXACT,
    "enable_idempotence": _EXACT,
    "transactional_id": "it follows from the partition",
    "transaction_timeout_ms": "it follows from the commits",
    "partitioner": _NO_OBJECT,
}
"""Settings that a configuration may not give: why, or what to write."""


def check(client: Mapping[str, Any], known: Types) -> None:
    """Hold a `client` table against what may be set. Raises ValueError with everything that is wrong."""
    problems = [problem for name, value in client.items() if (problem := _problem(name, value, known))]
    if problems:
        raise ValueError("; ".join(problems))


def _problem(name: str, value: Any, known: Types) -> str:
    if name in OURS and name not in known:
        return f'"{name}" cannot be set here: {OURS[name]}'
    if name not in known:
        return f'"{name}" is no setting of the client; {suggestion(name, known)}'.removesuffix("; ")
    wanted = known[name]
    fits = isinstance(value, wanted) and (wanted is bool or not isinstance(value, bool))
    return "" if fits else f'"{name}" must be {_NAMES[wanted]}, not {value!r}'


_NAMES = {bool: "true or false", int: "a whole number", str: "a text"}

"""Errors of the client as sentences that name the setting and what to check."""

from __future__ import annotations

import re
from typing import Any

from logwatch.errors import ConfigError, LogwatchError, UnreachableError
from logwatch.kafka.connection import ConnectionConfig
from logwatch.kafka.token import good_until

_DECORATION = re.compile(r"^(\[Error \d+\]\s*|\w+Error:?\s*)+")


def explain(error: BaseException, config: ConnectionConfig, group: str = "", member: str = "") -> LogwatchError | None:
    """What an error of the client means; None where it may go away by itself.

    Args:
        error: what the client raised.
        config: of the connection.
        group, member: `group` and `group_instance_id`, where the client is a consumer.
    """
    from kafka import errors

    who = config.username or "this client"
    table: list[tuple[Any, str, str]] = [
        (
            errors.FencedInstanceIdError,
            f'another worker has joined group "{group}" under the name "{member}"',
            'give every worker a `group_instance_id` of its own, as in "{host}", and stop the one that is not wanted',
        ),
        (errors.SaslAuthenticationFailedError, *_refused_login(error, config, who)),
        (
            (errors.UnsupportedSaslMechanismError, errors.IllegalSaslStateError),
            f"the broker does not offer {config.sasl or 'a login without SASL'} at this port",
            "check `sasl`, and the port in `bootstrap`",
        ),
        (
            errors.TopicAuthorizationFailedError,
            f"{who} may not use topic {_names(error)}",
            f"check `topics` or `topic` and `username`, or grant it: {_acl(config, '--topic ' + _names(error))}",
        ),
        (
            errors.GroupAuthorizationFailedError,
            f'{who} may not read as a member of group "{group}"',
            f"check `group`, or grant it: {_acl(config, '--group ' + group)}",
        ),
        (
            errors.ClusterAuthorizationFailedError,
            f"{who} may not do this on the cluster",
            "grant it IdempotentWrite on the cluster, or Write on the topic",
        ),
        (
            errors.UnsupportedCodecError,
            f"records are compressed in a way that cannot be read here: {_reason(error)}",
            "pip install 'kafka-python[snappy,lz4,zstd]' beside logwatchd",
        ),
        (
            errors.InvalidTopicError,
            f"the broker knows no topic of such a name: {_reason(error)}",
            "check `topics` or `topic`",
        ),
        (
            errors.InconsistentGroupProtocolError,
            f'group "{group}" is used by consumers that share partitions in another way',
            "give logwatchd a `group` of its own",
        ),
        (
            errors.InvalidSessionTimeoutError,
            "the broker does not allow this session timeout",
            "check `session_timeout_ms` in the `client` table against group.min.session.timeout.ms of the broker",
        ),
        (errors.KafkaConfigurationError, f"the client refuses its settings: {_reason(error)}", "check `client`"),
        (ConfigError, str(getattr(error, "message", error)), str(getattr(error, "hint", ""))),
    ]
    for kinds, message, hint in table:
        if isinstance(error, kinds):
            return ConfigError(f"kafka: {message.removeprefix('kafka: ')}", hint)
    return None


def unreachable(config: ConnectionConfig, message: str) -> UnreachableError:
    """No broker answers."""
    return UnreachableError(f"kafka: {message}", "check `bootstrap` and that the broker runs")


def _reason(error: BaseException) -> str:
    """The text of an error without the client's own decoration."""
    text = str(error).strip()
    bare = _DECORATION.sub("", text).strip()
    return bare or text or type(error).__name__


def _refused_login(error: BaseException, config: ConnectionConfig, who: str) -> tuple[str, str]:
    """Message and hint."""
    if config.oauth_token_file is None:
        refused = f"the broker refuses to log {who} in with {config.sasl or 'no SASL'}: {_reason(error)}"
        return refused, "check `username`, `password` and `sasl`"
    end = good_until(config.oauth_token_file)
    until = f", good until {end}" if end else ""
    return (
        f"the broker refuses the token in `oauth_token_file` {config.oauth_token_file}{until}: {_reason(error)}",
        "check that it is renewed before it ends, and that the broker trusts who issues it",
    )


def _names(error: BaseException) -> str:
    """The topics that an error names."""
    for argument in error.args:
        if isinstance(argument, set | frozenset | list | tuple):
            return ", ".join(sorted(map(str, argument)))
    return _reason(error)


def _acl(config: ConnectionConfig, what: str) -> str:
    who = f"--allow-principal User:{config.username or 'NAME'}"
    return f"kafka-acls --bootstrap-server {config.bootstrap[0]} --add {who} --operation All {what}"

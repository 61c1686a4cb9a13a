"""Alerts to a webhook, one request each, signed as Standard Webhooks says (standardwebhooks.com).

`webhook-id` is the alert's id and the same whenever it comes again; `webhook-signature` is `v1,` and the HMAC-SHA256 of
`{id}.{timestamp}.{body}` in base64.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

from logwatch.api import Alert, Clock, plugin
from logwatch.config.secret import secret_line
from logwatch.errors import ConfigError, DeliveryError, RefusedError
from logwatch.sinks.http import HttpPost
from logwatch.sinks.render import headline, render
from logwatch.sinks.schema import dump_line, to_json
from logwatch.sinks.template import Template
from logwatch.sinks.webhook_config import WebhookConfig

PREFIX = "whsec_"
"""Of a secret whose bytes are written in base64."""


@plugin(kind="sink", name="webhook", api=(1, 0), config=WebhookConfig)
class WebhookSink:
    """Sends each alert to a URL.

    Args:
        config: its settings.
        clock: for the time of a signature.
    """

    def __init__(self, config: WebhookConfig, clock: Clock) -> None:
        self._config, self._clock = config, clock
        self._post = HttpPost(config.url, config, clock)
        try:
            text = config.template_text()
            self._template = None if text is None else Template(text, as_json=config.as_json)
        except ValueError as error:  # the file is another than when the configuration was checked
            raise ConfigError(f"sink webhook: {error}") from error
        self._headers = {name: value.get_secret_value() for name, value in config.headers.items()}

    def deliver(self, alerts: list[Alert]) -> None:
        """Send all, in order. Raises DeliveryError, which says how many were sent."""
        for done, alert in enumerate(alerts):
            try:
                body = self._body(alert)
                self._post.post(body, self._all_headers(alert.id, body), self._config.method)
            except DeliveryError as error:
                raise type(error)(error.message, delivered=done, retry_after=error.retry_after) from None

    def close(self) -> None:
        """End what is in progress. Safe to call twice."""
        self._post.stop()

    def _body(self, alert: Alert) -> bytes:
        if self._template is None:
            return dump_line(alert).rstrip(b"\n")
        values = {"alert": to_json(alert), "headline": headline(alert), "text": render(alert).plain}
        try:
            return self._template.render(values).encode(errors="replace")
        except ValueError as error:
            raise RefusedError(f"the template fails for this alert: {error}") from None

    def _all_headers(self, id: str, body: bytes) -> dict[str, str]:
        stamp = str(self._clock.now() // 10**9)
        headers = {"Content-Type": self._config.content_type, "webhook-id": id, "webhook-timestamp": stamp}
        if self._config.secret_file is not None:
            headers["webhook-signature"] = f"v1,{sign(self._key(), id, stamp, body)}"
        return self._headers | headers

    def _key(self) -> bytes:
        path = self._config.secret_file
        assert path is not None  # noqa: S101  # for the type checker
        try:
            return key_of(secret_line(path))
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else str(error)
            raise DeliveryError(f"`secret_file` {path}: {why}") from None


def key_of(secret: str) -> bytes:
    """The bytes of a secret: as it is, or the base64 after `whsec_`. Raises ValueError."""
    if not secret.startswith(PREFIX):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        raise ValueError(f"is not base64 after {PREFIX}") from None


def sign(key: bytes, id: str, stamp: str, body: bytes) -> str:
    """The signature of a request, base64."""
    signed = f"{id}.{stamp}.".encode() + body
    return base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()

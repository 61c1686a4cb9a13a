"""`risk` of a running daemon: over HTTP, or over its control socket."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from logwatch.control import ask
from logwatch.errors import DataError, UnreachableError, UsageError
from logwatch.requests import RiskAsk

TIMEOUT_S = 15.0
MOST_BYTES = 1 << 24


def risk_asked(request: RiskAsk) -> list[dict[str, Any]]:
    """What a daemon says of its sources: rows with `source`, `probability` (or None and `error`), `drivers` …

    Raises:
        UsageError: the URL is none, or the daemon wants a token.
        UnreachableError: it does not answer.
        DataError: nothing can be said of any source.
    """
    reply = _over_http(request) if request.url else _over_socket(request)
    rows = reply.get("results")
    if not isinstance(rows, list) or not rows:
        raise DataError(str(reply.get("error") or "no source has metrics yet"), str(reply.get("hint") or ""))
    return [_row(one) for one in rows]


def _row(told: Any) -> dict[str, Any]:
    try:
        drivers = [(one["metric"], one["share"]) if isinstance(one, dict) else tuple(one) for one in told["drivers"]]
        probability = told["probability"]
        known = isinstance(probability, int | float) and 0 <= probability <= 1
        if probability is not None and not known:
            raise ValueError(f"a probability of {probability!r}")
        return {
            **told,
            "source": str(told["source"]),
            "drivers": [(str(name), float(share)) for name, share in drivers],
        }
    except (KeyError, TypeError, ValueError) as error:
        raise UnreachableError(f"that is no answer of logwatchd: {error!r}") from error


def _over_socket(request: RiskAsk) -> dict[str, Any]:
    assert request.state is not None  # noqa: S101  # for the type checker: one of both is given
    return ask(request.state, {"verb": "risk", "source": request.source or ""})


def _over_http(request: RiskAsk) -> dict[str, Any]:
    parts = urllib.parse.urlsplit(request.url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"{request.url!r} is no URL of a daemon", "write http://127.0.0.1:8711")
    query = urllib.parse.urlencode({"source": request.source or ""})
    url = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}/api/v1/risk?{query}"
    headers = {"accept": "application/json"} | ({"authorization": f"Bearer {request.token}"} if request.token else {})
    place = f"{parts.scheme}://{parts.hostname}"  # without what may stand before an @
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=TIMEOUT_S) as answer:  # noqa: S310  # the scheme was checked
            reply = json.loads(answer.read(MOST_BYTES))
    except urllib.error.HTTPError as error:
        if error.code in (401, 403):
            raise UsageError(f"{place} wants a token", "name a file that holds it with --token-file") from error
        raise UnreachableError(f"{place} answers {error.code} {error.reason}", "is it logwatchd?") from error
    except (OSError, ValueError, http.client.HTTPException) as error:
        why = getattr(error, "reason", None) or error
        raise UnreachableError(f"{place} does not answer: {why}", "is the daemon running?") from error
    if not isinstance(reply, dict):
        raise UnreachableError(f"{place} answers what is no answer of logwatchd")
    return reply

"""URLs of servers that speak HTTP."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit


def split_url(text: str, what: str = "URL of http or https", form: str = "https://HOST/PATH") -> SplitResult:
    """A URL of http or https in its parts.

    Args:
        text: the URL; may be a secret.
        what, form: what it should be, and look like, for the message.

    Raises:
        ValueError: it is none; the message holds nothing of it.
    """
    try:
        url = urlsplit(text)
        host, _ = url.hostname, url.port
    except ValueError:
        raise ValueError(f"is no URL: write {form}") from None
    if url.scheme not in ("http", "https") or not host:
        raise ValueError(f"is no {what}: write {form}")
    if "@" in url.netloc:
        raise ValueError("holds a user or a password: write `username` and `password`")
    if not (text.isascii() and text.isprintable()) or " " in text or url.fragment:
        raise ValueError("is no URL: it holds a fragment, a space, or what is not ASCII")
    return url

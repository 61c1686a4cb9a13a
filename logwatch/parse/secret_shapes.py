"""What secrets look like in logs: literals that tell that a line is worth a look, and the expression that finds them.

Groups are what is taken away; without one it is the whole match. What issuers give a prefix of its own is known by it;
all else by the name of its field. Literals of the default rules are kept under 64: the engine looks for so many in one
pass, and for more in three times the time. ASCII classes and word bounds: Unicode ones make automata much larger.
"""

from __future__ import annotations

_VALUE = (
    r"""(?:\\{0,3}["']?[ \t]{0,3}(?:=>|:=|[=:]|%3[dD])[ \t]{0,3}"""  # the backslashes: JSON within a string
    r"""(?:\\{1,3}"([^"\\]*)|"((?:[^"\\]|\\.)*)"?|'((?:[^'\\]|\\.)*)'?"""
    r"""|((?:[^ \t"',;&)}\]\\]|\\[^"])[^ \t"',;&)}\]]*))|>([^<]+)</)"""
)
_KEY_FIELD = (
    r"(?i-u:token|secret|jsessionid|phpsessid"
    r"|(?:api|access|account|private|signing|encryption|master|auth|shared)[_-]?key)[A-Za-z0-9_]{0,20}"
)
_PHRASE_FIELD = r"(?i-u:passw(?:or)?d|pwd|passphrase|[_-]pass)[A-Za-z0-9_]{0,20}"
_OPTION = (  # of a command line, or of a list of arguments
    r"""(?:^|[ \t"'(\[])--?(?i-u:[a-z-]{0,20}(?:password|passwd|token|secret|api-key))"""
    r"""[ \t"',]{1,5}([^ \t"',-][^ \t"',\]]*)"""
)
_SQL = r"(?i-u:password|identified by)[ \t]{1,3}'([^']+)'"
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])"
_HEX = r"[0-9a-fA-F]{1,4}"

_ISSUED: list[tuple[tuple[str, ...], str]] = [
    (("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), "gh[pousr]_[A-Za-z0-9]{30,255}"),
    (("_pat_",), "github_pat_[A-Za-z0-9_]{22,255}"),
    (("glpat-",), "glpat-[A-Za-z0-9_.-]{20,}"),
    (("xox", "xapp-"), "(?:xox[abeoprs]|xapp)-[A-Za-z0-9-]{10,}"),  # Slack
    (("aiza",), "AIza[A-Za-z0-9_-]{35}"),  # Google
    (("ya29.",), r"ya29\.[A-Za-z0-9_-]{20,}"),
    (("gocspx-",), "GOCSPX-[A-Za-z0-9_-]{20,}"),
    (("k_live_", "k_test_"), "[sr]k_(?:live|test)_[A-Za-z0-9]{10,}"),  # Stripe
    (("whsec_",), "whsec_[A-Za-z0-9+/=]{16,}"),
    (("npm_",), "npm_[A-Za-z0-9]{36}"),
    (("pypi-",), "pypi-[A-Za-z0-9_-]{50,}"),
    (("sk-proj-", "sk-svcacct-", "sk-ant-"), "sk-(?:proj|svcacct|ant)-[A-Za-z0-9_-]{20,}"),  # OpenAI, Anthropic
    (("t3blbkfj",), "sk-[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}"),
    (("hf_",), "hf_[A-Za-z0-9]{30,}"),  # Hugging Face
    (("hvs.",), r"hvs\.[A-Za-z0-9_-]{24,}"),  # Vault
    (("dop_v1_",), "dop_v1_[a-f0-9]{64}"),  # DigitalOcean
    (("_pat_",), "dckr_pat_[A-Za-z0-9_-]{20,}"),  # Docker Hub
    (("glsa_",), "glsa_[A-Za-z0-9_+/=]{20,}"),  # Grafana
    (("shpat_",), "shpat_[a-fA-F0-9]{32}"),  # Shopify
    (("atatt3",), "ATATT3[A-Za-z0-9_=-]{50,}"),  # Atlassian
    (("age-secret-key-",), "AGE-SECRET-KEY-1[A-Z0-9]{50,}"),
]
_KEY_BLOCK = r"-----(?:BEGIN|END) [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----"

BUILT_IN: dict[str, tuple[tuple[str, ...], str]] = {
    "secret_field": (
        ("token", "secret", "_key", "-key", *(f"{letter}key" for letter in "istegnrhd"), "sessid", "jsession"),
        rf"{_OPTION}|{_KEY_FIELD}{_VALUE}",
    ),
    "password": (
        ("passw", "pwd", "passphrase", "_pass", "-pass", "identified by"),
        rf"{_OPTION}|{_SQL}|{_PHRASE_FIELD}{_VALUE}",
    ),
    # Of the user's own name only what is long enough for a token.
    "url_password": (("@",), r"[a-zA-Z][a-zA-Z0-9+.-]*://(?:[^ \t:/@]*:([^ \t/]+)|([A-Za-z0-9_-]{20,}))@"),
    "email": (("@",), r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,24}(?-u:\b)"),
    "ipv4": (("",), rf"(?-u:\b)(?:{_OCTET}\.){{3}}{_OCTET}(?-u:\b)"),
    "ipv6": (
        (":",),
        rf"(?-u:\b)(?:{_HEX}:){{7}}{_HEX}(?-u:\b)"
        rf"|(?:(?-u:\b){_HEX}(?::{_HEX}){{0,5}})?::{_HEX}(?::{_HEX}){{0,5}}(?-u:\b)",
    ),
    "card": (("",), r"(?-u:\b)[0-9](?:[ -]?[0-9]){12,18}(?-u:\b)"),
    "bearer": (
        ("bearer", "basic ", "authorization"),
        r"(?-u:\b)(?i-u:bearer|basic|authorization\\{0,3}[\"']?[ \t]{0,3}[=:][ \t]{0,3}\\{0,3}[\"']?"
        r"(?:token|apikey|negotiate))[ \t]{1,3}([A-Za-z0-9._~+/=-]{8,})",
    ),
    "cookie": (  # a header's goes to its end
        ("cookie",),
        r"""(?-u:\b)(?i-u:set-cookie|cookie)\\{0,3}["']?[ \t]{0,3}"""
        r"""(?::[ \t]{0,3}\[?\\{0,3}["']?([^"'\r\n\\]+)|=["']?([^ \t"',&)}\]]+))""",
    ),
    "jwt": (("eyj",), r"(?-u:\b)eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*)?"),
    "aws_key": (("akia", "asia"), r"(?-u:\b)A(?:KI|SI)A[A-Z0-9]{16}(?-u:\b)"),
    "issued": (
        tuple(sorted({literal for literals, _ in _ISSUED for literal in literals})),
        rf"(?-u:\b)(?:{'|'.join(pattern for _, pattern in _ISSUED)})",
    ),
    "signed_url": (
        ("sig=", "-signature=", "hooks.slack.com"),
        r"[?&](?:sig|X-Amz-Signature|X-Goog-Signature)=([A-Za-z0-9%+/=_-]{20,})"
        r"|hooks\.slack\.com/(?:services|workflows)/([A-Za-z0-9_/]{10,})",
    ),
    # Lines of it that came as records of their own are not told from other text.
    "private_key": (
        ("private key",),
        rf"{_KEY_BLOCK}(?s:(?:.*?-----END [A-Z0-9 ]{{0,30}}PRIVATE KEY(?: BLOCK)?-----|.*))",
    ),
}
"""Name -> literals in lower case, of which a line holds one if it matches; the expression."""

NAMES: dict[str, tuple[str, ...]] = {
    "token": ("bearer", "jwt", "aws_key", "issued", "signed_url", "cookie", "private_key", "secret_field"),
    "password": ("password", "url_password"),
    **{name: (name,) for name in ("email", "ipv4", "ipv6", "card", "bearer", "jwt", "aws_key")},
}
"""What a configuration says -> what is looked for."""

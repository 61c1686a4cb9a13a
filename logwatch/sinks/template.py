"""The body of a webhook from a template (Jinja), in a sandbox: what it sees is data, and what it writes stays data.

A template sees `alert`, the object of the schema, `headline` and `text`, the alert as a terminal shows it. It has
neither functions nor methods, only filters. What it inserts into JSON is written as JSON, quotes included, so that
no text from a log can end a string; into anything else, with every control character escaped.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, Undefined, meta, nodes
from jinja2.exceptions import SecurityError
from jinja2.runtime import LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from logwatch.config.problems import unknown
from logwatch.sinks.example import EXAMPLES

NAMES = ("alert", "headline", "text")
LONGEST = 16_384
"""Characters of a template."""

WRITTEN_MOST = 65_536
"""Characters of what it may write."""

FILTERS = (
    "tojson", "safe", "upper", "lower", "capitalize", "title", "trim", "length", "count", "join", "first", "last",
    "default", "d", "replace", "truncate", "round", "int", "float", "string", "list", "sort", "unique", "reverse",
    "urlencode", "items", "selectattr", "rejectattr", "map", "max", "min", "sum", "abs",
)  # fmt: skip
"""Those that cannot make much out of little."""

Values = Mapping[str, Any]


class _Sandbox(ImmutableSandboxedEnvironment):
    """No functions, no methods; arithmetic only on numbers."""

    intercepted_binops = frozenset(["*", "**", "%", "+"])

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        return isinstance(obj, LoopContext) and super().is_safe_attribute(obj, attr, value)

    def is_safe_callable(self, obj: Any) -> bool:
        return False

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        if operator == "**" or not all(isinstance(one, int | float) for one in (left, right)):
            raise SecurityError(f"{operator} is for numbers; text is joined by ~")
        return super().call_binop(context, operator, left, right)


def _as_json(value: Any) -> Any:
    if isinstance(value, Markup | Undefined):  # written as JSON already; or an error, when it is looked at
        return value
    return _dumped(value)


def _dumped(value: Any) -> str:
    return json.dumps(value, allow_nan=False)  # ASCII: surrogates and overrides of direction are escaped


def _as_text(value: Any) -> Any:
    if isinstance(value, Undefined):
        return value
    from logwatch.sinks.render import escape  # rich

    return escape(value if isinstance(value, str) else "" if value is None else str(value))


@lru_cache
def _sandbox(as_json: bool) -> _Sandbox:
    env = _Sandbox(
        undefined=StrictUndefined,
        finalize=_as_json if as_json else _as_text,
        autoescape=False,
        keep_trailing_newline=True,
    )
    env.globals.clear()
    env.filters = {name: env.filters[name] for name in FILTERS}
    env.filters["tojson"] = lambda value: Markup(_dumped(value))  # noqa: S704  # JSON is what is wanted
    env.filters["safe"] = lambda value: Markup(value) if isinstance(value, str) else value  # noqa: S704  # asked for
    return env


class Template:
    """A template that was compiled, and tried.

    Args:
        text: of it.
        as_json: it writes JSON.

    Raises:
        ValueError: it is wrong: where, and what.
    """

    def __init__(self, text: str, *, as_json: bool) -> None:
        if len(text) > LONGEST:
            raise ValueError(f"{len(text):,} characters; at most {LONGEST:,}")
        self._json = as_json
        env = _sandbox(as_json)
        try:
            tree = env.parse(text)
            _check_names(meta.find_undeclared_variables(tree))
            _check_harmless(tree)
            self._template = env.from_string(tree)
        except TemplateSyntaxError as error:
            raise ValueError(f"line {error.lineno}: {error.message}") from None
        except RecursionError:
            raise ValueError("is nested too deeply") from None
        for example in EXAMPLES:
            self.render({"alert": example, "headline": "A kind of line", "text": "▌ WARNING  web"})

    def render(self, values: Values) -> str:
        """What it writes of these values. Raises ValueError."""
        try:
            written = "".join(_bounded(self._template.generate(**values)))
        except SecurityError as error:
            raise ValueError(f"a template has no functions or methods, and may not do this: {error.message}") from None
        except TemplateError as error:
            raise ValueError(error.message or type(error).__name__) from None
        except (TypeError, ValueError, ArithmeticError, LookupError, RecursionError) as error:
            raise ValueError(f"{type(error).__name__}: {error}") from None
        if self._json:
            try:
                json.loads(written)
            except (ValueError, RecursionError) as error:
                raise ValueError(f"what it writes is not JSON: {error}; write {{{{ name }}}} without quotes") from None
        return written


def _bounded(parts: Iterator[str]) -> Iterator[str]:
    left = WRITTEN_MOST
    for part in parts:
        left -= len(part)
        if left < 0:
            raise ValueError(f"writes over {WRITTEN_MOST:,} characters")
        yield part


def _check_names(names: set[str]) -> None:
    for name in sorted(names):
        if name not in NAMES:
            raise ValueError(unknown("name", name, NAMES))


def _check_harmless(tree: nodes.Template) -> None:
    """Nothing that grows without an end, or reads other files."""
    refused: tuple[tuple[type[nodes.Node], Callable[[Any], bool], str], ...] = (
        (nodes.Macro, lambda node: True, "macro"), (nodes.CallBlock, lambda node: True, "call"),
        (nodes.Include, lambda node: True, "include"), (nodes.Extends, lambda node: True, "extends"),
        (nodes.Import, lambda node: True, "import"), (nodes.FromImport, lambda node: True, "import"),
        (nodes.For, lambda node: bool(node.recursive), "recursive"),
    )  # fmt: skip
    for kind, wrong, word in refused:
        for node in tree.find_all(kind):
            if wrong(node):
                raise ValueError(f"line {node.lineno}: {word} is not for templates of alerts")

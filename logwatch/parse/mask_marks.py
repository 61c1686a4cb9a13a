"""Characters that stand for what varies, in keys, masked texts and patterns; `collapse` lets none of them through."""

VARIABLE = "\x00"
"""Stands for one variable part in masked texts."""

ANY = "\x01"
"""Stands for a whole word that was learned to be variable, in patterns."""

OPENING, CLOSING = "\x02", "\x03"
"""The brackets of `name(<*>)` and `name[<*>]`, which are one word."""

TAIL = "\x04"
"""Ends a pattern whose last part may be any number of words."""

SCOPE_END = "\x1f"
"""Ends the scope in a key (ASCII unit separator)."""

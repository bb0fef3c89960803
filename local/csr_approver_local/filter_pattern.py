"""CloudWatch Logs' filter patterns, as far as the product and its documentation write them; moto lets everything by.

Words and "quoted words", all of which an event must hold, or `{ $.field = "value" }` on events that are JSON, with
`!=`, `&&`, `||`, parentheses and `*` in a value (CloudWatch Logs User Guide, "Filter pattern syntax").
"""

import json
import re
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from typing import Any, TypeAlias

from csr_approver_local.wire import AwsError

Matches: TypeAlias = Callable[[str], bool]
_OnJson: TypeAlias = Callable[[dict[str, Any]], bool]

_LONGEST = 1024
_TOKEN = re.compile(
    r"""\s*(?:(?P<selector>\$[\w.\[\]]+)|(?P<text>"[^"\\]*")|(?P<number>-?\d+(?:\.\d+)?)|(?P<sign>&&|\|\||!=|[=(){}]))"""
)
_WORD = re.compile(r'"([^"]*)"|([^\s"{}()\[\]$]+)')


def parse_filter_pattern(pattern: str) -> Matches:
    """What an event's message must be like. Raises AwsError for what CloudWatch Logs, or this reader, does not know."""
    if len(pattern) > _LONGEST:
        raise _invalid(f"Value at 'filterPattern' must have length less than or equal to {_LONGEST}")
    text = pattern.strip()
    if not text.startswith("{"):
        return _words(text)
    on_json = _Reader(text).read()

    def matches(message: str) -> bool:
        try:
            event = json.loads(message)
        except ValueError:
            return False
        return isinstance(event, dict) and on_json(event)

    return matches


def _words(text: str) -> Matches:
    if _WORD.sub("", text).strip():
        raise _invalid(f"Invalid filter pattern: {text}")
    words = [quoted or word for quoted, word in _WORD.findall(text)]
    return lambda message: all(word in message for word in words)


class _Reader:
    """Recursive descent over `{ ... }`."""

    def __init__(self, text: str) -> None:
        self._tokens = list(_tokens(text))

    def read(self) -> _OnJson:
        self._expect("{")
        condition = self._either()
        self._expect("}")
        if self._tokens:
            raise _invalid("Invalid filter pattern: there is more after the closing brace")
        return condition

    def _either(self) -> _OnJson:
        parts = [self._all()]
        while self._next_is("||"):
            parts.append(self._all())
        return lambda event: any(part(event) for part in parts)

    def _all(self) -> _OnJson:
        parts = [self._one()]
        while self._next_is("&&"):
            parts.append(self._one())
        return lambda event: all(part(event) for part in parts)

    def _one(self) -> _OnJson:
        if self._next_is("("):
            condition = self._either()
            self._expect(")")
            return condition
        selector, sign, value = self._take("selector"), self._take("sign"), self._take("text", "number")
        if sign not in ("=", "!="):
            raise _invalid(f"Invalid filter pattern: {sign} between {selector} and {value}")
        equal = _equals(value)
        return lambda event: equal(_selected(event, selector)) is (sign == "=")

    def _take(self, *kinds: str) -> str:
        if not self._tokens or self._tokens[0][0] not in kinds:
            found = self._tokens[0][1] if self._tokens else "the end"
            raise _invalid(f"Invalid filter pattern: {found} where a {' or '.join(kinds)} should be")
        return self._tokens.pop(0)[1]

    def _next_is(self, sign: str) -> bool:
        if self._tokens and self._tokens[0] == ("sign", sign):
            self._tokens.pop(0)
            return True
        return False

    def _expect(self, sign: str) -> None:
        if not self._next_is(sign):
            raise _invalid(f"Invalid filter pattern: {sign} is missing")


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            raise _invalid(f"Invalid filter pattern at: {text[position:]}")
        yield match.lastgroup, match[match.lastgroup]
        position = match.end()


def _equals(value: str) -> Callable[[object], bool]:
    if not value.startswith('"'):
        return lambda found: isinstance(found, int | float) and found == float(value)
    pattern = value.strip('"').replace("[", "[[]").replace("?", "[?]")
    return lambda found: isinstance(found, str) and fnmatchcase(found, pattern)


def _selected(event: object, selector: str) -> object:
    """`$.a.b` or `$.a[0]`; None where there is nothing."""
    for name, index in re.findall(r"\.(\w+)|\[(\d+)\]", selector):
        if name:
            event = event.get(name) if isinstance(event, dict) else None
        else:
            event = event[int(index)] if isinstance(event, list) and int(index) < len(event) else None
    return event


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidParameterException", message)

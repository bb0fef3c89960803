"""CloudWatch Logs Insights queries taken apart: commands, the fields that they read, how they count.

There is no emulator. This knows the commands and functions that the project uses, and refuses all others, so that a
query which nobody has checked does not pass.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

SYSTEM_FIELDS = frozenset({"@timestamp", "@message", "@logStream", "@log", "@ingestionTime"})
"""What every event has, whatever is in it."""

_TOKEN = re.compile(
    r"""(?P<space>\s+|\#[^\n]*)
      | (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
      | (?P<regex>/(?:[^/\\\n]|\\.)+/)
      | (?P<quoted>`[^`]+`)
      | (?P<number>\d+(?:\.\d+)?(?:ms|s|m|h|d|w)?\b)
      | (?P<name>[@A-Za-z_][\w.@]*)
      | (?P<operator><=|>=|!=|=~|[=<>+\-*/%^(),|\[\]])""",
    re.VERBOSE,
)
_WORDS = frozenset({"and", "as", "asc", "by", "desc", "in", "like", "not", "or"})
_FUNCTIONS = frozenset(
    {"bin", "coalesce", "concat", "count", "count_distinct", "earliest", "ispresent", "latest", "max", "min", "pct"}
)
_COMMANDS = frozenset({"dedup", "display", "fields", "filter", "limit", "sort", "stats"})


class Token(NamedTuple):
    """`kind`: text, regex, name, number, operator or word."""

    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class Command:
    """One step of the pipe."""

    name: str
    tokens: tuple[Token, ...]

    @property
    def aliases(self) -> set[str]:
        """What it names with `as`."""
        return {
            token.value
            for before, token in zip(self.tokens, self.tokens[1:], strict=False)
            if before == Token("word", "as")
        }

    @property
    def reads(self) -> set[str]:
        """The fields that it names, without those it makes."""
        return {
            token.value
            for position, token in enumerate(self.tokens)
            if token.kind == "name"
            and not (position and self.tokens[position - 1] == Token("word", "as"))
            and self.tokens[position + 1 : position + 2] != (Token("operator", "("),)
        }

    @property
    def calls(self) -> set[str]:
        """The functions that it calls, each with its first argument: `count_distinct(uid`."""
        return {
            f"{name.value.lower()}({argument.value}"
            for name, bracket, argument in zip(self.tokens, self.tokens[1:], self.tokens[2:], strict=False)
            if name.kind == "name" and bracket.value == "("
        }

    @property
    def groups(self) -> set[str]:
        """What a `stats` counts by."""
        return Command(self.name, self.tokens[self._by :]).reads if self._by else set()

    @property
    def equalities(self) -> Iterator[tuple[str, str]]:
        """Each `field = "text"` and `field in ["text", ...]`."""
        for position, token in enumerate(self.tokens):
            if token.kind != "name":
                continue
            match self.tokens[position + 1 : position + 3]:
                case (Token("operator", "=" | "!="), Token("text", text)):
                    yield token.value, text
                case (Token("word", "in"), Token("operator", "[")):
                    for value in self.tokens[position + 3 :]:
                        if value.value == "]":
                            break
                        if value.kind == "text":
                            yield token.value, value.value

    @property
    def _by(self) -> int:
        return next((position + 1 for position, token in enumerate(self.tokens) if token == Token("word", "by")), 0)


@dataclass(frozen=True, slots=True)
class Query:
    """The steps in order."""

    commands: tuple[Command, ...]

    @property
    def fields(self) -> set[str]:
        """What it reads of the events. Raises ValueError where a step names what an earlier one did not leave."""
        found: set[str] = set()
        made: set[str] = set()
        left: set[str] | None = None
        for command in self.commands:
            if left is None:
                found |= command.reads - made
            elif lost := command.reads - left:
                raise ValueError(f"{command.name} names {sorted(lost)}, which stats did not leave")
            made |= command.aliases
            if command.name == "stats":
                left = command.aliases | command.groups
        return found

    @property
    def calls(self) -> set[str]:
        """Every call in it."""
        return set().union(*(command.calls for command in self.commands))

    @property
    def groups(self) -> set[str]:
        """Every field that it counts by."""
        return set().union(*(command.groups for command in self.commands if command.name == "stats"))

    @property
    def conditions(self) -> set[tuple[str, str]]:
        """What its filters compare."""
        return {pair for command in self.commands if command.name == "filter" for pair in command.equalities}

    @property
    def has_alternatives(self) -> bool:
        """Whether not all of its conditions hold at once."""
        loose = {("word", "or"), ("word", "in"), ("word", "not"), ("operator", "!=")}
        return any(token in loose for command in self.commands for token in command.tokens)

    @property
    def counts_lines(self) -> bool:
        """Whether what was delivered twice counts twice."""
        return any(call.startswith("count(") for call in self.calls)


def parse_query(text: str) -> Query:
    """Raises ValueError for what this does not know, and for what Insights would refuse."""
    commands: list[Command] = []
    for tokens in _split(list(_tokens(text))):
        if not tokens:
            raise ValueError("an empty command")
        name = tokens[0].value.lower()
        if tokens[0].kind != "name" or name not in _COMMANDS:
            raise ValueError(f"unknown command {tokens[0].value}")
        if commands and commands[-1].name == "dedup" and name != "limit":
            raise ValueError(f"{name} after dedup: only limit may follow (Logs Insights, dedup)")
        commands.append(Command(name, tuple(tokens[1:])))
    query = Query(tuple(commands))
    if unknown := {call.split("(")[0] for call in query.calls} - _FUNCTIONS:
        raise ValueError(f"unknown functions {sorted(unknown)}")
    return query


def _tokens(text: str) -> Iterator[Token]:
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise ValueError(f"cannot read {text[position : position + 20]!r}")
        position = match.end()
        kind, value = str(match.lastgroup), match[0]
        match kind:
            case "space":
                continue
            case "name" if value.lower() in _WORDS:
                yield Token("word", value.lower())
            case "quoted":
                yield Token("name", value[1:-1])
            case "text":
                yield Token(kind, value[1:-1])
            case _:
                yield Token(kind, value)


def _split(tokens: list[Token]) -> Iterator[list[Token]]:
    command: list[Token] = []
    for token in tokens:
        if token == Token("operator", "|"):
            yield command
            command = []
        else:
            command.append(token)
    yield command

"""Every `csr-approver` command in the documentation is one, with options that it has; the manual and the scripts for
shells are those that its parser makes.
"""

import re
import shlex
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import pytest

from csr_approver.cli.main import parser
from tests.generated import FILES
from tests.manual import Command, commands, manual

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted((*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob(".github/**/*.md")))

_CONSOLE = re.compile(r"^ *```console\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
_SCRIPT = re.compile(r"^ *```sh\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
# With an argument: alone, it is the name of other things as well.
_IN_TEXT = re.compile(r"`(csr-approver [^`]+)`")
_BETWEEN_COMMANDS = set("|;<>()&")


def documented(text: str) -> Iterator[list[str]]:
    """The words after `csr-approver` of each command in a block or in the text."""
    whole_lines = text.replace("\\\n", " ")
    typed = [line.strip() for block in _CONSOLE.findall(whole_lines) for line in block.splitlines()]
    lines = [line.removeprefix("$ ") for line in typed if line.startswith("$ ")]
    lines += [line for block in _SCRIPT.findall(whole_lines) for line in block.splitlines()]
    # A command that is only named need not have its arguments.
    lines += [line if line.count(" ") > 1 else f"{line} --help" for line in _IN_TEXT.findall(text)]
    for line in lines:
        words = shlex.shlex(line, posix=True, punctuation_chars="".join(_BETWEEN_COMMANDS))
        words.whitespace_split = True
        for between, grouped in groupby(words, key=lambda word: set(word) <= _BETWEEN_COMMANDS):
            program, *arguments = grouped
            if not between and program == "csr-approver":
                yield arguments


def is_command(words: list[str]) -> bool:
    try:
        parser().parse_args(words)
    except SystemExit as leaving:  # by --help, or by what is wrong
        return leaving.code == 0
    return True


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_generated_file_is_as_the_parser_makes_it(path: Path) -> None:
    """If it fails: `make docs` writes it."""
    assert path.read_text(encoding="utf-8") == FILES[path]()


def test_the_manual_does_not_depend_on_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    wide = manual()
    monkeypatch.setenv("COLUMNS", "40")
    assert manual() == wide


@pytest.mark.parametrize(
    ("document", "words"),
    [(path.name, words) for path in DOCUMENTS for words in documented(path.read_text())],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_a_documented_command_is_one(document: str, words: list[str]) -> None:
    assert is_command(words)


@pytest.mark.parametrize("command", commands(parser()), ids=lambda command: command.name)
def test_a_command_teaches_by_examples(command: Command) -> None:
    """Of which each is a command, too: they are in the manual."""
    examples = command.parser.epilog or ""
    assert examples.startswith("examples:\n")
    assert f"csr-approver {command.name}" in examples


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("```console\n$ csr-approver explain csr-6plsz  # live\n```", [["explain", "csr-6plsz"]]),
        (
            "```console\n$ csr-approver explain --csr a.json \\\n    --zone b.db\n```",
            [["explain", "--csr", "a.json", "--zone", "b.db"]],
        ),
        (
            "```sh\nkubectl get csr -o json > csr.json; csr-approver explain --csr csr.json\n```",
            [["explain", "--csr", "csr.json"]],
        ),
        ("```sh\nsource <(csr-approver completion bash)\n```", [["completion", "bash"]]),
        ("```sh\ncsr-approver denials --output json | jq .reason\n```", [["denials", "--output", "json"]]),
        ("see `csr-approver audit --help`", [["audit", "--help"]]),
        ("see `csr-approver audit`", [["audit", "--help"]]),
        ("the group `csr-approver`", []),
        ("```console\n$ kubectl get clusterrole csr-approver -o yaml\n```", []),
        ("```text\ncsr-approver explain [NAME ...]\n```", []),
    ],
)
def test_what_a_document_commands(text: str, found: list[list[str]]) -> None:
    assert list(documented(text)) == found


@pytest.mark.parametrize("words", [["explian", "csr-6plsz"], ["explain", "csr-6plsz", "--instanses", "a.json"], []])
def test_what_is_no_command(words: list[str]) -> None:
    assert not is_command(words)

"""`csr-approver completion`: what a shell completes."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from csr_approver.cli.completion import SHELLS
from tests.support.command import Command

# As bash does when the tab key is pressed behind the words.
_PRESS_TAB = """
source /dev/stdin
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_shtab_csr_approver
printf '%s\\n' "${COMPREPLY[@]}"
"""


class Bash:
    """A shell that has loaded the script, in a folder."""

    def __init__(self, script: str, folder: Path) -> None:
        self._script, self._folder = script, folder

    def complete(self, *words: str) -> list[str]:
        """What the last of the words can become."""
        bash = shutil.which("bash")
        assert bash, "make and .ci/run need it, too"
        ran = subprocess.run(
            [bash, "-c", _PRESS_TAB, "bash", "csr-approver", *words],
            input=self._script,
            cwd=self._folder,
            env={"PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        assert ran.stderr == ""
        return ran.stdout.split()


@pytest.fixture
def in_bash(command: Command, tmp_path: Path) -> Bash:
    return Bash(command.run("completion", "bash").out, tmp_path)


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_of_a_shell_is_printed(command: Command, shell: str) -> None:
    ran = command.run("completion", shell)
    assert (ran.status, ran.err) == (0, "")
    assert "_shtab_csr_approver" in ran.out


def test_another_shell_is_an_error_that_names_those_that_there_are(command: Command) -> None:
    ran = command.run("completion", "tcsh")
    assert (ran.status, ran.out) == (2, "")
    assert all(shell in ran.err for shell in SHELLS)


def test_commands_are_completed(in_bash: Bash) -> None:
    assert in_bash.complete("") == ["explain", "audit", "denials", "doctor", "replay", "completion"]
    assert in_bash.complete("exp") == ["explain"]


def test_options_and_their_values_are_completed(in_bash: Bash) -> None:
    assert in_bash.complete("explain", "--outp") == ["--output"]
    assert in_bash.complete("explain", "--output", "") == ["text", "json"]
    assert in_bash.complete("completion", "") == list(SHELLS)


def test_files_are_completed_where_a_file_is_wanted(in_bash: Bash, tmp_path: Path) -> None:
    (tmp_path / "csr.json").touch()
    assert in_bash.complete("explain", "--csr", "") == ["csr.json"]
    assert in_bash.complete("explain", "--region", "") == []

"""The reasons and troubles in the code, in the documentation and in what `explain` says of them are the same."""

import re
from pathlib import Path

import pytest

from csr_approver.cli.advice import ADVICE
from csr_approver.cli.checks import CHECKS
from csr_approver.message import Trouble
from csr_approver.policy.reason import Outcome, Reason

POLICY = Path(__file__).parents[2] / "docs" / "policy.md"
CHAPTERS = {
    Outcome.APPROVE: "Approved",
    Outcome.DENY: "Denied",
    Outcome.UNDETERMINED: "Left pending: undetermined",
    Outcome.IGNORE: "Left alone: not ours",
}


def rows() -> dict[str, tuple[str, list[str]]]:
    """The chapter and the cells of each reason's or trouble's row in docs/policy.md."""
    found = {}
    for chapter in re.split(r"^## ", POLICY.read_text(), flags=re.MULTILINE)[1:]:
        for section in re.split(r"^### ", chapter, flags=re.MULTILINE)[1:]:
            heading, *lines = section.splitlines()
            row = [line for line in lines if line.startswith("|")][2]
            found[heading] = chapter.splitlines()[0], [cell.strip() for cell in row.strip("|").split("|")]
    return found


def test_every_reason_and_trouble_has_a_heading_and_there_is_no_other() -> None:
    headings = re.findall(r"^### (.*)$", POLICY.read_text(), flags=re.MULTILINE)
    assert sorted(headings) == sorted([*Reason, *Trouble])


@pytest.mark.parametrize("reason", Reason, ids=str)
def test_the_row_says_what_the_code_does(reason: Reason) -> None:
    chapter, (rule, evidence, verdict, remedy) = rows()[reason]
    assert chapter == CHAPTERS[reason.outcome]
    assert evidence == reason.source.value
    assert verdict == reason.outcome.value
    assert rule
    assert remedy


@pytest.mark.parametrize("trouble", Trouble, ids=str)
def test_a_trouble_is_explained_and_has_a_remedy(trouble: Trouble) -> None:
    chapter, (meaning, remedy) = rows()[trouble]
    assert chapter == "After the approval"
    assert meaning
    assert remedy


@pytest.mark.parametrize("reason", [*Reason, *Trouble], ids=str)
def test_explain_advises_what_the_row_does(reason: Reason | Trouble) -> None:
    remedy = rows()[reason][1][-1]
    assert ADVICE[reason] == re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", remedy).replace("*", "'")


def test_each_reason_but_the_approvals_is_in_one_check() -> None:
    listed = [reason for reasons in CHECKS.values() for reason in reasons]
    assert sorted(listed) == sorted(set(Reason) - {Reason.NODE_VERIFIED})

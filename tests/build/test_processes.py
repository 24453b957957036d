"""Programs that fail: one sentence, and everything they said in a file."""

import sys

import pytest

from tools.failures import BuildError
from tools.places import ROOT
from tools.processes import describe_cause, run


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "the disk is full"),
        ("npm error code ENOSPC", "the disk is full"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", "not the one that was locked"),
        ("npm error code EINTEGRITY", "not the one that was locked"),
        ("NewConnectionError: [Errno -3] Temporary failure in name resolution", "cannot be reached"),
        ("npm error code EAI_AGAIN", "cannot be reached"),
        ("npm error code ENOTFOUND", "cannot be reached"),
        (
            "npm error `npm ci` can only install packages when your package.json and package-lock.json are in sync.",
            "run `python3 build.py lock`",
        ),
        (
            "ERROR: Could not install packages due to an OSError: [Errno 13] Permission denied: 'x'",
            "lack of permission",
        ),
        ("something else", ""),
    ],
)
def test_a_cause_is_told_in_words(output: str, words: str) -> None:
    assert words in describe_cause(output)
    assert bool(words) == bool(describe_cause(output))


def test_a_program_s_last_error_is_told_when_nothing_better_is_known() -> None:
    script = "print('ERROR: the oven is cold'); print('bye'); raise SystemExit(3)"

    with pytest.raises(BuildError) as failed:
        run([sys.executable, "-c", script], purpose="bake a test's bread")

    told = "Could not bake a test's bread: ERROR: the oven is cold (all it said: .build/logs/bake-a-test-s-bread.log)."
    assert str(failed.value) == told
    log = ROOT / ".build" / "logs" / "bake-a-test-s-bread.log"
    assert log.read_text() == "ERROR: the oven is cold\nbye\n"
    log.unlink()


def test_a_program_that_is_not_there_is_named() -> None:
    with pytest.raises(BuildError, match=r"^Could not try: no-such-program does not start \(No such file"):
        run(["no-such-program"], purpose="try")

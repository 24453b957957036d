"""Running other programs, and turning what they say when they fail into one sentence."""

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tools.failures import BuildError
from tools.places import BUILD, ROOT

# What pip and npm print, lower case, for each kind of failure; the first that matches is told.
_CAUSES = (
    (
        ("no space left on device", "enospc", "disk quota exceeded"),
        "the disk is full: free some space, then run the same command again",
    ),
    (
        ("do not match the hashes", "eintegrity", "hashes are required"),
        "a downloaded package is not the one that was locked: try again; if it stays so, distrust the source",
    ),
    (
        (
            "temporary failure in name resolution",
            "failed to resolve",
            "failed to establish a new connection",
            "getaddrinfo",
            "network is unreachable",
            "connection refused",
            "read timed out",
            "connecttimeout",
            "newconnectionerror",
            "proxyerror",
            "eai_again",
            "enotfound",
            "econnrefused",
            "econnreset",
            "etimedout",
        ),
        "the package registry cannot be reached: check the network or the proxy, then try again",
    ),
    (
        ("can only install packages when your package.json and package-lock.json",),
        "web/package.json and web/package-lock.json differ: run `python3 build.py lock`",
    ),
    (
        ("permission denied", "eacces"),
        "a file could not be written for lack of permission: check who owns this folder",
    ),
)


def describe_cause(output: str) -> str:
    """Say why a package program failed, judged by its *output*; an empty string when that is unknown."""
    lowered = output.lower()
    for signs, sentence in _CAUSES:
        if any(sign in lowered for sign in signs):
            return sentence
    return ""


def run(
    command: Sequence[str | Path],
    *,
    purpose: str,
    folder: Path = ROOT,
    environment: Mapping[str, str] | None = None,
) -> str:
    """Run *command* quietly in *folder* and return what it printed.

    Args:
        command: The program and its arguments.
        purpose: What it is for, as in "to *purpose*"; names the log file and begins the error's sentence.
        folder: The working directory.
        environment: Variables added to this process's own.

    Raises:
        BuildError: It could not be started, or it failed; all it printed is kept in `.build/logs/`.
    """
    try:
        done = subprocess.run(
            [str(part) for part in command],
            cwd=folder,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    except OSError as error:
        raise BuildError(f"Could not {purpose}: {command[0]} does not start ({error.strerror}).") from error
    if done.returncode == 0:
        return done.stdout
    log = BUILD / "logs" / (re.sub(r"[^\w]+", "-", purpose) + ".log")
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text(done.stdout, encoding="utf-8")
    cause = describe_cause(done.stdout) or _find_last_error(done.stdout)
    cause = cause or f"it ended with code {done.returncode}"
    raise BuildError(f"Could not {purpose}: {cause} (all it said: {log.relative_to(ROOT)}).")


def _find_last_error(output: str) -> str:
    """Return the last line that calls itself an error and says more; an empty string when none does."""
    lines = (line.strip() for line in output.splitlines())
    errors = [line for line in lines if re.match(r"(\w*error|npm error)\b.{12,}", line, re.IGNORECASE)]
    told = [line for line in errors if "subprocess" not in line and "metadata-generation" not in line]
    return told[-1].rstrip(".") if told else ""

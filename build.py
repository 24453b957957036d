#!/usr/bin/env python3
"""Builds, serves and checks Sidestep; needs nothing but Python 3.11 or newer.

    python3 build.py serve    get everything, build the page, start page and relay, open the browser
    python3 build.py site     build the page into dist/
    python3 build.py test     every check and every test
    python3 build.py check    lint and types only
    python3 build.py bench    run the benches, or those that are named, print their JSON
    python3 build.py lock     refresh the lock files

What it makes lies in .venv/, .build/, dist/ and web/node_modules/; nothing unchanged is made twice.

This file alone must be readable for an older Python too, since it tells that a newer one is needed.
"""

import sys

OLDEST_PYTHON = (3, 11)


def describe_old_python(version: "tuple[int, ...]") -> str:
    """Say what to do when *version* (major, minor, …) is too old; an empty string when it is not."""
    if version[:2] >= OLDEST_PYTHON:
        return ""
    oldest, this = (".".join(map(str, parts[:2])) for parts in (OLDEST_PYTHON, version))
    return f"Sidestep needs Python {oldest} or newer, this is Python {this}: start build.py with a newer one."


if __name__ == "__main__":
    problem = describe_old_python(tuple(sys.version_info[:3]))
    if problem:
        sys.stderr.write(problem + "\n")
        raise SystemExit(1)
    # Imported only now: these modules use syntax that an old Python cannot read.
    from tools.commands import main

    raise SystemExit(main(sys.argv[1:]))

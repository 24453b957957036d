"""The benches: side-by-side measurements that print JSON."""

import subprocess

from tools.places import ROOT, find_program
from tools.steps import say


def run_benches() -> int:
    """Run every `bench/*.py` and let it print its JSON; return 1 when one failed, else 0."""
    benches = sorted((ROOT / "bench").glob("[!_]*.py"))
    if not benches:
        say("There are no benches yet: bench/ holds no Python file.")
        return 0
    codes = []
    for bench in benches:
        say(f"\n== {bench.name} ==")
        # As a module, so that it finds the tests' fakes and the tools.
        command = [str(find_program("python")), "-m", f"bench.{bench.stem}"]
        codes.append(subprocess.run(command, cwd=ROOT, check=False).returncode)
    return 1 if any(codes) else 0

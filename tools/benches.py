"""The benches: side-by-side measurements that print JSON."""

import subprocess
from collections.abc import Sequence

from tools.failures import BuildError
from tools.places import ROOT, find_program
from tools.steps import say


def run_benches(names: Sequence[str] = ()) -> int:
    """Run the benches *names*, or all, and let each print its JSON; return 1 when one failed, else 0.

    Raises:
        BuildError: There is no bench of such a name; none was run.
    """
    known = sorted(place.stem for place in (ROOT / "bench").glob("[!_]*.py"))
    if unknown := [name for name in names if name not in known]:
        raise BuildError(f"There is no bench {unknown[0]}: there are {', '.join(known)}.")
    codes = []
    for name in names or known:
        say(f"\n== {name} ==")
        # As a module, so that it finds the tests' fakes and the tools.
        command = [str(find_program("python")), "-m", f"bench.{name}"]
        codes.append(subprocess.run(command, cwd=ROOT, check=False).returncode)
    return 1 if any(codes) else 0

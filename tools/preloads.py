"""The modules that the page loads at its start, found by following the imports."""

import posixpath
from collections.abc import Iterator, Mapping
from pathlib import Path

from tools.references import list_imports


def list_static_modules(folder: Path, main: str, modules: Mapping[str, str]) -> Iterator[str]:
    """Yield the module *main* and all that it imports, directly or not; by `import()`, only what *main* does itself.

    Args:
        folder: Where they lie; every address is relative to it.
        main: The first one.
        modules: The address of each bare specifier.
    """
    seen = {main}
    waiting = [main]
    while waiting:
        place = waiting.pop(0)
        yield place
        for specifier in list_imports(folder / place, is_dynamic=place == main):
            address = modules.get(specifier) or posixpath.normpath(posixpath.join(posixpath.dirname(place), specifier))
            if address not in seen:
                seen.add(address)
                waiting.append(address)

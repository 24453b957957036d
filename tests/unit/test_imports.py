"""The table of the design: which module may import which. Lower layers never know of higher ones."""

import ast
from pathlib import Path

import sidestep

ROOT = Path(sidestep.__file__).parent

MAY_IMPORT = {
    "_version": set(),
    "__main__": {"catalogue", "conversions"},
    "errors": set(),
    "policies": set(),
    "types": set(),
    "catalogue": {"types"},
    "envelopes": set(),
    "config": {"catalogue", "envelopes", "errors", "migrations", "policies", "types"},
    "migrations": {"errors"},
    "ai_sdk_packages": set(),
    "secret_names": set(),
    "importers": {"ai_sdk_packages", "catalogue", "config", "errors", "migrations", "secret_names"},
    "exporters": {"ai_sdk_packages", "catalogue", "config", "errors", "secret_names"},
    "merging": {"config", "migrations"},
    "conversions": {"config", "errors", "exporters", "importers"},
    "sse": {"errors"},
    "dialects": {"types", "sse", "errors"},
    "routing": {"config", "policies", "types", "errors"},
    "addresses": set(),
    "consoles": set(),
    "demos": set(),
    "transports": {"addresses", "demos", "envelopes", "types", "errors"},
    "diagnosis": {"addresses", "catalogue", "config", "errors"},
    "probes": {"addresses", "calls", "config", "diagnosis", "dialects", "errors", "transports", "types"},
    "answers": {"dialects", "errors", "sse", "types"},
    "messages": {"types", "errors"},
    "collectors": {"types"},
    "ledger": set(),
    "metrics": {"types"},
    "sharing": {"types", "errors"},
    "snapshots": {"catalogue"},
    "bundles": {"config", "errors"},
    "calls": {"config", "dialects", "messages", "routing", "types", "errors"},
    "offers": {"calls", "config", "errors"},
    "trials": {"config", "diagnosis", "discovery", "errors", "types"},
    "explanations": {"config", "routing", "errors"},
    "knowledge": {
        "calls", "config", "diagnosis", "errors", "ledger", "metrics", "routing", "types",
    },
    "targets": {"config", "errors", "knowledge", "policies", "routing", "types"},
    "exchanges": {"dialects", "errors", "transports", "types"},
    "asking": {
        "answers", "calls", "config", "errors", "exchanges", "journeys", "metrics", "sharing", "targets", "transports",
        "types",
    },
    "overviews": {"config", "knowledge", "metrics", "routing"},
    "journeys": {
        "calls", "config", "dialects", "errors", "exchanges", "explanations", "knowledge", "metrics", "routing",
        "transports", "types",
    },
    "discovery": {"config", "types", "errors"},
    "sightings": {"diagnosis", "errors"},
    "client": {
        "_version", "answers", "asking", "bundles", "calls", "collectors", "config", "diagnosis", "dialects",
        "discovery", "errors", "exchanges", "explanations", "journeys", "knowledge", "metrics", "offers", "overviews",
        "policies", "probes", "routing", "sightings", "targets", "transports", "trials", "types",
    },
    "completions": {
        "calls", "catalogue", "client", "collectors", "config", "errors", "messages", "routing", "transports",
        "types",
    },
    "bridge": {
        "addresses", "client", "collectors", "config", "consoles", "diagnosis", "discovery", "errors", "exporters",
        "importers", "knowledge", "merging", "messages", "metrics", "policies", "routing", "sightings", "transports",
        "trials", "types",
    },
}  # fmt: skip

IN_THE_BROWSER = {"transports/fetch.py", "transports/browser.py", "transports/page_sealer.py"}
HPKE = {"transports/hpke.py"}
ONLY_IN = {
    "js": IN_THE_BROWSER,
    "pyodide": IN_THE_BROWSER,
    "httpx": {"transports/http.py"},
    "ruamel": {"importers/_texts.py"},
    "pyhpke": HPKE,
    "cryptography": HPKE,
}


def sources() -> list[tuple[str, str, set[str]]]:
    """Return each source file: its path, the part it belongs to, the dotted names that it imports."""
    files = []
    for path in sorted(ROOT.rglob("*.py")):
        relative = path.relative_to(ROOT).as_posix()
        part = relative.split("/")[0].removesuffix(".py")
        names: set[str] = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{relative} imports relatively"
                names.add(node.module or "")
        files.append((relative, part, names))
    return files


def test_each_part_imports_only_what_the_table_allows() -> None:
    for relative, part, names in sources():
        if relative == "__init__.py":
            continue
        used = {name.split(".")[1] for name in names if name.startswith("sidestep.")}
        assert used - {part} <= MAY_IMPORT[part], f"{relative} imports {used - {part} - MAY_IMPORT[part]}"


def test_the_client_never_imports_the_relay() -> None:
    assert not [relative for relative, _, names in sources() if any("sidestep_relay" in name for name in names)]


def test_each_platform_is_met_in_one_file_only() -> None:
    for relative, _, names in sources():
        for module, homes in ONLY_IN.items():
            if any(name.split(".")[0] == module for name in names):
                assert relative in homes, f"{relative} imports {module}"


def test_the_table_names_every_part_there_is() -> None:
    assert {part for _, part, _ in sources()} - {"__init__"} == set(MAY_IMPORT)

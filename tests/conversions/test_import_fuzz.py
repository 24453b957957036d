"""What no person would write, and what somebody may write on purpose: nothing of it breaks an import."""

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sidestep.config import Config
from sidestep.exporters import EXPORTS, write_export
from sidestep.importers import FORMATS, ImportProblem, read_import, read_storage
from tests.unit.fixtures import list_imports

READABLE = sorted(set(EXPORTS) - {"relay"})

# What is done to a file on its way, or on purpose.

TEXTS = [path.read_text(encoding="utf-8") for path in list_imports()]
JSON_TEXTS = [text for text in TEXTS if text.lstrip().startswith(("{", "["))]

STORED = [*(name for known in FORMATS for name in known.storage), "other"]
SCALARS: st.SearchStrategy[Any] = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20),
    st.sampled_from(["javascript:alert(1)", "https://", "http://[::1", "//x", "https://u:p@x.example.org", "\x00",
                     "{env:X}", "<script>", "__proto__", "https://x.example.org/?a=1", "127.0.0.1", "Bearer ",
                     "os.environ/X", "é" * 70]),
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def check(text: str) -> None:
    """Read *text*: either it cannot be, or what comes of it is valid and can be written down."""
    try:
        imported = read_import(text)
    except ImportProblem:
        return
    json.dumps(imported.to_dict())
    if imported.sealed is None:
        config, problems = Config.load(imported.document, imported.secrets)
        # Rules are kept as they came, with what is wrong in them.
        assert [
            problem for problem in problems if not problem.field.startswith(("/rules", "/groups", "/options"))
        ] == []
        assert len(config.providers) == len(imported.document["providers"])


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(TEXTS), st.integers(0, 3000), st.integers(0, 40), st.text(max_size=5))
def test_cut_and_spoiled_texts_never_break_it(text: str, place: int, length: int, put: str) -> None:
    place %= len(text) + 1
    check(text[:place])
    check(text[:place] + put + text[place + length :])


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path]
    if isinstance(value, dict):
        for key, part in value.items():
            found += places(part, (*path, key))
    elif isinstance(value, list):
        for number, part in enumerate(value):
            found += places(part, (*path, number))
    return found


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(JSON_TEXTS), st.data())
def test_values_of_any_type_in_any_place_never_break_it(text: str, data: st.DataObject) -> None:
    try:
        value = json.loads(text)
    except ValueError:
        return
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(places(value)))
        if not path:
            continue
        holder = value
        for step in path[:-1]:
            holder = holder[step]
        holder[path[-1]] = data.draw(VALUES)
    check(json.dumps(value))


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=200))
def test_any_text_at_all_never_breaks_it(text: str) -> None:
    check(text)
    check(f"curl {text}")
    check(f"model_list:\n{text}")
    check(f"OPENAI_API_KEY={text}")


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(STORED), st.text(max_size=60) | st.sampled_from(TEXTS)))
def test_storage_of_any_kind_never_breaks_it(entries: dict[str, str]) -> None:
    found = read_storage(entries)
    if found is not None:
        assert not Config.load(found.document, found.secrets)[1]


IDS = st.from_regex(r"[a-z][a-z0-9._-]{0,10}", fullmatch=True).filter(lambda name: name not in {"group", "direct"})
NAMES = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=12)
HEADERS = st.dictionaries(
    st.sampled_from(["X-Team", "HTTP-Referer", "X-Title"]), st.sampled_from(["a", "b c"]), max_size=2
)
PROVIDERS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "id": IDS,
        "kind": st.sampled_from(["custom", "openai", "anthropic", "zai-coding", "gemini", "ollama", "groq"]),
        "name": NAMES,
        "base_url": st.sampled_from(["https://a.example.org/v1", "https://b.example.org", "http://127.0.0.1:9/v1"]),
        "dialect": st.sampled_from(["openai_chat", "openai_responses", "anthropic", "gemini"]),
        "headers": HEADERS,
        "route": st.sampled_from(["auto", "direct", "relay"]),
        "models": st.lists(st.from_regex(r"[a-z][a-z0-9/._:-]{0,12}", fullmatch=True), max_size=3, unique=True),
        "auth": st.sampled_from(["", "bearer", "x-api-key"]),
    }
)  # fmt: skip
DOCUMENTS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "version": st.just(2),
        "providers": st.lists(PROVIDERS, min_size=1, max_size=5, unique_by=lambda row: str(row["id"])),
        "relays": st.lists(
            st.fixed_dictionaries(
                {"id": IDS, "url": st.sampled_from(["https://r.example.org", "http://127.0.0.1:8787"])}
            ),
            max_size=2,
            unique_by=lambda row: str(row["id"]),
        ),
    }
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(DOCUMENTS, st.sampled_from(READABLE))
def test_any_configuration_comes_back_as_it_was(document: dict[str, Any], format_id: str) -> None:
    config, problems = Config.load(document)
    assert not problems
    assert read_import(write_export(config, format_id).text).document == config.to_dict()

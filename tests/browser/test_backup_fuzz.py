"""What reads a backup meets anything at all, and tells a person what is the matter with it."""

import json
from base64 import b64encode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from playwright.sync_api import Page

from tests.browser.test_backups import CHAT, END, HEADER, MESSAGE, write_lines

_READ = """async (encoded) => {
  const { BackupError, readBackup } = await import(own("js/state/backups.js"));
  const bytes = Uint8Array.from(atob(encoded), (letter) => letter.charCodeAt(0));
  const progress = [];
  const counts = { config: 0, settings: 0, conversation: 0, message: 0 };
  try {
    for await (const { kind } of readBackup(new Blob([bytes]), (done) => progress.push(done))) counts[kind]++;
  } catch (error) {
    return { isTold: error instanceof BackupError, said: String(error), progress };
  }
  return { counts, progress };
}"""

_ROWS = st.fixed_dictionaries({"id": st.text()}, optional={"conversation": st.text(), "content": st.text()})
_LINES = st.one_of(
    st.builds(lambda row: {"kind": "conversation", "row": row}, _ROWS),
    st.builds(lambda row: {"kind": "message", "row": row}, _ROWS),
    st.builds(lambda kept: {"kind": "settings", "settings": kept}, st.dictionaries(st.text(), st.text())),
)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["kind", "row", "id", "config", "settings", "format", "version", "messages", "__proto__"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)
_WHOLE = write_lines(
    HEADER,
    {"kind": "config", "config": {"version": 2, "providers": []}},
    {"kind": "conversation", "row": CHAT},
    {"kind": "message", "row": MESSAGE},
    END,
).encode()
_EARLIER = {"format": "sidestep-data", "version": 1, "config": {"version": 1, "providers": []}}

MANY = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def reader(page: Page, static_server: str) -> Page:
    page.goto(static_server)
    return page


def read(page: Page, content: bytes) -> dict[str, object]:
    """Return what was read, or what was said; fail where that is no sentence of ours, or progress goes astray."""
    result: dict[str, object] = page.evaluate(_READ, b64encode(content).decode())
    assert result.get("isTold", True), result["said"]
    progress = result["progress"]
    assert isinstance(progress, list)
    assert progress == sorted(progress)
    assert all(0 <= done <= 1 for done in progress)
    return result


@MANY
@given(content=st.binary() | st.text().map(str.encode))
def test_anything_at_all(reader: Page, content: bytes) -> None:
    assert "counts" not in read(reader, content)


@MANY
@given(data=st.data())
def test_a_backup_that_is_cut_or_spoiled(reader: Page, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(_WHOLE)))
    length = data.draw(st.integers(0, 40))
    other = data.draw(st.binary(max_size=40))
    spoiled = _WHOLE[:start] + other + _WHOLE[start + length :]
    read(reader, spoiled)


@MANY
@given(length=st.integers(0, len(_WHOLE) - 2))
def test_a_backup_that_ends_early_is_never_taken_for_a_whole_one(reader: Page, length: int) -> None:
    assert "counts" not in read(reader, _WHOLE[:length])


@MANY
@given(values=st.lists(_JSON, max_size=4))
def test_lines_of_other_shapes(reader: Page, values: list[object]) -> None:
    read(reader, write_lines(HEADER, *[json.dumps(value) for value in values], END).encode())


@MANY
@given(chats=_JSON | st.lists(_JSON, max_size=3), config=_JSON)
def test_the_earlier_form_with_other_shapes(reader: Page, chats: object, config: object) -> None:
    read(reader, json.dumps({**_EARLIER, "config": config, "chats": chats}, indent=1).encode())


@MANY
@given(lines=st.lists(_LINES, max_size=6), ending=st.sampled_from(["\n", "\r\n"]))
def test_what_was_written_is_read(reader: Page, lines: list[dict[str, object]], ending: str) -> None:
    kinds = [line["kind"] for line in lines]
    end = {"kind": "end", "conversations": kinds.count("conversation"), "messages": kinds.count("message")}
    content = write_lines(HEADER, *lines, end).replace("\n", ending).encode()
    assert read(reader, content).get("counts") == {
        "config": 0,
        "settings": kinds.count("settings"),
        "conversation": kinds.count("conversation"),
        "message": kinds.count("message"),
    }

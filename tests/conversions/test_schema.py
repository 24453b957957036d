"""The published schema of our own document says what the code says."""

import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings

from sidestep.config import Config
from sidestep.migrations import VERSION
from tests.conversions.test_import_fuzz import DOCUMENTS
from tests.unit.fixtures import DOCUMENTS as FOLDER
from tests.unit.fixtures import read_schema
from tests.unit.test_importers import MIXED


def test_the_schema_takes_what_is_written() -> None:
    schema = read_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    written = json.loads((FOLDER / f"v{VERSION}.json").read_text(encoding="utf-8"))
    for document in (written, MIXED):
        jsonschema.validate(Config.load(document)[0].to_dict(), schema)


@settings(max_examples=60, deadline=None)
@given(DOCUMENTS)
def test_the_schema_takes_any_configuration(document: dict[str, Any]) -> None:
    jsonschema.validate(document, read_schema())
    jsonschema.validate(Config.load(document)[0].to_dict(), read_schema())


@pytest.mark.parametrize(
    ("field", "value"),
    [("base_url", "javascript:alert(1)"), ("route", "sideways"), ("dialect", "french"), ("auth", "guess"),
     ("id", "a b"), ("id", "group"), ("models", "glm"), ("headers", {"X": 1}), ("extras", "text")],
)  # fmt: skip
def test_the_schema_refuses_what_the_code_refuses(field: str, value: object) -> None:
    row = {"id": "mine", "kind": "custom", "base_url": "https://x.example.org/v1", field: value}
    document = {"version": VERSION, "providers": [row]}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, read_schema())
    if field != "headers":
        # A header that is a number is taken as its text.
        assert Config.load(document)[1]

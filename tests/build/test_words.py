"""No string of the page is missing in any language, and none has lost a hole."""

import re

import pytest

from tests.words import find_holes, find_words, list_sources, read_dictionary

LANGUAGES = pytest.mark.parametrize("language", ["de", "es"])

# Words between tags, and attributes that are read aloud or shown, in a template that no language can change.
_BARE = re.compile(
    r"(?<![=\-\s])>\s*(?:[A-Z]|[a-z]+ )[^<>${}`\n]*[a-z]{2}[^<>${}`\n]*<[/$a-z]"
    r"|\b(?:aria-label|title|placeholder|label|hint|legend)=\"[A-Z]"
)
_NAMES = {">Enter</", ">Shift</", ">Esc</", "> Sidestep</"}


@LANGUAGES
def test_every_string_is_translated_and_none_is_left_over(language: str) -> None:
    plain, plural = find_words()
    known = read_dictionary(language)
    assert sorted((plain | plural) - set(known)) == []
    assert sorted(set(known) - plain - plural) == []
    assert {text for text in plural if not isinstance(known[text], dict)} == set()


@LANGUAGES
def test_every_translation_fills_the_same_holes(language: str) -> None:
    for english, said in read_dictionary(language).items():
        forms = [said] if isinstance(said, str) else [said["other"]]
        assert all(form.strip() for form in forms), english
        assert [find_holes(form) for form in forms] == [find_holes(english)] * len(forms), english


def test_no_words_stand_in_a_view_untranslated() -> None:
    found = [
        f"{file.name}: {match[0]}"
        for file in list_sources()
        if "views" in file.parts
        for match in _BARE.finditer(_without_comments(file.read_text(encoding="utf-8")))
        if match[0] not in _NAMES
    ]
    assert found == []


def _without_comments(text: str) -> str:
    return re.sub(r"/\*[\s\S]*?\*/|^\s*//.*$", "", text, flags=re.MULTILINE)


def test_the_reader_of_words_reads_nested_templates() -> None:
    plain, plural = find_words()
    assert "Allow {0} to see this key and retry" in plain
    assert "{0} messages." in plural

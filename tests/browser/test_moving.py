"""Bringing a configuration, keeping it, and taking it away."""

import base64
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Download, Locator, Page, expect

from tests.browser.pages import (
    PASSPHRASE,
    open_settings,
    provider_cards,
    save,
    set_passphrase,
    stored_config,
    wait_for_python,
)
from tests.page_errors import PageErrors
from tests.unit.fixtures import IMPORTS


def open_import(page: Page) -> Locator:
    page.get_by_role("link", name="Providers").click()
    page.get_by_role("button", name="Import…").click()
    dialog = page.get_by_role("dialog", name="Import")
    expect(dialog).to_be_visible()
    return dialog


def look_at(dialog: Locator, text: str) -> None:
    dialog.get_by_label("Paste it here").fill(text)
    dialog.get_by_role("button", name="Look at it").click()


def names(page: Page) -> list[str]:
    return provider_cards(page).get_by_role("heading").all_inner_texts()


@pytest.fixture
def opened(page: Page, static_server: str) -> Page:
    page.goto(static_server)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    return page


def test_what_is_pasted_is_recognised_shown_applied_and_taken_back(opened: Page) -> None:
    page = opened
    dialog = open_import(page)
    look_at(dialog, (IMPORTS / "opencode" / "full.json").read_text(encoding="utf-8"))
    expect(dialog.get_by_text("This is an opencode.json.")).to_be_visible()
    expect(dialog.get_by_text("Its key stands elsewhere, in “ANTHROPIC_API_KEY”: type it here.")).to_be_visible()
    expect(dialog.get_by_text("set aside: “User-Agent”")).to_be_visible()
    expect(dialog.get_by_text("No place here, but kept: “theme”, “model”, “mcp”.")).to_be_visible()
    # What was switched off there is proposed to be left out.
    expect(dialog.get_by_label("What becomes of Groq")).to_have_value("keep")
    assert stored_config(page)["providers"] == []
    dialog.get_by_role("button", name="Apply 3 items").click()
    expect(dialog).to_have_count(0)
    expect(provider_cards(page)).to_have_count(3)
    assert names(page) == ["Our server", "Anthropic", "Claude through a proxy"]
    expect(provider_cards(page).first).to_contain_text("Key: On this device")
    page.get_by_role("button", name="Undo").click()
    expect(provider_cards(page)).to_have_count(0)
    assert stored_config(page)["providers"] == []


def test_what_is_there_is_kept_replaced_or_doubled(opened: Page) -> None:
    page = opened
    look_at(dialog := open_import(page), "OPENAI_API_KEY=sk-made-up-1\nGROQ_API_KEY=gsk-made-up-1")
    dialog.get_by_role("button", name="Apply 2 items").click()
    expect(provider_cards(page)).to_have_count(2)
    look_at(
        dialog := open_import(page),
        "OPENAI_API_KEY=sk-made-up-2\nGROQ_API_KEY=gsk-made-up-1\nMISTRAL_API_KEY=mi-made-up",
    )
    expect(dialog.get_by_role("listitem").filter(has_text="OpenAI")).to_contain_text("in conflict")
    expect(dialog.get_by_role("listitem").filter(has_text="OpenAI")).to_contain_text("Differs in: key.")
    expect(dialog.get_by_role("listitem").filter(has_text="Groq")).to_contain_text("the same as yours")
    dialog.get_by_label("What becomes of OpenAI").select_option("both")
    dialog.get_by_role("button", name="Apply 2 items").click()
    expect(provider_cards(page)).to_have_count(4)
    assert names(page) == ["OpenAI", "Groq", "OpenAI (2)", "Mistral"]
    page.get_by_role("button", name="Undo").last.click()
    expect(provider_cards(page)).to_have_count(2)


def test_a_key_does_not_go_where_an_import_moves_its_provider(opened: Page) -> None:
    page = opened
    import_env(page, "OPENAI_API_KEY=sk-made-up-1", "Apply 1 item")
    moved = {**stored_config(page)["providers"][0], "base_url": "https://elsewhere.example/v1"}
    text = json.dumps({"format": "sidestep-config", "version": 2, "config": {"version": 2, "providers": [moved]}})
    look_at(dialog := open_import(page), text)
    expect(dialog.get_by_role("listitem").filter(has_text="OpenAI")).to_contain_text("in conflict")
    dialog.get_by_label("What becomes of OpenAI").select_option("replace")
    dialog.get_by_role("button", name="Apply 1 item").click()
    expect(provider_cards(page)).to_contain_text("No key")
    assert stored_config(page)["providers"][0]["base_url"] == "https://elsewhere.example/v1"
    page.get_by_role("button", name="Undo").last.click()
    expect(provider_cards(page)).to_contain_text("Key: On this device")
    assert stored_config(page)["providers"][0]["base_url"] != "https://elsewhere.example/v1"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"provider": {"mine": {', "ends in the middle, in line 1"),
        ("hello", "Nothing here is a configuration"),
        ('{"version": 99, "providers": [], "relays": []}', "version 99"),
        ('{"provider": {"<img src=x onerror=alert(1)>": {"options": {"baseURL": "javascript:alert(1)"}}}}', "https://"),
    ],
)
def test_bad_input_is_told_and_changes_nothing(opened: Page, text: str, said: str) -> None:
    dialog = open_import(opened)
    look_at(dialog, text)
    expect(dialog.get_by_role("alert")).to_contain_text(said)
    expect(dialog.get_by_role("alert")).to_contain_text("Nothing was changed.")
    # What was pasted is still there, to be put right.
    expect(dialog.get_by_label("Paste it here")).to_have_value(text)
    assert stored_config(opened)["providers"] == []


def test_names_that_are_html_are_text(opened: Page) -> None:
    dialog = open_import(opened)
    look_at(dialog, (IMPORTS / "hollama" / "quirky.json").read_text(encoding="utf-8"))
    expect(dialog.get_by_text("<img src=x onerror=alert(1)>")).to_be_visible()
    dialog.get_by_role("button", name="Apply 2 items").click()
    expect(provider_cards(opened)).to_have_count(2)


def test_yaml_is_read_too(opened: Page) -> None:
    dialog = open_import(opened)
    look_at(dialog, (IMPORTS / "litellm" / "full.yaml").read_text(encoding="utf-8"))
    expect(dialog.get_by_text("This is a LiteLLM configuration.")).to_be_visible()
    expect(dialog.get_by_role("region", name="Model groups")).to_contain_text("fast")


def test_a_file_is_taken(opened: Page) -> None:
    dialog = open_import(opened)
    dialog.get_by_label("File to import").set_input_files(IMPORTS / "env" / "plain.env")
    expect(dialog.get_by_role("button", name="Apply 2 items")).to_be_visible()


def test_a_link_opens_the_import_and_leaves_the_address_bar(page: Page, static_server: str) -> None:
    data = base64.urlsafe_b64encode(b"OPENAI_API_KEY=sk-made-up").decode().rstrip("=")
    page.goto(f"{static_server}/#import={data}")
    expect(page.get_by_role("dialog", name="Import").get_by_text("an environment file")).to_be_visible()
    assert "#" not in page.url


def test_what_another_app_left_is_offered_once(page: Page, static_server: str) -> None:
    left = (IMPORTS / "opencode-web-ui" / "plain.json").read_text(encoding="utf-8")
    page.goto(f"{static_server}/manifest.webmanifest")
    page.evaluate("text => localStorage.setItem('opencode-providers', text)", left)
    page.goto(static_server)
    dialog = page.get_by_role("dialog", name="Bring over what another app left here?")
    expect(dialog.get_by_text("This is the OpenCode web UI's settings.")).to_be_visible()
    dialog.get_by_role("button", name="Cancel").click()
    page.reload()
    wait_for_python(page)
    open_settings(page)
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert page.evaluate("localStorage.getItem('opencode-providers')") == left


def export(page: Page, choose: Callable[[Locator], None]) -> Download:
    open_settings(page)
    page.get_by_role("button", name="Export…").click()
    dialog = page.get_by_role("dialog", name="Export")
    choose(dialog)
    with page.expect_download() as waiting:
        dialog.get_by_role("button", name="Save as a file").click()
    return waiting.value


@contextmanager
def read(download: Download) -> Iterator[str]:
    yield Path(download.path()).read_text(encoding="utf-8")


def test_an_export_has_no_key_unless_a_passphrase_is_set(
    opened: Page, new_context: Callable[..., Any], static_server: str
) -> None:
    page = opened
    look_at(dialog := open_import(page), "OPENAI_API_KEY=sk-made-up-1")
    dialog.get_by_role("button", name="Apply 1 item").click()
    expect(provider_cards(page)).to_have_count(1)
    with read(export(page, lambda _: None)) as plain:
        assert "made-up" not in plain
        assert json.loads(plain)["config"]["providers"][0]["id"] == "openai"

    def seal(dialog: Locator) -> None:
        dialog.get_by_label("With keys and tokens").check()
        dialog.get_by_label("Passphrase", exact=True).fill("short")
        dialog.get_by_role("button", name="Save as a file").click()
        expect(dialog.get_by_text("At least 10 characters.")).to_be_visible()
        dialog.get_by_label("Passphrase", exact=True).fill(PASSPHRASE)
        dialog.get_by_label("Once more", exact=True).fill(PASSPHRASE)

    with read(export(page, seal)) as sealed:
        assert "made-up" not in sealed
        assert "openai" not in sealed
    other = new_context().new_page()
    other.goto(static_server)
    look_at(dialog := open_import(other), sealed)
    dialog.get_by_label("Passphrase", exact=True).fill("not the right one")
    dialog.get_by_role("button", name="Open it").click()
    expect(dialog.get_by_text("That is not its passphrase")).to_be_visible()
    assert stored_config(other)["providers"] == []
    dialog.get_by_label("Passphrase", exact=True).fill(PASSPHRASE)
    dialog.get_by_role("button", name="Open it").click()
    dialog.get_by_role("button", name="Apply 1 item").click()
    expect(provider_cards(other).first).to_contain_text("Key: On this device")


@pytest.mark.parametrize(
    ("label", "name", "holds"),
    [
        ("opencode.json", "opencode.json", '"apiKey": "{env:OPENAI_API_KEY}"'),
        ("config.yaml", "config.yaml", "model_list:"),
        ("Open WebUI", "open-webui.json", "OPENAI_API_BASE_URLS"),
        (".env", "sidestep.env", "OPENAI_API_KEY=\n"),
        ("sidestep-relay.toml", "sidestep-relay.toml", "SIDESTEP_ORIGINS"),
    ],
)
def test_other_programs_get_their_own_files(opened: Page, label: str, name: str, holds: str) -> None:
    page = opened
    look_at(dialog := open_import(page), "OPENAI_API_KEY=sk-made-up-1")
    dialog.get_by_role("button", name="Apply 1 item").click()
    expect(provider_cards(page)).to_have_count(1)
    download = export(page, lambda dialog: dialog.get_by_role("radio", name=re.compile(f"^{re.escape(label)}")).check())
    assert download.suggested_filename == name
    with read(download) as text:
        assert holds in text
        assert "made-up" not in text


def test_a_saved_provider_keeps_what_was_kept_beside_it(opened: Page, page_errors: PageErrors) -> None:
    page = opened
    # A saved provider is asked for its models.
    page_errors.allow("request to another host: https://llm.example.org/")
    page.route("https://llm.example.org/**", lambda route: route.abort())
    look_at(dialog := open_import(page), (IMPORTS / "opencode" / "full.json").read_text(encoding="utf-8"))
    dialog.get_by_role("button", name="Apply 3 items").click()
    page.get_by_role("button", name="Edit Our server").click()
    form = page.get_by_role("dialog")
    form.get_by_label("Name", exact=True).fill("Renamed")
    save(form)
    expect(provider_cards(page).first).to_contain_text("Renamed")
    assert stored_config(page)["providers"][0]["extras"]["opencode"]["options"] == {"timeout": 600000}


def earlier(page: Page) -> Locator:
    return page.get_by_role("region", name="Earlier configurations")


def import_env(page: Page, text: str, button: str) -> None:
    look_at(dialog := open_import(page), text)
    dialog.get_by_role("button", name=button).click()
    expect(dialog).to_have_count(0)


def test_every_change_can_be_returned_from_with_its_key(opened: Page) -> None:
    page = opened
    import_env(page, "OPENAI_API_KEY=sk-made-up-1", "Apply 1 item")
    import_env(page, "GROQ_API_KEY=gsk-made-up-1", "Apply 1 item")
    page.get_by_role("button", name="Remove OpenAI").click()
    expect(provider_cards(page)).to_have_count(1)
    open_settings(page)
    rows = earlier(page).get_by_role("listitem")
    expect(rows).to_have_count(3)
    expect(rows.nth(0)).to_contain_text("then: OpenAI removed")
    expect(rows.nth(1)).to_contain_text("then: Groq added")
    rows.nth(0).get_by_role("button").click()
    expect(rows).to_have_count(4)
    page.get_by_role("link", name="Providers").click()
    assert names(page) == ["OpenAI", "Groq"]
    expect(provider_cards(page).first).to_contain_text("Key: On this device")
    # And back again: a return is a change like any other, also after a reload.
    page.reload()
    open_settings(page)
    expect(rows.nth(0)).to_contain_text("then: OpenAI added")
    rows.nth(0).get_by_role("button").click()
    expect(rows).to_have_count(5)
    page.get_by_role("link", name="Providers").click()
    assert names(page) == ["Groq"]


def test_ten_earlier_configurations_are_kept_and_all_forgotten_at_once(opened: Page) -> None:
    page = opened
    import_env(page, "OPENAI_API_KEY=sk-made-up-1", "Apply 1 item")
    page.evaluate(
        """async () => {
          const { Store } = await import(own("js/store.js"));
          const store = await Store.open();
          for (let n = 0; n < 15; n++) {
            await store.remember({ version: 2, providers: [], relays: [], consents: [], options: { n } });
          }
        }"""
    )
    open_settings(page)
    expect(earlier(page).get_by_role("listitem")).to_have_count(10)
    earlier(page).get_by_role("button", name="Forget them").click()
    expect(earlier(page)).to_have_count(0)


def test_a_passphrase_is_for_earlier_keys_too(opened: Page) -> None:
    page = opened
    import_env(page, "OPENAI_API_KEY=sk-made-up-1", "Apply 1 item")
    page.get_by_role("button", name="Remove OpenAI").click()
    import_env(page, "GROQ_API_KEY=gsk-made-up-1", "Apply 1 item")
    set_passphrase(page)
    custodies = page.evaluate(
        """async () => {
          const { openDB } = await import("idb");
          const rows = await (await openDB("sidestep")).getAll("history");
          return rows.flatMap((entry) => Object.values(entry.rows).map(({ custody }) => custody));
        }"""
    )
    assert custodies
    assert set(custodies) == {"passphrase"}
    earlier(page).get_by_role("listitem").nth(1).get_by_role("button").click()
    page.get_by_role("link", name="Providers").click()
    expect(provider_cards(page).first).to_contain_text("Key: Under a passphrase")

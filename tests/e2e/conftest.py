"""What the end-to-end tests stand on: fakes with real ports, a real relay, the page on a third origin."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from tests.e2e.apps import App
from tests.fakes.fixtures import (  # noqa: F401 - fixtures are used by name
    anthropic_provider,
    gemini_provider,
    hides_errors_provider,
    open_provider,
    responses_provider,
    zai_provider,
)
from tests.fakes.providers import AnthropicProvider, HidesErrorsProvider, OpenProvider, ZaiProvider
from tests.relay.servers import RunningRelay, run_relay


@pytest.fixture
def app(page: Page, static_server: str) -> App:
    """The page, not opened yet, on a host of its own."""
    return App(page, static_server)


@pytest.fixture
def relay(
    static_server: str,
    open_provider: OpenProvider,  # noqa: F811
    zai_provider: ZaiProvider,  # noqa: F811
    anthropic_provider: AnthropicProvider,  # noqa: F811
    hides_errors_provider: HidesErrorsProvider,  # noqa: F811
) -> Iterator[RunningRelay]:
    """A relay that the page may call and that may reach the fakes."""
    fakes = (open_provider, zai_provider, anthropic_provider, hides_errors_provider)
    with run_relay(origins=[static_server], destinations=[fake.origin for fake in fakes]) as running:
        yield running

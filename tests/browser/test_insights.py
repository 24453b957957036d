"""What was measured, as the page shows it."""

import csv
import io
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.pages import last_answer, send, wait_for_python
from tests.fakes.providers import OpenProvider

Seed = Callable[[OpenProvider], Page]

_ROWS = """async () => {
  const { Store } = await import(own("js/store.js"));
  const store = await Store.open(() => {});
  const now = Date.now() / 1000;
  const row = { model: "m", input_tokens: 1, reasoning_tokens: null, cached_tokens: null, overhead: null };
  const good = { outcome: "ok", first_token: 0.5, total: 1.5, output_tokens: 50 };
  await store.addMeasurements([
    { ...row, ...good, at: now - 7000, provider: "fake", route: "direct", cost: 0.25 },
    { ...row, ...good, at: now - 4000, provider: "fake", route: "a-relay", first_token: 0.75, cost: 0.5 },
    { ...row, at: now - 100, provider: "=other", route: "direct", outcome: "RateLimited", first_token: null, total: 0.1,
      output_tokens: null, cost: null },
    { ...row, ...good, at: now - 60 * 24 * 3600, provider: "fake", route: "direct", cost: 9 },
  ]);
}"""


def test_direct_and_relay_are_compared_over_time_and_saved(seed: Seed, open_provider: OpenProvider) -> None:
    page = seed(open_provider)
    page.evaluate(_ROWS)
    page.goto(f"{page.url.split('#')[0]}#insights")
    page.reload()
    summary = page.get_by_role("table", name="Direct against relay")
    expect(summary.get_by_role("row", name="Attempts 2 1")).to_be_visible()
    expect(summary.get_by_role("row", name="Failures 1 0")).to_be_visible()
    expect(summary.get_by_role("row", name="First token, median 500 ms 750 ms")).to_be_visible()
    expect(summary.get_by_role("row", name="Spend $0.25 $0.50")).to_be_visible()
    expect(page.get_by_role("row", name="too many requests 1 0")).to_be_visible()
    for title in ("Time to the first token", "Tokens per second", "Failures", "Spend"):
        chart = page.get_by_role("figure", name=title)
        expect(chart.locator("canvas")).to_be_visible()
    first = page.get_by_role("figure", name="Time to the first token")
    first.get_by_text("As a table").click()
    expect(first.get_by_role("cell", name="750 ms")).to_be_visible()
    page.get_by_label("Time", exact=True).select_option("Last 90 days")
    expect(summary.get_by_role("row", name="Spend $9.25 $0.50")).to_be_visible()
    page.get_by_label("Way").select_option("any relay")
    expect(summary.get_by_role("row", name="Attempts 0 1")).to_be_visible()
    page.get_by_label("Way").select_option("All")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as CSV").click()
    rows = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text(encoding="utf-8"))))
    assert [row["provider"] for row in rows] == ["fake", "fake", "fake", "'=other"]
    assert (rows[1]["first_token"], rows[2]["cost"]) == ("0.5", "0.5")


def test_what_is_said_now_is_measured_and_the_ledger_tells_where_the_key_went(
    seed: Seed, open_provider: OpenProvider
) -> None:
    page = seed(open_provider)
    page.reload()
    wait_for_python(page)
    page.get_by_role("link", name="Insights").click()
    expect(page.get_by_text("Nothing is measured yet.")).to_be_visible()
    expect(page.get_by_text("No key was sent anywhere yet.")).to_be_visible()
    page.get_by_role("link", name="Chat", exact=True).click()
    send(page, "Hello")
    expect(last_answer(page)).to_have_attribute("data-status", "done")
    page.get_by_role("link", name="Insights").click()
    expect(page.get_by_role("row", name="Attempts 1 0")).to_be_visible()
    ledger = page.get_by_role("region", name="Where keys went")
    expect(ledger.get_by_role("row", name=f"Fake {open_provider.origin} direct")).to_be_visible()
    assert open_provider.key not in page.content()

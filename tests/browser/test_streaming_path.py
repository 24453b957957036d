"""From the provider's bytes to the screen: what is left behind on the way, and what a tab in the background does."""

import ast
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.pages import OVERHEAR, last_answer, send, wait_for_python
from tests.fakes.providers import OpenProvider

_CALL = """globalThis.nextId ??= 1_000_000;
globalThis.call = (command, payload) => new Promise((resolve) => {
  const id = nextId++;
  const listen = ({ data }) => {
    if (data.id !== id || data.kind === "events") return;
    overheard.removeEventListener("message", listen);
    resolve(data);
  };
  overheard.addEventListener("message", listen);
  overheard.postMessage({ id, command, payload });
});"""
_ASK = """async ({ times, model }) => {
  let left = times, finished = 0;
  const work = async () => {
    while (left-- > 0) {
      const messages = [{ role: "user", content: `Message ${left}` }];
      const { kind } = await call("chat", { model, messages, parameters: {}, tags: [] });
      finished += kind === "result";
    }
  };
  await Promise.all([work(), work(), work(), work()]);
  return finished;
}"""
_COUNT = """
import gc, pyodide_js
js_module = pyodide_js._module
if not globals().get("is_tracing"):
    js_module.enable_pyproxy_allocation_tracing()
    is_tracing = True
gc.collect()
[js_module.pyproxy_alloc_map.size, js_module._hiwire_num_refs(), js_module.HEAP8.length, len(gc.get_objects())]
"""


def count(page: Page) -> list[int]:
    """Return how many are alive: proxies, references to JavaScript, bytes of memory, and Python's objects."""
    answer: dict[str, Any] = page.evaluate("(code) => call('run_python', { code })", _COUNT)
    counted: list[int] = ast.literal_eval(answer["value"]["output"])
    return counted


def test_a_thousand_messages_leave_nothing_behind(
    seed: Callable[[OpenProvider], Page], open_provider: OpenProvider
) -> None:
    page = seed(open_provider)
    page.add_init_script(OVERHEAR)
    page.add_init_script(_CALL)
    page.reload()
    wait_for_python(page)
    question = {"times": 100, "model": f"fake/{open_provider.models[0]}"}
    assert page.evaluate(_ASK, question) == 100
    count(page)
    before = count(page)
    assert page.evaluate(_ASK, {**question, "times": 1000}) == 1000
    after = count(page)
    assert after[:3] == before[:3]
    # What is measured of each request is kept, up to a limit; it is little.
    assert after[3] - before[3] < 20_000


def test_a_chat_in_a_background_tab_goes_on(seed: Callable[[OpenProvider], Page], open_provider: OpenProvider) -> None:
    """A hidden tab draws no frames: nothing but the drawing may wait for one."""
    page = seed(open_provider)
    page.add_init_script(
        """Object.defineProperty(Document.prototype, "hidden", { get: () => true });
        Object.defineProperty(Document.prototype, "visibilityState", { get: () => "hidden" });
        const waiting = [];
        window.requestAnimationFrame = (draw) => waiting.push(draw);
        window.comeBack = () => {
          window.requestAnimationFrame = (draw) => setTimeout(draw, 0);
          for (const draw of waiting.splice(0)) draw(performance.now());
        };"""
    )
    page.reload()
    wait_for_python(page)
    send(page, "Hello")
    expect(last_answer(page)).to_have_attribute("data-status", "done")
    expect(page.get_by_role("status")).to_contain_text("Answer complete.")
    page.evaluate("comeBack()")
    expect(last_answer(page)).to_contain_text(open_provider.text)

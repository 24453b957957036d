"""Answers as the page draws them."""

import pytest
from playwright.sync_api import Page, Request, expect

from tests.browser.attacks import ATTACKS
from tests.browser.test_composer import make_png
from tests.page_errors import PageErrors

PNG = make_png(1, 1)

_PAINT = """async (pieces) => {
  const { MarkdownPainter } = await import(own("js/markdown/markdown.js"));
  const element = document.body.appendChild(document.createElement("div"));
  element.className = "markdown";
  const painter = new MarkdownPainter(element);
  let text = "";
  for (const piece of pieces) painter.paint((text += piece), false);
  painter.paint(text, true);
  return element.innerHTML;
}"""

_FORBIDDEN = (
    "script",
    "img",
    "iframe",
    "svg",
    "form",
    "style",
    "input",
    "mglyph",
    "object",
    "embed",
    "link",
    "meta",
    "base",
)

_ODD_ATTRIBUTES = """() => [...document.querySelectorAll(".markdown *")]
  .flatMap((one) => [...one.attributes])
  .filter(({ name, value }) => /^on|^style$/.test(name) || (name === "href" && !/^(https?:|mailto:|#)/.test(value)))
  .map(({ name, value }) => `${name}=${value}`)"""

_WIDE = """() => [...document.querySelectorAll(".markdown *")]
  .filter((one) => one.getBoundingClientRect().width > 4 * innerWidth || getComputedStyle(one).position === "fixed")
  .map((one) => one.outerHTML)"""


@pytest.mark.parametrize("share", range(4))
def test_hostile_answers_are_harmless(page_without_python: Page, share: int) -> None:
    """Drawn whole and piece by piece; policy violations and outside requests fail the test by themselves."""
    for text in ATTACKS[share::4]:
        for pieces in ([text], [text[start : start + 3] for start in range(0, len(text), 3)]):
            drawn = page_without_python.evaluate(_PAINT, pieces)
            assert page_without_python.evaluate("globalThis.harmed") is None, text
            assert not [tag for tag in _FORBIDDEN if f"<{tag}" in drawn], text
    page_without_python.evaluate("() => document.querySelectorAll('.markdown a').forEach((one) => one.focus())")
    assert page_without_python.evaluate(_ODD_ATTRIBUTES) == []
    assert page_without_python.evaluate(_WIDE) == []


def test_formulas_are_set_and_prices_are_not(page_without_python: Page) -> None:
    page = page_without_python

    def draw(text: str) -> str:
        page.evaluate("document.querySelectorAll('.markdown').forEach((one) => one.remove())")
        page.evaluate(_PAINT, [text])
        return text

    for text in (r"Euler: $e^{i\pi}+1=0$.", r"\(a\)", "$$\na^2\n$$", r"\[\frac{1}{2}\]", r"so $$x$$ it is"):
        draw(text)
        expect(page.locator(".markdown math")).to_have_count(1)
        assert "$" not in page.locator(".markdown").inner_text()
    for text in ("It costs $5 and $10.", r"\$a\$", "`$a$`", "```\n$a$\n```", "a $ b $ c", "$unfinished"):
        draw(text)
        expect(page.locator(".markdown")).to_contain_text("$")
        expect(page.locator(".markdown math")).to_have_count(0)
    draw(r"Broken: $\frac{1$ and whole: $b$")
    expect(page.locator(".formula-source")).to_have_text(r"\frac{1")
    expect(page.locator(".markdown math")).to_have_count(1)


def test_a_remote_picture_is_loaded_on_a_click_alone(page_without_python: Page, page_errors: PageErrors) -> None:
    page = page_without_python
    page_errors.allow("request to another host: https://pictures.example/")
    asked: list[Request] = []
    page.on("request", lambda request: asked.append(request) if "pictures.example" in request.url else None)
    allowed = {"Access-Control-Allow-Origin": "*"}
    page.route(
        "https://pictures.example/open.png",
        lambda route: route.fulfill(body=PNG, headers=allowed, content_type="image/png"),
    )
    page.route(
        "https://pictures.example/script.png",
        lambda route: route.fulfill(body="no", headers=allowed, content_type="text/html"),
    )
    page.evaluate(_PAINT, ["![A cat](https://pictures.example/open.png) ![](https://pictures.example/script.png)"])
    buttons = page.get_by_role("button", name="Load picture from pictures.example")
    expect(buttons).to_have_count(2)
    assert asked == []
    buttons.first.click()
    expect(page.get_by_role("img", name="A cat")).to_have_js_property("naturalWidth", 1)
    assert "referer" not in asked[0].headers
    buttons.first.click()
    expect(page.get_by_role("link", name="Open it in a new tab")).to_have_attribute("rel", "noopener noreferrer")
    expect(page.get_by_role("img")).to_have_count(1)


def test_what_nobody_sees_is_made_visible(page_without_python: Page) -> None:
    page = page_without_python
    page.evaluate(_PAINT, ["a\x00b\x1bc \u202eevil\u202c d", "\r", "\nnext"])
    expect(page.locator(".markdown")).to_contain_text("a␀b␛c [U+202E]evil[U+202C] d")


def test_an_answer_that_goes_on_after_it_was_complete_is_drawn_on(page_without_python: Page) -> None:
    page = page_without_python
    page.evaluate(
        """async () => {
          const { MarkdownPainter } = await import(own("js/markdown/markdown.js"));
          const element = document.body.appendChild(document.createElement("div"));
          element.className = "markdown";
          const painter = new MarkdownPainter(element);
          painter.paint("**Half", true);
          painter.paint("**Half and whole.**", false);
          painter.paint("**Half and whole.**", true);
        }"""
    )
    expect(page.locator(".markdown strong")).to_have_text("Half and whole.")


def test_endless_blocks_lose_nothing(page_without_python: Page) -> None:
    page = page_without_python
    for text in ("word " * 40_000, "x" * 200_000, "a" * 20_000 + "\n\n**end**", "```\n" + "code\n" * 20_000 + "```"):
        pieces = [text[start : start + 20_000] for start in range(0, len(text), 20_000)]
        page.evaluate(_PAINT, pieces)
        shown = page.locator(".markdown").last.evaluate("(one) => one.textContent.replace(/\\s+/g, '')")
        wanted = "".join(text.split()).replace("**", "").replace("`", "")
        assert wanted in shown
    expect(page.locator(".markdown strong")).to_have_text("end")


_RICH = """# Title

Some **bold** text
over two lines.

- one

- two
  - deeper

```python
print("hi")
```

| a | b |
|---|--:|
| 1 | 2 |

> quoted

1. first
2. second

Last [link](https://example.org).
"""


def test_growing_text_ends_up_as_text_drawn_at_once(page_without_python: Page) -> None:
    at_once = page_without_python.evaluate(_PAINT, [_RICH])
    for size in (1, 7, 40):
        pieces = [_RICH[start : start + size] for start in range(0, len(_RICH), size)]
        assert page_without_python.evaluate(_PAINT, pieces) == at_once


def test_code_is_coloured_once_complete_and_can_be_copied(page_without_python: Page) -> None:
    page = page_without_python
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.evaluate(_PAINT, ['```python\ndef f():\n    return "x"\n```\n'])
    page.locator(".hljs-keyword").first.wait_for()
    page.get_by_role("button", name="Copy").click()
    page.get_by_role("button", name="Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == 'def f():\n    return "x"'


def test_links_open_elsewhere_and_tell_nothing(page_without_python: Page) -> None:
    page_without_python.evaluate(_PAINT, ["[a](https://example.org)"])
    link = page_without_python.locator(".markdown a")
    assert link.get_attribute("rel") == "noopener noreferrer"
    assert link.get_attribute("target") == "_blank"

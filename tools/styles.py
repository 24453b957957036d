"""The style sheets as one: each request that stands between the page and its first frame is felt."""

import re
from pathlib import Path

_LINK = re.compile(r'<link rel="stylesheet" href="([^"]+)">\n')
_JOINED = "css/page.css"


def join_styles(folder: Path, html: str) -> str:
    """Write the style sheets that *html* names into one, in their order, and return the page with that one named.

    Args:
        folder: Where the style sheets lie, by the addresses that *html* has; those that were joined are removed.
        html: The page. What it names and is not there is left as it is.
    """
    names = [name for name in _LINK.findall(html) if (folder / name).is_file()]
    if not names:
        return html
    sheets = [(folder / name).read_text(encoding="utf-8") for name in names]
    for name in names:
        (folder / name).unlink()
    (folder / _JOINED).write_text("\n".join(sheets), encoding="utf-8")
    first, *rest = (f'<link rel="stylesheet" href="{name}">\n' for name in names)
    for link in rest:
        html = html.replace(link, "")
    return html.replace(first, f'<link rel="stylesheet" href="{_JOINED}">\n')

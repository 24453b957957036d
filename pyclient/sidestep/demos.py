"""What the demo says: a few scripted answers, chosen by words of the question. Pure, and without a network.

It is there so that everything can be tried before one has a key: an answer in markdown, reasoning, a failure and what
the page says to it, a stream that breaks off.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

__all__ = ["MODELS", "Scene", "choose_scene"]

MODELS = ("tour", "tour-thinking")
_THINKING = "tour-thinking"

Failure = Literal["", "wrong_key", "rate_limit", "breaks_off"]


@dataclass(frozen=True, slots=True)
class Scene:
    """One answer of the demo.

    Attributes:
        text: what it says, in markdown.
        reasoning: what it thinks before; empty if it does not.
        silence: seconds before the first word.
        failure: what goes wrong on purpose.
    """

    text: str
    reasoning: str = ""
    silence: float = 0.25
    failure: Failure = ""


_TOUR = """Hello! I am the **demo**: a script that runs in this page. I have no key, no server and no opinions, but I \
come through the very same code as any other provider: planned, streamed, measured. The badge above says which way I \
came.

Ask me for one of these:

- **a table**, **some code** or **a formula**, to see how answers look
- **think**, to watch me reason first
- **wrong key** or **rate limit**, to see what you are told when a provider refuses
- **break off**, to see an answer stop in the middle, and go on with it
- **slow**, to try the Stop button

When you have seen enough, add a provider of your own under *Providers*. Your key stays in this browser.
"""

_TABLE = """Here is a table:

| Provider | From a page | Why |
|:--|:--|:--|
| Most of them | directly | they answer pages (CORS) |
| Z.ai's coding plan | through your relay | it answers no page at all |
| Ollama on your computer | directly | once it is told this page's address |

Tables that are too wide scroll by themselves.
"""

_CODE = """This is how the same thing is done from Python:

```python
import sidestep

client = sidestep.Client(providers=[sidestep.Provider("demo")])
reply = await client.complete("demo/tour", "Say hello")
print(reply.text, reply.route)  # how it came, and why
```

The button in the corner copies it.
"""

_FORMULA = r"""Inline it is $e^{i\pi} + 1 = 0$, and set off:

$$\int_{-\infty}^{\infty} e^{-x^2}\,dx = \sqrt{\pi}$$

Prices such as $5 stay prices.
"""

_THOUGHT = """The reader wants to see me think. What would be worth thinking about?

1. How a page may talk to a provider at all: the provider has to allow it, by CORS.
2. What to do where it does not: a relay of the reader's own.
3. That the relay is a detour, to be left again as soon as the direct way opens.

That is an answer already."""

_THOUGHTFUL = """I thought about it before I answered; open **Reasoning** above to see what, and how long it took.

In short: *directly where it is allowed, through your own relay where it is not.*
"""

_FIRST_HALF = """Some streams break off in the middle: a proxy loses patience, a train enters a tunnel. Nothing of \
what came is lost. This one breaks off right"""

_SECOND_HALF = """ here, and goes on as if nothing had been. **Continue** asked for the rest."""

_SLOW = """That took a while. """ + " ".join(
    f"Sentence {number} of forty, one after the other; press **Stop** when you have seen enough."
    for number in range(1, 41)
)

_ON_CONTINUE = "broke off"

# By what the question says, the first that fits.
_SCENES: Sequence[tuple[str, Scene]] = (
    (r"wrong key|invalid key", Scene("", failure="wrong_key")),
    (r"rate limit|too many", Scene("", failure="rate_limit")),
    (r"break|broken|tunnel", Scene(_FIRST_HALF, failure="breaks_off")),
    (r"slow", Scene(_SLOW, silence=2.0)),
    (r"think|reason", Scene(_THOUGHTFUL, _THOUGHT)),
    (r"table", Scene(_TABLE)),
    (r"code|python", Scene(_CODE)),
    (r"formula|math|latex", Scene(_FORMULA)),
)


def choose_scene(model: str, question: str) -> Scene:
    """Return the answer to *question*, the last thing that was said to *model*."""
    asked = question.lower()
    if _ON_CONTINUE in asked and "go on" in asked:
        return Scene(_SECOND_HALF)
    scene = next((scene for pattern, scene in _SCENES if re.search(pattern, asked)), Scene(_TOUR))
    if model == _THINKING and not scene.reasoning:
        return Scene(scene.text, _THOUGHT, scene.silence, scene.failure)
    return scene

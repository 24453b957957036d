"""Fake providers: real HTTP servers on 127.0.0.1 that tests script and question.

```python
with OpenProvider(key="sk-open") as fake:
    fake.answers.append(fake.error(429, "Slow down", code="rate_limit_exceeded"))
    ...                                   # call fake.base_url
    assert len(fake.chats) == 1
```

Without a script each fake answers as its provider would: it checks the key and the model, streams or not as
the request asks, and handles browsers' preflights in that provider's own way. One whose `is_strict` is set also refuses
what the vendor's published schema does not know (`schemas`). See `servers` for scripting (`Reply`, `Stream`, `Hold`,
`CUT`), `wires` for building chunks, `fixtures` for the pytest fixtures.
"""

from tests.fakes.bedrock import BedrockProvider
from tests.fakes.gemini import GeminiProvider
from tests.fakes.ollama import OllamaProvider
from tests.fakes.providers import (
    AnthropicProvider,
    FakeCall,
    HidesErrorsProvider,
    MistralProvider,
    OpenProvider,
    StrictOpenAIProvider,
    ZaiProvider,
)
from tests.fakes.responses import ResponsesProvider
from tests.fakes.servers import CUT, FakeServer, Hold, Recorded, Reply, Stream

__all__ = [
    "CUT",
    "AnthropicProvider",
    "BedrockProvider",
    "FakeCall",
    "FakeServer",
    "GeminiProvider",
    "HidesErrorsProvider",
    "Hold",
    "MistralProvider",
    "OllamaProvider",
    "OpenProvider",
    "Recorded",
    "Reply",
    "ResponsesProvider",
    "Stream",
    "StrictOpenAIProvider",
    "ZaiProvider",
]

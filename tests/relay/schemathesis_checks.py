"""Loaded by schemathesis: which refusals of a request that fits the document are right, since no schema says them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import schemathesis
from schemathesis.checks import CheckContext
from schemathesis.core.failures import Failure
from schemathesis.core.transport import Response
from schemathesis.generation.case import Case

UNSAYABLE: Mapping[str, frozenset[str]] = {
    "/v1/chat/completions": frozenset(),
    "/v1/models": frozenset({"provider_unknown", "provider_base_missing"}),
    "/v1/probe": frozenset({"destination_invalid"}),
}
"""400s: a provider that nobody knows, and a text that is no base URL."""

UNTRANSLATED = "The request could not be turned into one for"
"""LiteLLM failed over values that are the provider's to judge; OpenAI's wire never takes that way."""


@schemathesis.check
def only_known_refusals(ctx: CheckContext, response: Response, case: Case[Any]) -> bool | None:
    if case.meta is None or not case.meta.generation.mode.is_positive or response.status_code != 400:
        return None
    error = json.loads(response.content)["error"]
    if error["code"] in UNSAYABLE.get(case.operation.path, ()) or error["message"].startswith(UNTRANSLATED):
        return None
    raise Failure(
        operation=case.operation.label, title="A fitting request was refused", message=json.dumps(error, indent=1)
    )

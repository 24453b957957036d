"""Loaded by schemathesis: leads fitting requests to the fake, and lets none of them be refused by the relay."""

from __future__ import annotations

import json
import os
from typing import Any

import schemathesis
from schemathesis.checks import CheckContext
from schemathesis.core.failures import Failure
from schemathesis.core.transport import Response
from schemathesis.generation.case import Case
from schemathesis.hooks import HookContext

from sidestep.envelopes import KEY_HEADER, PATH

FAKE = "SIDESTEP_FAKE_URL"
"""The name of what in the environment says where the fake provider is."""

UNTRANSLATED = "The request could not be turned into one for"
"""LiteLLM failed over values that are the provider's to judge; OpenAI's wire never takes that way."""


@schemathesis.hook
def before_call(context: HookContext, case: Case[Any], kwargs: dict[str, Any]) -> None:
    """Put in what no schema says: which addresses may be reached, and which providers there are."""
    if not is_fitting(case):
        return
    # A key is sealed or open, not both, and this one is open.
    case.headers.pop(KEY_HEADER, None)
    if case.operation.path == "/v1/probe" and isinstance(case.body, dict):
        case.body["url"] = os.environ[FAKE]
    if case.operation.path == "/v1/models" and case.query.get("provider"):
        case.query["provider"] = "openai"
    if case.operation.path == "/v1/relay/ticks":
        # Right, and minutes long.
        case.query.update(interval_ms=20, silence_s=0)


@schemathesis.check
def no_fitting_request_is_refused(ctx: CheckContext, response: Response, case: Case[Any]) -> bool | None:
    if not is_fitting(case) or response.status_code < 400:
        return None
    error = json.loads(response.content)["error"]
    if error["origin"] == "provider" or error["message"].startswith(UNTRANSLATED):
        return None
    if error["code"] == "sealed_invalid" and case.operation.path == PATH:
        # What is sealed has a form that no schema says.
        return None
    raise Failure(
        operation=case.operation.label, title="A fitting request was refused", message=json.dumps(error, indent=1)
    )


def is_fitting(case: Case[Any]) -> bool:
    return case.meta is not None and case.meta.generation.mode.is_positive

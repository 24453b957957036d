"""Rules for calls that were answered: whoever answered has said what is wrong, so little is left to conclude."""

from __future__ import annotations

from sidestep.diagnosis.cases import Case
from sidestep.diagnosis.observations import Sighting
from sidestep.diagnosis.remedies import ask_a_relay, remedies_for_answer
from sidestep.diagnosis.verdicts import Cause, Certainty, Lesson, Remedy, Verdict

__all__ = ["CAUSES", "answered_here", "answered_through_relay", "answered_well", "read_cause"]

CAUSES: dict[str, Cause] = {
    "AuthenticationError": "auth",
    "PermissionDenied": "permission",
    "QuotaExceeded": "quota",
    "RateLimited": "rate_limit",
    "ModelNotFound": "model_unknown",
    "BadRequest": "bad_request",
    "ContentRefused": "content_refused",
    "Overloaded": "overloaded",
    "ServerError": "server_error",
}
_SENTENCES: dict[Cause, str] = {
    "auth": "{who} refused the key.",
    "permission": "{who} does not allow this key to do that.",
    "quota": "{who} says that the balance or the plan is used up.",
    "rate_limit": "{who} is getting too many requests from this key.",
    "model_unknown": "{who} does not know this model.",
    "bad_request": "{who} refused the request itself.",
    "content_refused": "{who} will not answer this content.",
    "overloaded": "{who} is overloaded.",
    "server_error": "{who} failed.",
}
# Statuses that guards, routers and proxies in front of a provider answer with as well.
_VAGUE_STATUSES = frozenset({403, 404, 405, 410, 429, 503})
_GUARD_STATUSES = frozenset({401, 403, 429, 503})
_SIGN_IN_STATUS = 511  # RFC 6585, section 6


def answered_well(case: Case) -> Verdict | None:
    """It works: the request was answered, or all but the body that was made to be refused was taken."""
    direct = case.seen.direct
    if direct and direct.is_good:
        return Verdict("ok", "proven", f"{case.host} answered.", case.tell_direct(), learns=_open(case))
    if direct is None and case.is_unbillable_well:
        return Verdict(
            "ok",
            "likely",
            f"{case.host} answers {case.here}, and refused only what was made to be refused.",
            case.tell_direct(),
            (Remedy("Send a message.", action="retry"),),
            learns=_open(case),
        )
    if direct is None and case.seen.unbillable is None and case.is_relayed_well:
        certainty: Certainty = "likely" if case.seen.is_relayed_unbillable else "proven"
        return Verdict("ok", certainty, f"{case.host} answers through {case.relay}.", case.tell_relayed())
    return None


def answered_here(case: Case) -> Verdict | None:
    """The provider's own refusal, read from here: of the request itself, else of the unbillable one."""
    if case.seen.direct and case.seen.direct.kind not in {"rejected", "unreachable", "timeout"}:
        return _judge(case, case.seen.direct, case.tell_direct(), is_direct=True)
    if case.seen.unbillable and not case.is_silent and not case.is_unbillable_well:
        return _judge(case, case.seen.unbillable, case.tell_direct(), is_direct=True)
    return None


def answered_through_relay(case: Case) -> Verdict | None:
    """The provider's own refusal where only a relay asked, or the relay saw that no page is let pass anyway."""
    if case.relayed is None or case.is_relayed_well:
        return None
    was_asked_here = case.seen.direct is not None or case.seen.unbillable is not None
    if was_asked_here and not case.failed_preflight and case.relayed.kind == "answered":
        return None
    return _judge(case, case.relayed, case.tell_all(), is_direct=False)


def read_cause(case: Case, answer: Sighting) -> tuple[Cause, Certainty]:
    """Return what an answer's error means, and how sure that is: a bare status may come from somebody in between."""
    cause = CAUSES.get(answer.error, "server_error")
    has_code = bool(answer.code) and not answer.code.startswith("provider_")
    is_made_up = answer is case.relayed and cause in {"bad_request", "model_unknown", "permission"}
    is_vague = answer.status in _VAGUE_STATUSES and not has_code
    return cause, "likely" if is_vague or is_made_up else "proven"


def _judge(case: Case, answer: Sighting, basis: tuple[str, ...], *, is_direct: bool) -> Verdict:
    learns = _open(case) if is_direct and answer.kind == "answered" else None
    if answer.kind == "cut":
        message = f"The answer of {case.host} broke off before it was finished."
        return Verdict("incomplete", "proven", message, basis, remedies_for_answer("incomplete"))
    if answer.status == _SIGN_IN_STATUS:
        return Verdict("captive_portal", "proven", _say_portal(case), basis, _sign_in(case))
    if answer.kind == "garbled":
        return _judge_garbled(case, answer, basis)
    if is_direct and any(words in answer.message for words in case.provider.entry.browser_refusals):
        message = f"{case.provider.name} forbids calls from browsers for this key's organisation."
        basis = (*basis, answer.message)
        return Verdict("browser_forbidden", "proven", message, basis, ask_a_relay(case))
    cause, certainty = read_cause(case, answer)
    basis = (*basis, answer.message) if answer.message else basis
    message = _SENTENCES[cause].format(who=case.provider.name)
    return Verdict(cause, certainty, message, basis, remedies_for_answer(cause), learns=learns)


def _judge_garbled(case: Case, answer: Sighting, basis: tuple[str, ...]) -> Verdict:
    is_own_address = case.provider.base_url != case.provider.entry.base_url
    check = Remedy("Check the base URL: the API often lies under a path such as /v1.", action="edit_address")
    basis = tuple(dict.fromkeys((*basis, *case.tell_relayed(), *case.tell_view())))
    if answer is not case.relayed and case.relayed is not None and case.relayed.kind == "answered":
        return Verdict("captive_portal", "likely", _say_portal(case), basis, _sign_in(case))
    if answer.status in _GUARD_STATUSES:
        message = f"A web page (HTTP {answer.status}) came instead of {case.host}'s answer; it cannot be told whose."
        return Verdict("cannot_tell", "cannot_tell", message, basis, (check, *_sign_in(case)))
    is_seen_twice = answer is case.relayed or (case.relayed is not None and case.relayed.kind == "garbled")
    if is_own_address:
        message = f"What answers at {case.host} is a web page, no API, so the address is probably not the right one."
        return Verdict("wrong_address", "likely", message, basis, (check, *_sign_in(case)))
    if is_seen_twice:
        message = f"{case.host} answers with a web page instead of its API, here and elsewhere."
        return Verdict("server_error", "likely", message, basis, remedies_for_answer("server_error"))
    return Verdict("captive_portal", "likely", _say_portal(case), basis, _sign_in(case))


def _say_portal(case: Case) -> str:
    return f"Something between {case.here} and {case.host} answers in its place, such as the sign-in page of a network."


def _sign_in(case: Case) -> tuple[Remedy, ...]:
    return (
        Remedy(f"Open https://{case.host} in a tab, sign in to the network if it asks, then retry.", action="retry"),
    )


def _open(case: Case) -> Lesson | None:
    return "open" if case.has_page else None

"""Rules for calls that were not answered, by what the same looks like from elsewhere. One failure decides nothing."""

from __future__ import annotations

from sidestep.addresses import is_home_name
from sidestep.diagnosis.answers import read_cause
from sidestep.diagnosis.cases import Case
from sidestep.diagnosis.observations import ServerStep
from sidestep.diagnosis.remedies import (
    EDIT_ADDRESS,
    RETRY,
    SUSPECT_KEY,
    allow_in_browser,
    ask_a_relay,
    open_or_go_round,
    remedies_for_answer,
    start_server,
)
from sidestep.diagnosis.verdicts import Cause, Certainty, Remedy, Verdict

__all__ = [
    "answered_but_not_now",
    "blocked_here",
    "blocked_or_here",
    "cors_blocked_as_compared",
    "cors_blocked_as_seen",
    "hidden_error",
    "hidden_error_as_seen",
    "local_network_unasked",
    "server_cannot_connect",
    "server_distrusts",
    "server_knows_no_host",
]

# What does not change between one request and the next, so that the relay's answer is the browser's too.
_STEADY = frozenset({"auth", "quota"})
_HIDDEN: dict[Cause, str] = {
    "auth": "{who} refused the key, and did not let the page read that.",
    "permission": "{who} does not allow this key to do that, and did not let the page read it.",
    "quota": "At {who} the balance or the plan is used up, and it did not let the page read that.",
    "rate_limit": "{who} is getting too many requests from this key, and did not let the page read that.",
    "model_unknown": "{who} does not know this model, and did not let the page read that.",
    "bad_request": "{who} refused the request itself, and did not let the page read why.",
    "content_refused": "{who} will not answer this content, and did not let the page read that.",
    "overloaded": "{who} is overloaded, and did not let the page read that.",
    "server_error": "{who} failed, and did not let the page read that.",
}


def hidden_error(case: Case) -> Verdict | None:
    """Refused here without a reason, and the relay brings the reason back."""
    if not _was_lost(case) or case.relayed is None or case.relayed.kind != "answered" or case.is_relayed_well:
        return None
    behind, certainty = read_cause(case, case.relayed)
    is_proven = certainty == "proven" and behind in _STEADY and bool(case.provider.api_key)
    basis = case.tell_all()
    if case.relayed.message:
        basis = (*basis, case.relayed.message)
    return Verdict(
        "cors_hidden_errors",
        "proven" if is_proven else "likely",
        _HIDDEN[behind].format(who=case.provider.name),
        basis,
        remedies_for_answer(behind),
        behind=behind,
        learns="hides_errors" if case.hides_errors else None,
    )


def answered_but_not_now(case: Case) -> Verdict | None:
    """Refused here once, while the unbillable request is answered: the way itself is open."""
    if not case.has_page or not case.is_unbillable_well or not _was_lost(case):
        return None
    message = (
        f"{case.host} answers this page, yet the call was refused or lost: by a refusal that a page may not read, or "
        "by a fault of the network."
    )
    remedies = (RETRY, SUSPECT_KEY, *ask_a_relay(case))
    return Verdict("cannot_tell", "cannot_tell", message, case.tell_all(), remedies, learns="open")


def server_knows_no_host(case: Case) -> Verdict | None:
    """The relay finds no such name."""
    step = case.view.dns
    if step is None or step.is_ok or not _is_unreached(case):
        return None
    certainty: Certainty = "proven" if step.is_final and not is_home_name(case.seen.url) else "likely"
    message = f"There is no host {case.host}." if certainty == "proven" else f"The host {case.host} was not found."
    basis = (*case.tell_direct(), *case.tell_reach(), f"Where {case.relay} stands, the name leads nowhere{_why(step)}.")
    return Verdict("unreachable", certainty, message, basis, (EDIT_ADDRESS,))


def server_cannot_connect(case: Case) -> Verdict | None:
    """The relay finds the host and gets no connection."""
    step = case.view.tcp
    if step is None or step.is_ok or not _is_unreached(case):
        return None
    direct = case.seen.direct
    is_twice = direct is not None and direct.kind == "unreachable" and step.is_final
    basis = (*case.tell_direct(), *case.tell_reach(), f"{case.relay} got no connection either{_why(step)}.")
    message = f"Nothing accepts connections at {case.host}."
    remedies = (start_server(case), EDIT_ADDRESS)
    return Verdict("unreachable", "proven" if is_twice else "likely", message, basis, remedies)


def server_distrusts(case: Case) -> Verdict | None:
    """The relay connects, and the certificate or the protocol is not one to trust."""
    step = case.view.tls
    if step is None or step.is_ok or not _is_unreached(case):
        return None
    basis = (*case.tell_direct(), *case.tell_reach(), f"{case.relay} could not set up TLS either{_why(step)}.")
    return Verdict(
        "tls",
        "proven" if step.is_final else "likely",
        f"The encryption of {case.host} cannot be trusted: its certificate is wrong, or it speaks no TLS.",
        basis,
        (EDIT_ADDRESS, Remedy(f"Whoever runs {case.host} must renew its certificate.")),
    )


def cors_blocked_as_seen(case: Case) -> Verdict | None:
    """Refused here, and the relay saw what the provider's answer lacks for a page."""
    if not case.was_rejected or not (case.failed_preflight or case.hides_answers):
        return None
    return Verdict(
        "cors_blocked",
        "proven",
        f"{case.host} does not answer pages from {case.page}.",
        case.tell_all(),
        open_or_go_round(case),
        learns="blocked",
    )


def local_network_unasked(case: Case) -> Verdict | None:
    """The server runs, and the browser's question whether the page may call it was not answered with yes."""
    runs = case.view.tcp is not None and case.view.tcp.is_ok
    if not case.may_be_locked or case.seen.permission != "prompt" or not case.was_rejected or not runs:
        return None
    return Verdict(
        "local_network_permission",
        "likely",
        f"The browser's question whether this page may call {case.neighbours} was probably not answered with yes.",
        (*case.tell_all(), f"{case.host} can be connected to, and the browser says that it has yet to ask."),
        (allow_in_browser(case, case.neighbours),),
    )


def blocked_here(case: Case) -> Verdict | None:
    """The relay gets through, the provider would let the page pass, and nothing answers here."""
    if not case.was_tried or not case.is_silent or case.seen.reach == "reachable":
        return None
    if case.was_rejected:
        is_other_place = case.is_open or (case.has_open_preflight and case.is_relayed_well)
    else:
        has_answer = case.relayed is not None
        # A long answer is silent too; only if the address itself was silent as well is it the way.
        is_other_place = has_answer and (not _has_timed_out(case) or case.seen.reach == "silent")
    if not is_other_place:
        return None
    return Verdict(
        "blocked_here",
        "likely",
        f"Something on this device or in its network keeps {case.here} from {case.host}.",
        case.tell_all(),
        (
            Remedy(f"Look at ad blockers, extensions, the firewall and the DNS for {case.host}."),
            *ask_a_relay(case),
        ),
    )


def hidden_error_as_seen(case: Case) -> Verdict | None:
    """Refused here, and the relay saw that a page may ask but may not read refusals; which one it was is not known."""
    if not case.was_rejected or not case.hides_errors:
        return None
    # What nobody bills is refused, and so hidden, also where all is well.
    is_contradicted = case.is_relayed_well
    message = f"{case.host} answers pages and does not let them read its refusals, so this was probably one."
    if is_contradicted:
        message = f"{case.host} does not let pages read its refusals; whether this was one cannot be told any more."
    if is_contradicted and case.seen.direct is None:
        message = (
            f"{case.host} does not let pages read its refusals, and through {case.relay} there was nothing to refuse "
            "but the look itself; whether a message gets through directly shows only a message."
        )
    return Verdict(
        "cannot_tell" if is_contradicted else "cors_hidden_errors",
        "cannot_tell" if is_contradicted else "likely",
        message,
        case.tell_all(),
        (SUSPECT_KEY, RETRY, *ask_a_relay(case)),
    )


def cors_blocked_as_compared(case: Case) -> Verdict | None:
    """Refused here though something answers, and the same request got a good answer through the relay."""
    if not case.was_rejected or not case.is_relayed_well or case.seen.reach != "reachable" or case.view.preflight:
        return None
    return Verdict(
        "cors_blocked",
        "likely",
        f"{case.host} most likely does not answer pages from {case.page}.",
        case.tell_all(),
        open_or_go_round(case),
        learns=None if case.seen.is_relayed_unbillable else "blocked",
    )


def blocked_or_here(case: Case) -> Verdict | None:
    """Only the relay gets through, and it cannot be told what stops the browser."""
    if not case.was_rejected or not case.is_relayed_well:
        return None
    message = (
        f"{case.host} answers {case.relay} and not this browser: it does not answer pages, or something here, such as "
        "an ad blocker or the DNS, keeps the browser from it."
    )
    return Verdict("cannot_tell", "cannot_tell", message, case.tell_all(), (*ask_a_relay(case), RETRY))


def _was_lost(case: Case) -> bool:
    """Say whether the request itself was refused by the browser, or the unbillable one if only that was sent."""
    tried = case.seen.direct or case.seen.unbillable
    return case.has_page and tried is not None and tried.kind == "rejected"


def _has_timed_out(case: Case) -> bool:
    return any(row and row.kind == "timeout" for row in (case.seen.direct, case.seen.unbillable))


def _is_unreached(case: Case) -> bool:
    """Say whether nothing contradicts a relay that could not connect."""
    return case.is_silent and case.seen.reach != "reachable" and case.relayed is None


def _why(step: ServerStep) -> str:
    return f" ({step.error})" if step.error else ""

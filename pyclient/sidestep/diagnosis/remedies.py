"""What to do about a cause: sentences, lines to paste that hold the page's own origin, and clicks."""

from __future__ import annotations

from sidestep.diagnosis.cases import Case
from sidestep.diagnosis.verdicts import Cause, Remedy

__all__ = [
    "EDIT_ADDRESS",
    "RETRY",
    "SUSPECT_KEY",
    "allow_in_browser",
    "allow_page_at_relay",
    "ask_a_relay",
    "open_or_go_round",
    "open_policy",
    "remedies_for_answer",
    "start_server",
]

EDIT_ADDRESS = Remedy("Check the base URL.", action="edit_address")
SUSPECT_KEY = Remedy("Check the key: a wrong one may look like this.", action="edit_key")
_EDIT_KEY = Remedy("Check that the key is whole, not revoked, and made for this address.", action="edit_key")
_PICK_MODEL = Remedy("Pick a model from the list, or check the spelling of its id.", action="pick_model")
RETRY = Remedy("Retry.", action="retry")
_WAIT = Remedy("Wait a moment, then retry.", action="wait")

# What helps against an answer that says no, whichever way it came.
_BY_ANSWER: dict[Cause, tuple[Remedy, ...]] = {
    "auth": (_EDIT_KEY,),
    "permission": (
        Remedy("Check what the key and its plan may use.", action="edit_key"),
        Remedy("Or use a model that it may.", action="pick_model"),
    ),
    "quota": (Remedy("Look at the plan and the balance in the provider's console."), EDIT_ADDRESS),
    "rate_limit": (_WAIT,),
    "overloaded": (_WAIT, Remedy("Or use another model.", action="pick_model")),
    "bad_request": (Remedy("What it said names the part that it did not take: change it, or leave it out."),),
    "model_unknown": (_PICK_MODEL, EDIT_ADDRESS),
    "content_refused": (Remedy("Change the message and send it again."),),
    "server_error": (Remedy("Retry; if it keeps failing, look at the provider's status page.", action="retry"),),
    "incomplete": (RETRY,),
}


def remedies_for_answer(cause: Cause) -> tuple[Remedy, ...]:
    """Return what helps against an answer that says no."""
    return _BY_ANSWER.get(cause, (RETRY,))


def ask_a_relay(case: Case) -> tuple[Remedy, ...]:
    """Return how a relay can take the request where the direct way is closed."""
    name = case.provider.name
    if case.seen.help == "unconsented":
        return (Remedy(f"Allow a relay to see the key of {name}; it can ask for this page.", action="allow_relay"),)
    if case.seen.help == "allowed":
        return (Remedy(f"Let {name} be asked through {case.relay}.", action="route_relay"),)
    paste = f"SIDESTEP_ORIGINS={case.seen.page_origin} sidestep-relay serve" if case.seen.page_origin else ""
    return (Remedy(f"Start a relay of your own and add it; it can ask {name} for this page.", paste, "add_relay"),)


def open_or_go_round(case: Case) -> tuple[Remedy, ...]:
    """Return how a CORS policy is opened or gone round; the user's own server is opened first."""
    if case.provider.entry.cors_remedy:
        return (*open_policy(case), *ask_a_relay(case))
    return (*ask_a_relay(case), *open_policy(case))


def open_policy(case: Case) -> tuple[Remedy, ...]:
    """Return how the provider's own CORS policy is opened for this page: a setting where one is known."""
    known = case.provider.entry.cors_remedy
    if known is None:
        return _add_headers(case)
    return (Remedy(known.text, known.paste.replace("{origin}", case.seen.page_origin or "*")),)


def _add_headers(case: Case) -> tuple[Remedy, ...]:
    """Return the headers that the provider's answer lacks, as it would have to send them."""
    preflight = case.failed_preflight
    lines = []
    if preflight is None or preflight.lacks_origin or not (preflight.missing_headers or preflight.lacks_method):
        lines.append(f"Access-Control-Allow-Origin: {case.seen.page_origin or '*'}")
    if preflight and preflight.lacks_method:
        lines.append(f"Access-Control-Allow-Methods: {case.seen.method}")
    if preflight and preflight.missing_headers:
        lines.append(f"Access-Control-Allow-Headers: {', '.join(preflight.missing_headers)}")
    what = "what its answer lacks" if preflight else "what its answer seems to lack"
    own = _drop_own_headers(case)
    return (*own, Remedy(f"Only whoever runs {case.host} can change this; {what} is this.", "\n".join(lines)))


def _drop_own_headers(case: Case) -> tuple[Remedy, ...]:
    """Return the advice to leave out headers of the user's own that the provider does not allow."""
    missing = case.failed_preflight.missing_headers if case.failed_preflight else ()
    own = [name for name in case.provider.headers if name.lower() in missing]
    if not own:
        return ()
    return (Remedy(f"Remove the header {', '.join(own)} of your own: {case.host} does not allow it from pages."),)


def allow_page_at_relay(case: Case) -> tuple[Remedy, ...]:
    """Return how a relay that runs is told to answer this page."""
    if not case.seen.page_origin:
        return ()
    return (Remedy("Start the relay with this page's origin in its list.", f"SIDESTEP_ORIGINS={case.page}"),)


def allow_in_browser(case: Case, neighbours: str) -> Remedy:
    """Return how the browser's leave to call this computer or network is given."""
    text = f"Allow {case.page} to call {neighbours}: in the browser's settings for this page, then retry."
    return Remedy(text, action="open_permission")


def start_server(case: Case) -> Remedy:
    """Return what to do where nothing takes connections."""
    if case.seen.address_space == "public":
        return Remedy("Check the network, then retry.", action="retry")
    return Remedy(f"Start {case.provider.name}, and check that it listens at {case.host}.", action="retry")

"""Rules for a relay that could not help: its own refusals and its own silence."""

from __future__ import annotations

from sidestep.diagnosis.cases import Case
from sidestep.diagnosis.remedies import allow_in_browser, allow_page_at_relay
from sidestep.diagnosis.verdicts import Certainty, Remedy, Verdict

__all__ = [
    "relay_down",
    "relay_got_no_answer",
    "relay_locked",
    "relay_lost_it",
    "relay_or_network_down",
    "relay_page_unknown",
    "relay_refused",
    "relay_token",
    "relay_unasked",
    "relay_unencrypted",
]

_START_RELAY = Remedy("Start the relay.", action="retry")
_EDIT_RELAY = Remedy("Check the relay's address under Relays.", action="edit_relay")
_SILENT = frozenset({"rejected", "unreachable", "timeout"})
_UNHEARD = frozenset({"inconclusive", "silent"})


def relay_token(case: Case) -> Verdict | None:
    """The relay refused its token, and said so itself."""
    relayed = case.seen.relayed
    if relayed is None or relayed.error != "RelayAuthenticationError":
        return None
    message = f"{_name(case)} refused its token; {case.provider.name} was not asked and saw no key."
    text = "Open the relay's pairing link again, or copy its token anew."
    return Verdict("relay_auth", "proven", message, _tell(case), (Remedy(text, action="edit_relay"),))


def relay_refused(case: Case) -> Verdict | None:
    """The relay said no before it asked anybody."""
    relayed = case.seen.relayed
    if relayed is None or relayed.origin != "relay" or relayed.kind != "answered":
        return None
    message = f"{_name(case)} refused to ask {case.provider.name}."
    remedies = (Remedy("What it said names the reason; its operator can change that."), _EDIT_RELAY)
    return Verdict("relay_refused", "proven", message, (*_tell(case), relayed.message), remedies)


def relay_locked(case: Case) -> Verdict | None:
    """The browser was told not to let this page call the relay's computer or network."""
    if not _is_relay_silent(case) or not case.seen.is_relay_crossing or case.seen.relay_permission != "denied":
        return None
    where = case.relay_neighbours
    return Verdict(
        "local_network_permission",
        "proven",
        f"The browser does not let this page call {where}, so {case.relay} cannot be asked.",
        (*case.tell_direct(), f"The browser says that {case.page} is denied calls to {where}."),
        (allow_in_browser(case, case.relay_neighbours),),
    )


def relay_unasked(case: Case) -> Verdict | None:
    """The browser's question whether the page may call the relay's computer or network may still be open."""
    if not _is_relay_silent(case) or not case.seen.is_relay_crossing or case.seen.relay_permission != "prompt":
        return None
    message = (
        f"Either {case.relay} does not run, or the browser's question whether this page may call "
        f"{case.relay_neighbours} was not answered with yes; which, cannot be told."
    )
    remedies = (allow_in_browser(case, case.relay_neighbours), _START_RELAY, _EDIT_RELAY)
    return Verdict("cannot_tell", "cannot_tell", message, _tell(case), remedies)


def relay_unencrypted(case: Case) -> Verdict | None:
    """An encrypted page may not call a relay that is not."""
    if not case.seen.is_relay_mixed or not _is_relay_silent(case):
        return None
    message = f"The browser lets no page that came encrypted call a relay that is not: {case.seen.relay_url}."
    basis = (*case.tell_direct(), f"The page {case.page} is encrypted (https), the relay's address is not (http).")
    text = "Give the relay an https address; on this computer, http://127.0.0.1 will do."
    return Verdict("mixed_content", "proven", message, basis, (Remedy(text, action="edit_relay"),))


def relay_lost_it(case: Case) -> Verdict | None:
    """The relay runs and answers this page, and the request got no answer all the same."""
    relayed = case.seen.relayed
    if relayed is None or relayed.kind != "rejected" or not case.seen.is_relay_readable:
        return None
    message = f"{_name(case)} runs and answers this page, and gave no answer to the request itself."
    basis = (*_tell(case), f"Asked for its health, {case.seen.relay_url} answers this page.")
    remedies = (Remedy("Look at the relay's log, and at what stands before it.", action="retry"), _EDIT_RELAY)
    return Verdict("relay_down", "likely", message, basis, remedies)


def relay_page_unknown(case: Case) -> Verdict | None:
    """Something runs at the relay's address and does not answer this page."""
    relayed = case.seen.relayed
    if relayed is None or relayed.kind != "rejected" or case.seen.relay_reach != "reachable":
        return None
    message = f"{_name(case)} runs, and most likely does not know this page."
    basis = (*_tell(case), f"Something answers at {case.seen.relay_url}, asked without a token and without CORS.")
    return Verdict("relay_refused", "likely", message, basis, (*allow_page_at_relay(case), _EDIT_RELAY))


def relay_or_network_down(case: Case) -> Verdict | None:
    """Nothing seems to answer anywhere, so it may as well be the network; that a browser is online proves nothing."""
    seen = case.seen
    is_nowhere = seen.reach in _UNHEARD and seen.relay_reach in _UNHEARD and seen.relay_space == "public"
    if not case.was_rejected or not _is_relay_silent(case) or not is_nowhere or seen.address_space != "public":
        return None
    message = f"Neither {case.host} nor {case.relay} seems to answer: both may be down, or the network here is."
    remedies = (Remedy("Check the network, then retry.", action="retry"), _START_RELAY, _EDIT_RELAY)
    return Verdict("cannot_tell", "cannot_tell", message, _tell(case), remedies)


def relay_down(case: Case) -> Verdict | None:
    """The relay does not answer, or what answers is no relay."""
    relayed = case.seen.relayed
    is_other = relayed is not None and relayed.kind == "garbled" and relayed.origin == "relay"
    if not _is_relay_silent(case) and not is_other:
        return None
    message = f"{_name(case)} does not answer at {case.seen.relay_url or 'its address'}."
    if is_other:
        message = f"What answers at {case.seen.relay_url or 'that address'} is most likely no relay."
    certainty: Certainty = "proven" if relayed and relayed.code in {"dns", "refused"} else "likely"
    remedies = (_START_RELAY, _EDIT_RELAY, *allow_page_at_relay(case))
    return Verdict("relay_down", certainty, message, _tell(case), remedies)


def relay_got_no_answer(case: Case) -> Verdict | None:
    """The relay asked, and the provider did not answer it either."""
    relayed = case.seen.relayed
    if relayed is None or not relayed.code.startswith("provider_") or not case.is_silent or not case.is_one_host:
        return None
    remedies = (Remedy("Check the base URL.", action="edit_address"), Remedy("Retry later.", action="wait"))
    if relayed.code == "provider_timeout":
        message = f"{case.host} answers neither {case.here} nor {case.relay} in time."
        return Verdict("timeout", "likely", message, case.tell_all(), remedies)
    if relayed.code == "provider_unreachable":
        message = f"{case.host} can be reached neither from {case.here} nor from {case.relay}."
        return Verdict("unreachable", "likely", message, case.tell_all(), remedies)
    return None


def _is_relay_silent(case: Case) -> bool:
    return case.seen.relayed is not None and case.seen.relayed.kind in _SILENT


def _name(case: Case) -> str:
    return case.relay[:1].upper() + case.relay[1:]


def _tell(case: Case) -> tuple[str, ...]:
    return (*case.tell_direct(), *case.tell_reach(), *case.tell_relayed())

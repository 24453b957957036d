"""Rules for calls that were not answered, by what is known here, without anybody to compare with."""

from __future__ import annotations

from sidestep.diagnosis.cases import Case
from sidestep.diagnosis.remedies import (
    EDIT_ADDRESS,
    RETRY,
    SUSPECT_KEY,
    allow_in_browser,
    ask_a_relay,
    open_or_go_round,
    open_policy,
    start_server,
)
from sidestep.diagnosis.verdicts import Certainty, Remedy, Verdict

__all__ = [
    "cannot_tell",
    "content_policy",
    "cors_probably_blocked",
    "local_network_ahead",
    "local_network_denied",
    "local_server_silent",
    "mixed_content",
    "no_connection",
    "offline",
    "timed_out",
]


def offline(case: Case) -> Verdict | None:
    """The browser says that there is no network. It is right about that, and only about that (MDN)."""
    if case.seen.is_online is not False or not case.is_silent or case.seen.address_space == "loopback":
        return None
    if case.seen.relay_space == "public" and (case.relayed or case.seen.relay_probe):
        return None
    certainty: Certainty = "proven" if case.seen.address_space == "public" else "likely"
    basis = ("The browser says that it has no network.",)
    remedies = (Remedy("Connect to a network, then retry.", action="retry"),)
    return Verdict("offline", certainty, "This device is offline.", basis, remedies)


def mixed_content(case: Case) -> Verdict | None:
    """An encrypted page may not call an unencrypted address."""
    if not case.seen.is_mixed_content or not case.is_silent:
        return None
    return Verdict(
        "mixed_content",
        "proven",
        f"The browser lets no page that came encrypted call an address that is not: {case.host}.",
        (f"The page {case.page} is encrypted (https), {case.seen.url} is not (http).",),
        (
            Remedy("Use the provider's https address, if it has one.", action="edit_address"),
            *ask_a_relay(case),
        ),
    )


def content_policy(case: Case) -> Verdict | None:
    """The page's own policy forbids the call; the browser names the directive."""
    if not case.seen.csp_directive or not case.is_silent:
        return None
    return Verdict(
        "content_policy",
        "proven",
        f"The page's own content security policy forbids calls to {case.host}.",
        (f"The browser reported a violation of the directive {case.seen.csp_directive}.",),
        (
            Remedy("Whoever serves the page must add this to its policy.", f"connect-src {_origin(case)}"),
            *ask_a_relay(case),
        ),
    )


def local_network_denied(case: Case) -> Verdict | None:
    """The browser was told not to let this page call this computer or its network."""
    if not case.may_be_locked or case.seen.permission != "denied":
        return None
    return Verdict(
        "local_network_permission",
        "proven",
        f"The browser does not let this page call {case.neighbours}.",
        (f"The browser says that {case.page} is denied calls to {case.neighbours}.",),
        (allow_in_browser(case, case.neighbours),),
    )


def local_network_ahead(case: Case) -> Verdict | None:
    """The browser would first ask the person, and was not made to."""
    if not case.seen.is_unasked:
        return None
    message = (
        f"Before this page may call {case.neighbours}, the browser asks you. Without your yes it cannot be told what "
        f"keeps it from {case.host}."
    )
    remedy = Remedy("Let the browser ask now, and answer with yes.", action="open_permission")
    basis = (*case.tell_all(), f"The browser says that it has yet to ask whether {case.page} may call there.")
    return Verdict("cannot_tell", "cannot_tell", message, basis, (remedy,))


def timed_out(case: Case) -> Verdict | None:
    """Our own clock ran out; more is not known."""
    tried = case.seen.direct or case.seen.unbillable
    if tried is None or tried.kind != "timeout":
        return None
    seconds = tried.elapsed
    message = (
        f"{case.host} said nothing for {seconds:.0f} seconds." if seconds else f"{case.host} said nothing in time."
    )
    return Verdict("timeout", "proven", message, case.tell_all(), (RETRY, *ask_a_relay(case)))


def no_connection(case: Case) -> Verdict | None:
    """The platform itself says that no connection was made, and where it can, why."""
    tried = [row for row in (case.seen.direct, case.seen.unbillable) if row and row.kind == "unreachable"]
    if not tried or not case.is_silent:
        return None
    code = tried[0].code
    if code == "tls":
        message = f"The encryption of {case.host} cannot be trusted: its certificate is wrong, or it speaks no TLS."
        return Verdict("tls", "proven", message, (*case.tell_all(), tried[0].message), (EDIT_ADDRESS,))
    message = f"No connection to {case.host} can be made from {case.here}."
    certainty: Certainty = "proven" if code in {"dns", "refused"} else "likely"
    remedies = (start_server(case), EDIT_ADDRESS)
    return Verdict("unreachable", certainty, message, (*case.tell_all(), tried[0].message), remedies)


def local_server_silent(case: Case) -> Verdict | None:
    """A server on this computer or network did not answer: it may not run, or not answer pages."""
    if not case.was_rejected or case.seen.address_space == "public" or case.seen.reach == "reachable":
        return None
    message = (
        f"Either {case.provider.name} does not run at {case.host}, or it does not answer pages; which, cannot be told."
    )
    remedies = [start_server(case), *open_policy(case)]
    if case.seen.is_crossing:
        remedies.append(allow_in_browser(case, case.neighbours))
    if case.page.startswith("https:") and case.seen.url.startswith("http:"):
        remedies.append(Remedy("In Safari an encrypted page may not call this computer at all; use another browser."))
    return Verdict("cannot_tell", "cannot_tell", message, case.tell_all(), tuple(remedies))


def cors_probably_blocked(case: Case) -> Verdict | None:
    """Refused here though something answers, and no relay to compare with."""
    if not case.was_rejected or case.seen.reach != "reachable":
        return None
    entry = case.provider.entry
    if entry.cors.verdict == "blocked" or entry.cors_remedy:
        message = f"{case.host} runs, and probably does not answer pages from {case.page}."
        remedies = (*open_or_go_round(case), SUSPECT_KEY)
        return Verdict("cors_blocked", "likely", message, case.tell_all(), remedies)
    # A preflight that fails and a refusal without CORS headers are the same to a page.
    is_usual = case.provider.base_url == entry.base_url
    if is_usual and entry.cors.verdict == "open":
        message = (
            f"{case.host} runs and used to answer pages: this is a refusal that a page may not read, such as of a "
            "wrong key, or its policy has changed."
        )
        remedies = (SUSPECT_KEY, *ask_a_relay(case), RETRY)
    else:
        message = (
            f"{case.host} runs: either it does not answer pages, or this is a refusal that a page may not read, such "
            "as of a wrong key."
        )
        remedies = (*open_or_go_round(case), SUSPECT_KEY)
    return Verdict("cannot_tell", "cannot_tell", message, case.tell_all(), remedies)


def cannot_tell(case: Case) -> Verdict:
    """Nothing that was seen decides."""
    message = f"It cannot be told what keeps {case.here} from {case.host}."
    remedies = (RETRY, EDIT_ADDRESS, SUSPECT_KEY, *ask_a_relay(case))
    return Verdict("cannot_tell", "cannot_tell", message, case.tell_all() or ("Nothing was looked at.",), remedies)


def _origin(case: Case) -> str:
    scheme, _, rest = case.seen.url.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}"

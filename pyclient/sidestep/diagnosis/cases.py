"""One case to decide: the observations, what follows from them by definition, and the sentences that tell them."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from sidestep.addresses import name_neighbours
from sidestep.config import Provider
from sidestep.diagnosis.observations import Observations, Preflight, ServerView, Sighting

__all__ = ["UNREACHED_CODES", "Case"]

UNREACHED_CODES = frozenset({"provider_unreachable", "provider_timeout"})
"""A relay's own codes for a provider that gave it no answer."""

_BODY_ERRORS = frozenset({"BadRequest", "ModelNotFound"})
_SILENT = frozenset({"rejected", "unreachable", "timeout"})
_GOOD, _REFUSAL = range(200, 300), 400
_SIMPLE_METHODS = frozenset({"GET", "HEAD", "POST"})
# WHATWG Fetch, CORS-safelisted request-header; ours are JSON, so a content type is never one.
_SIMPLE_HEADERS = frozenset({"accept", "accept-language", "content-language"})


@dataclass(frozen=True, slots=True)
class Case:
    """One case to decide.

    Attributes:
        seen: the observations.
        provider: whom the request was for.
    """

    seen: Observations
    provider: Provider

    @property
    def host(self) -> str:
        """The provider's host, with its port where it has one."""
        return urlsplit(self.seen.url or self.provider.base_url).netloc

    @property
    def page(self) -> str:
        """What the page is called in a sentence."""
        return self.seen.page_origin or "this page"

    @property
    def here(self) -> str:
        """What the place is called that direct requests are sent from."""
        return "this browser" if self.seen.is_browser else "this computer"

    @property
    def relay(self) -> str:
        """What the relay is called in a sentence."""
        return f"the relay “{self.seen.relay_name}”" if self.seen.relay_name else "the relay"

    @property
    def has_page(self) -> bool:
        """Whether a page's rules apply, CORS among them."""
        return self.seen.is_browser

    @property
    def neighbours(self) -> str:
        """Who answers at an address that is not public."""
        return name_neighbours(self.seen.address_space)

    @property
    def relay_neighbours(self) -> str:
        """Who answers where the relay runs, if that is not public."""
        return name_neighbours(self.seen.relay_space)

    @property
    def was_tried(self) -> bool:
        """Whether anything was sent directly."""
        return self.seen.direct is not None or self.seen.unbillable is not None

    @property
    def may_be_locked(self) -> bool:
        """Whether the browser's leave to call this computer or network could be what is missing."""
        return self.seen.is_crossing and self.has_page and self.is_silent and self.seen.reach != "reachable"

    @property
    def is_silent(self) -> bool:
        """Whether no answer at all was seen from here."""
        tried = (self.seen.direct, self.seen.unbillable)
        return all(sighting is None or sighting.kind in _SILENT for sighting in tried)

    @property
    def was_rejected(self) -> bool:
        """Whether the browser refused or lost every direct call, without a reason."""
        tried = [sighting for sighting in (self.seen.direct, self.seen.unbillable) if sighting]
        return self.has_page and bool(tried) and all(sighting.kind == "rejected" for sighting in tried)

    @property
    def is_one_host(self) -> bool:
        """Whether the relay means the same computer by the provider's address as this page does."""
        if self.seen.address_space == "public":
            return True
        return self.seen.relay_space == "loopback" or (
            self.seen.address_space == "local" and self.seen.relay_space == "local"
        )

    @property
    def view(self) -> ServerView:
        """What the relay sees of the provider's address; nothing if it would look at another computer."""
        return (self.seen.relay_probe if self.is_one_host else None) or ServerView()

    @property
    def is_preflighted(self) -> bool:
        """Whether a browser asks the provider before it sends this request (WHATWG Fetch, *HTTP fetch*)."""
        return self.seen.method not in _SIMPLE_METHODS or not _SIMPLE_HEADERS.issuperset(self.seen.headers)

    @property
    def failed_preflight(self) -> Preflight | None:
        """The preflight as the relay saw it fail."""
        preflight = self.view.preflight
        return preflight if preflight and not preflight.is_ok and self.is_preflighted else None

    @property
    def has_open_preflight(self) -> bool:
        """Whether the relay saw that a browser would be let pass, or none is asked for."""
        preflight = self.view.preflight
        return preflight.is_ok if preflight and self.is_preflighted else not self.is_preflighted

    @property
    def hides_errors(self) -> bool:
        """Whether the relay saw that a page may ask, and may not read the refusal."""
        answer = self.view.answer
        return self.has_open_preflight and answer is not None and not answer.is_readable and answer.status >= _REFUSAL

    @property
    def hides_answers(self) -> bool:
        """Whether the relay saw that a page may not even read a good answer."""
        answer = self.view.answer
        return answer is not None and not answer.is_readable and answer.status in _GOOD

    @property
    def is_open(self) -> bool:
        """Whether the relay saw that a page may ask and may read what it gets."""
        answer = self.view.answer
        return self.has_open_preflight and answer is not None and answer.is_readable

    @property
    def relayed(self) -> Sighting | None:
        """What the provider itself said through the relay; None if the relay has no word of it."""
        relayed = self.seen.relayed
        is_word = relayed and relayed.origin == "provider" and relayed.kind in {"answered", "cut", "garbled"}
        return relayed if is_word and relayed and relayed.code not in UNREACHED_CODES and self.is_one_host else None

    @property
    def is_relayed_well(self) -> bool:
        """Whether the provider took the request through the relay; of the unbillable one, all but its body."""
        relayed = self.relayed
        if relayed is None or relayed.kind != "answered":
            return False
        return relayed.is_good or (self.seen.is_relayed_unbillable and relayed.error in _BODY_ERRORS)

    @property
    def is_unbillable_well(self) -> bool:
        """Whether the unbillable request was answered from here, and nothing but its body was refused."""
        answer = self.seen.unbillable
        return answer is not None and answer.kind == "answered" and (answer.is_good or answer.error in _BODY_ERRORS)

    def tell_direct(self) -> tuple[str, ...]:
        """Return what the direct calls looked like."""
        direct, unbillable = self.seen.direct, self.seen.unbillable
        told = [self._tell(direct, "the direct call")] if direct else []
        if unbillable:
            told.append(self._tell(unbillable, "a direct call with the same headers that nobody bills"))
        return tuple(told)

    def tell_reach(self) -> tuple[str, ...]:
        """Return what the look without a key found."""
        if self.seen.reach == "reachable":
            return (f"Something answers at {self.host}, asked without a key and without CORS.",)
        if self.seen.reach == "unreachable":
            return (f"Nothing answers at {self.host}, asked without a key.",)
        if self.seen.reach == "silent":
            return (f"Nothing answered at {self.host} in time, asked without a key.",)
        if self.seen.reach == "inconclusive":
            return (f"Nothing seemed to answer at {self.host} without a key; browsers also say so of some that do.",)
        return ()

    def tell_relayed(self) -> tuple[str, ...]:
        """Return what came of the request through the relay."""
        relayed = self.seen.relayed
        if relayed is None:
            return ()
        if self.is_relayed_well:
            what = "a request that nobody bills" if self.seen.is_relayed_unbillable else "the same request"
            return (f"Through {self.relay}, {self.host} answered {what}.",)
        if relayed.kind in _SILENT:
            return (f"{_capitalise(self.relay)} gave no answer itself.",)
        who = _capitalise(self.relay) if relayed.origin == "relay" else f"Through {self.relay}, {self.host}"
        return (f"{who} {_describe(relayed)}.",)

    def tell_view(self) -> tuple[str, ...]:
        """Return what the relay sees of the provider's address."""
        view, told = self.view, []
        if view.preflight and self.is_preflighted:
            told.append(_tell_preflight(view.preflight, self))
        if view.answer:
            can = "may" if view.answer.is_readable else "may not"
            told.append(
                f"Its answer to a call without a key (HTTP {view.answer.status}) is one that a page {can} read."
            )
        return tuple(told)

    def tell_all(self) -> tuple[str, ...]:
        """Return everything that was seen of the provider."""
        return (*self.tell_direct(), *self.tell_reach(), *self.tell_relayed(), *self.tell_view())

    def _tell(self, sighting: Sighting, what: str) -> str:
        if sighting.kind == "rejected":
            return f"The browser refused or lost {what}, and does not say why."
        if sighting.kind == "unreachable":
            return f"For {what} no connection could be made."
        if sighting.kind == "timeout":
            return f"To {what} nothing was said for {sighting.elapsed:.0f} seconds."
        return f"To {what}, {self.host} {_describe(sighting)}."


def _describe(sighting: Sighting) -> str:
    if sighting.kind == "cut":
        return "began to answer and broke off"
    status = f"HTTP {sighting.status}" if sighting.status else "an error"
    if sighting.kind == "garbled":
        return f"answered with something that is no API's answer ({status})"
    if sighting.is_good:
        return "answered well"
    return f"answered {status}{f', code {sighting.code}' if sighting.code else ''}"


def _tell_preflight(preflight: Preflight, case: Case) -> str:
    if preflight.is_ok:
        return f"Asked as a browser asks first, {case.host} lets this page pass."
    lacks = []
    if preflight.lacks_origin:
        lacks.append(f"the origin {case.page}")
    if preflight.lacks_method:
        lacks.append(f"the method {case.seen.method}")
    if preflight.missing_headers:
        lacks.append(f"the header {', '.join(preflight.missing_headers)}")
    what = f"does not allow {' and '.join(lacks)}" if lacks else "does not let this page pass"
    return f"Asked as a browser asks first, {case.host} {what} (HTTP {preflight.status})."


def _capitalise(text: str) -> str:
    return text[:1].upper() + text[1:]

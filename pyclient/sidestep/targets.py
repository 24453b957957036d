"""From the model that was asked for to those that are asked: rules and model groups applied. No IO."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from sidestep.config import Config, Provider
from sidestep.errors import (
    NoRoute,
    Overloaded,
    QuotaExceeded,
    RateLimited,
    RoutesFailed,
    ServerError,
    SidestepError,
    TransportError,
    UnexpectedResponse,
    UnknownModel,
)
from sidestep.knowledge import Knowledge
from sidestep.policies import Rule, find_group_name
from sidestep.routing.groups import order_members
from sidestep.routing.health import HealthKey
from sidestep.routing.plan import Wishes
from sidestep.routing.python_rules import PythonRules
from sidestep.routing.requests import describe_request
from sidestep.routing.rules import Decision, LocalTime, RuleContext, RuleOutcome, decide, explain_rules
from sidestep.types import ChatRequest, FiredRule

__all__ = ["Target", "TargetFinder", "may_move_on"]


@dataclass(frozen=True, slots=True)
class Target:
    """One model to ask, and how.

    Attributes:
        request: what to ask, under the provider's own id of the model.
        reason: why this model, where it is not simply the one that was asked for; else empty.
        wishes: what a rule wants of the routes.
        timeout: seconds to wait for the first byte, or None.
        decision: what the rules laid down.
    """

    provider: Provider
    request: ChatRequest
    reason: str
    wishes: Wishes
    timeout: float | None
    decision: Decision

    @property
    def model(self) -> str:
        """The name under which the model can be asked for: `provider/model`."""
        return f"{self.provider.id}/{self.request.model}"

    @property
    def fired_rule(self) -> FiredRule | None:
        """The rule that decided, or None."""
        decision = self.decision
        return None if decision.rule_id is None else FiredRule(decision.rule_id, decision.rule_name)


def may_move_on(error: SidestepError) -> bool:
    """Say whether a model group may ask its next model after *error*: an outage, or a limit that is reached.

    What is wrong with the request, a key or the settings is said instead: it would only be hidden.
    """
    if isinstance(error, TransportError | RoutesFailed | NoRoute):
        return True
    return isinstance(error, Overloaded | ServerError | RateLimited | QuotaExceeded | UnexpectedResponse)


class TargetFinder:
    """Finds what to ask. Made anew for each configuration, since rules are compiled once.

    Args:
        config: the configuration.
        knowledge: what rules may look at and groups go by.
        page_origin: the origin of the page, or empty.
        clock: Unix time in seconds.
        draw: returns a random number from 0 to 1.
    """

    def __init__(
        self,
        config: Config,
        knowledge: Knowledge,
        page_origin: str,
        clock: Callable[[], float],
        draw: Callable[[], float],
    ) -> None:
        self._config = config
        self._knowledge = knowledge
        self._page_origin = page_origin
        self._clock = clock
        self._draw = draw
        self.python_rules = PythonRules(config.policies.rules)

    def find(
        self, model: str, request: ChatRequest, *, tags: Iterable[str] = (), conversation: str = ""
    ) -> tuple[Target, ...]:
        """Return the models to ask, best first: one, unless *model* is a group.

        Raises:
            UnknownModel: the name leads to no provider, or to no group.
        """
        tags = tuple(tags)
        targets: list[Target] = []
        missing: list[UnknownModel] = []
        for name, reason in self._list_models(model):
            try:
                targets.append(self._apply_rules(name, request, reason, tags, conversation))
            except UnknownModel as error:
                # A provider that was removed takes only itself out of a group.
                missing.append(error)
        if not targets:
            raise missing[0]
        return tuple(targets)

    def try_rules(
        self,
        rules: tuple[Rule, ...],
        model: str,
        request: ChatRequest,
        *,
        tags: Iterable[str] = (),
        local_time: LocalTime | None = None,
    ) -> tuple[RuleOutcome, ...]:
        """Return what each of *rules* says to a request.

        Args:
            rules: those to try, in order; not those of the configuration.
            model: `provider/model`.
            request: what would be asked.
            tags: what the request is called.
            local_time: the time of day to try them at; now, if left out.

        Raises:
            UnknownModel: the name leads to no provider.
        """
        provider, model_id = self._split(model.strip())
        facts = describe_request(provider.id, replace(request, model=model_id), tags)
        context = self.make_context(rules)
        if local_time:
            context = replace(context, local_time=local_time)
        return explain_rules(rules, facts, context, PythonRules(rules).run)

    def find_provider(self, provider_id: str) -> Provider:
        """Return a provider by its id.

        Raises:
            UnknownModel: there is none.
        """
        provider = self._config.find_provider(provider_id)
        if provider is None:
            known = ", ".join(known.id for known in self._config.providers) or "none yet"
            raise UnknownModel(
                f"There is no provider “{provider_id}”; there is {known}.",
                remedy="Add the provider, or name the model as provider/model.",
            )
        return provider

    def make_context(self, rules: tuple[Rule, ...]) -> RuleContext:
        """Return what *rules* may know beside the request, now."""
        now = self._clock()
        time_only = RuleContext(now, LocalTime.of(time.localtime(now)))
        if not any(rule.python and rule.is_active for rule in rules):
            return time_only
        health, evidence = self._knowledge.health, self._knowledge.evidence
        return replace(
            time_only,
            routes={
                row.id: evidence.classify(self._page_origin, row.origin, now).way for row in self._config.providers
            },
            health={_name(key): health.find_status(key, now).level for key in health.outcomes},
            relays=tuple(relay.id for relay in self._config.relays),
        )

    def _list_models(self, model: str) -> list[tuple[str, str]]:
        name = find_group_name(model.strip())
        if name is None:
            return [(model.strip(), "")]
        group = self._config.policies.find_group(name)
        if group is None:
            known = ", ".join(row.name for row in self._config.policies.groups if not row.is_broken) or "none yet"
            raise UnknownModel(
                f"There is no model group “{name}”; there is {known}.", remedy="Choose another model, or add the group."
            )
        ordered = order_members(group, self._is_resting, self._draw)
        return [(member.model, reason) for member, reason in ordered]

    def _is_resting(self, provider_id: str) -> bool:
        now = self._clock()
        return self._knowledge.health.find_outage(provider_id, now) is not None or self._knowledge.is_spent(
            provider_id, now
        )

    def _apply_rules(
        self, name: str, request: ChatRequest, reason: str, tags: tuple[str, ...], conversation: str
    ) -> Target:
        provider, model_id = self._split(name)
        request = replace(request, model=model_id)
        facts = describe_request(provider.id, request, tags, conversation)
        rules = self._config.policies.rules
        decision = decide(rules, facts, self.make_context(rules), self.python_rules.run) if rules else Decision()
        because = f"the rule “{decision.rule_name}”" if decision.rule_id is not None else ""
        if decision.model and decision.model != name:
            provider, model_id = self._split(decision.model)
            request = replace(request, model=model_id)
            reason = f"{because[:1].upper()}{because[1:]} asks {decision.model} in the place of {name}."
        wishes = Wishes(
            decision.policy,
            decision.relays,
            decision.strategy or ("order" if decision.relays else "balanced"),
            because,
            # Only what has a beginning can be met again in a provider's prompt cache.
            conversation if facts.turn_count > 1 else "",
        )
        return Target(provider, request, reason, wishes, decision.timeout, decision)

    def _split(self, name: str) -> tuple[Provider, str]:
        provider_id, _, model_id = name.partition("/")
        provider = self.find_provider(provider_id)
        if not model_id.strip():
            raise UnknownModel(
                f"“{name}” names a provider but no model.",
                remedy=f"Write {provider_id}/ and the model's id.",
            )
        return provider, model_id.strip()


def _name(key: HealthKey) -> str:
    return f"{key.provider} {key.route}"

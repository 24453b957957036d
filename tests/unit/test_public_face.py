"""What users import stays what they import."""

import sidestep
from sidestep import errors

PUBLIC = {
    "AuthenticationError",
    "BadRequest",
    "Cancelled",
    "Client",
    "Config",
    "ConfigurationError",
    "ConnectionFailed",
    "ConnectionLost",
    "Consent",
    "ContentRefused",
    "Event",
    "FetchRejected",
    "FilePart",
    "Finished",
    "ImagePart",
    "Message",
    "MockResponse",
    "MockTransport",
    "Model",
    "ModelList",
    "ModelNotFound",
    "NoRoute",
    "Overloaded",
    "PermissionDenied",
    "Problem",
    "Provider",
    "QuotaExceeded",
    "RateLimited",
    "ReasoningDelta",
    "ReasoningPart",
    "ReasoningSignature",
    "Relay",
    "RelayAuthenticationError",
    "RelayRefused",
    "RelayStatus",
    "Reply",
    "ResponseError",
    "RetryPolicy",
    "Retrying",
    "Route",
    "RouteFailed",
    "RouteTaken",
    "RelayUnreachable",
    "RoutesFailed",
    "SealBroken",
    "ServerError",
    "SidestepError",
    "StreamIncomplete",
    "TextDelta",
    "TextPart",
    "Tool",
    "ToolCall",
    "ToolCallDelta",
    "TransportError",
    "TransportTimeout",
    "UnexpectedResponse",
    "UnknownModel",
    "Usage",
    "__version__",
    "acompletion",
}


def test_the_public_names_are_these() -> None:
    assert set(sidestep.__all__) == PUBLIC


def test_every_public_name_is_there_and_described() -> None:
    for name in PUBLIC - {"__version__", "Event"}:
        assert getattr(sidestep, name).__doc__, name


def test_every_error_is_in_the_tree_and_drawn() -> None:
    drawn = errors.__doc__ or ""
    classes = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, Exception)]
    assert classes
    for error_class in classes:
        assert issubclass(error_class, sidestep.SidestepError)
        assert error_class.__name__ in drawn
        assert error_class.__name__ in sidestep.__all__

"""The one error of the build."""


class BuildError(Exception):
    """The build cannot go on; the message is one sentence saying what happened and what to do."""

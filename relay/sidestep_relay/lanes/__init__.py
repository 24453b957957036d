"""Ways a chat goes to its provider. Only these files import litellm, and only when a request needs it."""

"""A tiny relay for pages whose provider answers no browser. `sidestep-relay serve` runs it."""

"""Which ways lead to a provider, in which order, and why. Pure: no IO, and the clock is passed in."""

"""Looks at a relay from outside and says whether pages can use it, and nobody else can.

`addresses` is about the way there, `answers` about what comes back, `timing` about streams; `runs` does them in order.
Only `sidestep-relay check` imports this: it brings httpx.
"""

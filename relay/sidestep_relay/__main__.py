"""`python -m sidestep_relay` is `sidestep-relay`."""

import sys

from sidestep_relay.cli import main

if __name__ == "__main__":
    sys.exit(main())

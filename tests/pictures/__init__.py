"""Pictures of every view, in light and dark, wide and narrow, to be looked at: `python3 build.py screenshots`."""

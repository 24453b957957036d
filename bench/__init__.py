"""Side-by-side measurements. Each prints one JSON document; both sides are timed in one run, so that ratios count."""

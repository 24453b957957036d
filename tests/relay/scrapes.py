"""Reads what the relay's `/metrics` say."""

from __future__ import annotations

from collections.abc import Mapping

import httpx
from prometheus_client.parser import text_string_to_metric_families

Series = tuple[str, frozenset[tuple[str, str]]]
PREFIX = "sidestep_relay_"


class Scrape:
    """One scrape: the value of each series."""

    def __init__(self, text: str) -> None:
        families = list(text_string_to_metric_families(text))
        self.kinds = {family.name: family.type for family in families}
        self.values: Mapping[Series, float] = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in families
            for sample in family.samples
        }

    def sum(self, name: str, **labels: str) -> float:
        """Return the sum of the series `sidestep_relay_`*name* that have *labels*."""
        wanted = labels.items()
        return sum(
            value for (found, has), value in self.values.items() if found == PREFIX + name and wanted <= set(has)
        )

    def list_labels(self, label: str) -> set[str]:
        """Return all values of *label*."""
        return {value for _, labels in self.values for name, value in labels if name == label}

    def label_names(self) -> dict[str, set[str]]:
        """Return the labels of each series' name."""
        names: dict[str, set[str]] = {}
        for found, labels in self.values:
            names.setdefault(found, set()).update(name for name, _ in labels)
        return names


def scrape(client: httpx.Client) -> Scrape:
    answer = client.get("/metrics")
    assert answer.status_code == 200, answer.text
    return Scrape(answer.text)

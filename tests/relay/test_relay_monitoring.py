"""The dashboard, the alerts and the table in the docs speak of metrics that are there, by labels that they have."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from sidestep_relay.metrics import Family, Metrics

DOCS = Path(__file__).resolve().parents[2] / "docs"
FAMILIES = {family.name: family for family in Metrics().families}
OTHERS = {"up": frozenset({"job", "instance"})}
"""Made by Prometheus itself."""
SCRAPED = frozenset({"job", "instance"})
"""Added by Prometheus to everything."""


def expand(family: Family) -> dict[str, frozenset[str]]:
    """Return the series of *family*, each with its labels."""
    labels = frozenset(family.labels) | SCRAPED
    if family.kind != "histogram":
        return {family.name: labels}
    return {
        f"{family.name}_bucket": labels | {"le"},
        f"{family.name}_count": labels,
        f"{family.name}_sum": labels,
    }


SERIES = {name: labels for family in FAMILIES.values() for name, labels in expand(family).items()} | OTHERS


def find_problems(expression: str) -> list[str]:
    """Return what is wrong with *expression*, a query of Prometheus."""
    problems = []
    names = set(re.findall(r"\b(?:sidestep_[a-z0-9_]+|up)\b", expression))
    known = names & SERIES.keys()
    problems += [f"there is no {name}" for name in names - known]
    if not names:
        problems.append("it asks for nothing")
    for name, selector in re.findall(r"\b(sidestep_[a-z0-9_]+|up)\{([^}]*)\}", expression):
        used = set(re.findall(r"([a-z_]+)\s*(?:=~|!~|!=|=)", selector))
        problems += [f"{name} has no label {label}" for label in used - SERIES.get(name, used)]
    grouped = {label.strip() for group in re.findall(r"\bby \(([^)]*)\)", expression) for label in group.split(",")}
    problems += [f"{name} has no label {label}" for name in known for label in grouped - SERIES[name]]
    return problems


def read_dashboard() -> dict[str, Any]:
    read: dict[str, Any] = json.loads((DOCS / "grafana-dashboard.json").read_text(encoding="utf-8"))
    return read


def list_targets() -> Iterator[tuple[str, Mapping[str, Any]]]:
    for panel in read_dashboard()["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("sum (sidestep_relay_nothing_total)", "there is no sidestep_relay_nothing_total"),
        ('sum (rate(sidestep_relay_chats_total{model="x"}[1m]))', "sidestep_relay_chats_total has no label model"),
        ("sum by (route) (sidestep_relay_chats_total)", "sidestep_relay_chats_total has no label route"),
        ("sum by (le) (sidestep_relay_chats_total)", "sidestep_relay_chats_total has no label le"),
        ("sum (sidestep_relay_chat_seconds)", "there is no sidestep_relay_chat_seconds"),
        ("1 + 1", "it asks for nothing"),
    ],
)
def test_a_wrong_query_is_found(expression: str, problem: str) -> None:
    assert find_problems(expression) == [problem]


def test_the_dashboard_asks_for_what_is_there() -> None:
    assert {title: problems for title, target in list_targets() if (problems := find_problems(target["expr"]))} == {}


def test_the_dashboards_legends_name_labels_of_their_queries() -> None:
    for title, target in list_targets():
        grouped = set(re.findall(r"\w+", " ".join(re.findall(r"by \(([^)]*)\)", target["expr"]))))
        assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= grouped, title


def test_the_dashboard_shows_every_metric() -> None:
    asked = " ".join(target["expr"] for _, target in list_targets())
    assert [name for name in FAMILIES if name not in asked] == []


def test_the_dashboard_can_be_imported_anywhere() -> None:
    dashboard = read_dashboard()
    variables = {row["name"]: row for row in dashboard["templating"]["list"]}
    assert variables["datasource"]["type"] == "datasource"
    assert dashboard.get("id") is None
    source = {"type": "prometheus", "uid": "${datasource}"}
    panels = [panel for panel in dashboard["panels"] if panel["type"] != "row"]
    assert all(panel["datasource"] == source for panel in panels)
    assert all(target["datasource"] == source for _, target in list_targets())
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(set(ids)) == len(ids)
    assert find_overlaps([panel["gridPos"] for panel in dashboard["panels"]]) == []


def find_overlaps(places: list[dict[str, int]]) -> list[tuple[int, int]]:
    taken: set[tuple[int, int]] = set()
    twice = []
    for place in places:
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        twice += sorted(cells & taken)
        taken |= cells
    assert all(x < 24 for x, _ in taken)
    return twice


def test_the_alerts_ask_for_what_is_there() -> None:
    text = (DOCS / "monitoring.md").read_text(encoding="utf-8")
    block = next(part for part in text.split("```") if part.startswith("yaml\ngroups:"))
    alerts = {
        part.partition("\n")[0].strip(): re.sub(r"\bfor: \w+|expr: >?|\s+", " ", part.partition("\n")[2])
        for part in block.split("- alert:")[1:]
    }
    assert len(alerts) > 5
    assert {name: problems for name, query in alerts.items() if (problems := find_problems(query))} == {}


def test_the_table_is_the_registry() -> None:
    text = (DOCS / "monitoring.md").read_text(encoding="utf-8")
    rows = [
        tuple(cell.strip() for cell in line.strip("|").split(" | "))
        for line in text.splitlines()
        if line.startswith("| `sidestep_relay_")
    ]
    assert rows == [
        (f"`{row.name}`", row.kind, ", ".join(f"`{label}`" for label in row.labels) or "none", row.meaning)
        for row in FAMILIES.values()
    ]

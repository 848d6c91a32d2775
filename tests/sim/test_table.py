"""The table of campaigns is what the results say."""

from __future__ import annotations

import pytest
from tests.campaigns import mesh_table, table


def result(command: str, **figures: object) -> table.Result:
    machine = {"cpu": "a processor", "cores": 2, "system": "a system"}
    return {"campaign": "c", "command": command, "figures": figures, "machine": machine, "date": "2026-11-26"}


def test_the_readme_is_made_from_the_results() -> None:
    text = table.README.read_text("utf-8")
    assert table.replaced(text, table.markdown(table.load(table.RESULTS.read_text("utf-8")))) == text


def test_figures_are_shown_as_they_are() -> None:
    made = table.markdown([result("run | it", states=1_000_000, share=0.123456, whole=True)])
    assert "| c | `run \\| it` | states 1,000,000, share 0.1235, whole yes | 2026-11-26 | 1 |" in made
    assert made.endswith("Machine 1: a processor, 2 cores, a system.")


def test_the_same_command_again_takes_the_place_of_its_result() -> None:
    old = [result("a", n=1), result("b", n=2)]
    assert table.added(old, result("a", n=3)) == [result("a", n=3), result("b", n=2)]
    assert table.added(old, result("c", n=3)) == [*old, result("c", n=3)]


def test_what_is_no_result_is_refused() -> None:
    for text in ('{"campaign": "c"}', '{"campaign": "c", "command": "d", "figures": {}, "machine": {}, "date": ""}'):
        with pytest.raises(ValueError, match="a result without"):
            table.load(text)
    with pytest.raises(ValueError, match="markers"):
        table.replaced("nothing", "text")


def test_the_readme_of_meshes_is_made_from_their_results() -> None:
    text = mesh_table.README.read_text("utf-8")
    reports = mesh_table.load(mesh_table.RESULTS.read_text("utf-8"))
    assert table.replaced(text, mesh_table.markdown(reports), mesh_table.TABLE) == text


def test_a_report_takes_the_place_of_the_one_of_its_scenario_and_size() -> None:
    def report(scenario: str, nodes: int, **figures: object) -> mesh_table.Report:
        machine = {"cpu": "a processor", "cores": 2, "system": "a system"}
        return {"scenario": scenario, "nodes": nodes, "seed": 1, "failures": [], "machine": machine, **figures}

    old = [report("gossip", 1_000, coverage=1.0), report("lookup", 1_000, delivered=0.5, lost=None)]
    new = mesh_table.added(old, [report("lookup", 1_000, delivered=1.0, lost=None), report("lookup", 100)])
    assert [(each["scenario"], each["nodes"], each.get("delivered")) for each in new] == [
        ("lookup", 100, None),
        ("lookup", 1_000, 1.0),
        ("gossip", 1_000, None),
    ]
    assert "| lookup | 1,000 | 1 | delivered 1 |  | 1 |" in mesh_table.markdown(new)

"""The table of campaigns is what the results say."""

from __future__ import annotations

import pytest
from tests.campaigns import table


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

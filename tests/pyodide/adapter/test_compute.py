"""The brain's side of compute workers: what is told to the page and when, and what a gone thread's page gives back."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from inos.memory import layout
from inos.tasks import Tasks
from inos_web import compute as module
from inos_web.compute import Compute

HELD = layout.COMPUTE_WORDS.index("HELD")


@pytest.fixture
def page(monkeypatch):
    """In place of JavaScript: what it was told, and whether gates can be shut."""
    page = SimpleNamespace(told=[], interrupted=[], gate_is_free=True)
    fake = SimpleNamespace(
        compute=lambda text: page.told.append(json.loads(text)),
        interrupt=page.interrupted.append,
        shut=lambda _slot: page.gate_is_free,
    )
    monkeypatch.setattr(module, "inos_js", fake)
    return page


@pytest.fixture
def compute(bench, page):
    reports = []
    compute = Compute(Tasks(), bench.region, bench.arena, reports.append)
    yield compute
    assert reports == []


def begin(compute, page):
    """A running worker and its thread."""
    worker = compute.workers.spawn("1")
    compute.perform()
    thread = page.told[-1]["thread"]
    compute.on_happening(thread, "running", "", 1.0)
    return worker, thread


def hold(bench, slot, *spans):
    """Write a slot's page as the worker does."""
    page = layout.REGIONS["COMPUTE"][0] + slot * layout.COMPUTE_BYTES
    bench.region.write(page + 4 * HELD, len(spans).to_bytes(4, "little"))
    bench.region.write(page + layout.COMPUTE_HELD_OFFSET, b"".join(span.offset.to_bytes(4, "little") for span in spans))


def test_a_gone_thread_gives_back_each_reference(bench, compute, page):
    mine = bench.arena.alloc(100)
    used = bench.arena.used()
    _, thread = begin(compute, page)
    held = [bench.arena.alloc(5_000), bench.arena.alloc(70)]
    bench.arena.retain(held[0])
    bench.arena.retain(mine)
    hold(bench, 0, held[0], held[1], held[0], mine)
    compute.on_happening(thread, "gone", "", 2.0)
    assert bench.arena.used() == used
    bench.arena.release(mine)


def test_a_start_clears_the_page(bench, compute, page):
    stale = bench.arena.alloc(64)
    hold(bench, 0, stale)
    _, thread = begin(compute, page)
    compute.on_happening(thread, "gone", "", 2.0)
    bench.arena.release(stale)  # once: the page of an earlier thread means nothing


def test_a_thread_is_ended_when_its_gate_is_shut(compute, page):
    page.gate_is_free = False
    _, thread = begin(compute, page)
    compute.on_happening(thread, "done", "1", 2.0)
    assert compute.perform()
    assert not compute.perform()
    assert page.told[-1]["op"] == "start"
    assert 2.0 < compute.next_deadline(2.0) < 2.01, "it is asked again soon"
    page.gate_is_free = True
    compute.perform()
    compute.perform()
    assert [told["op"] for told in page.told] == ["start", "end"]
    compute.on_happening(thread, "gone", "", 3.0)
    assert compute.next_deadline(3.0) is None


@pytest.mark.parametrize("gate_is_free", [True, False])
def test_a_thread_that_goes_before_it_is_ended(compute, page, gate_is_free):
    page.gate_is_free = gate_is_free
    worker, thread = begin(compute, page)
    compute.on_happening(thread, "done", "1", 2.0)
    if not gate_is_free:
        compute.perform()
    compute.on_happening(thread, "gone", "", 2.0)
    compute.perform()
    assert [told["op"] for told in page.told] == ["start"]
    assert worker.state == "done"
    assert compute.next_deadline(3.0) is None


def test_cancelling_interrupts_by_the_memory_and_by_the_page(compute, page):
    worker, thread = begin(compute, page)
    worker.cancel()
    compute.perform()
    assert (page.interrupted, page.told[-1]) == ([0], {"op": "interrupt", "thread": thread})
    compute.on_happening(thread, "interrupted", "KeyboardInterrupt", 2.0)
    assert worker.state == "cancelled"
    compute.on_happening(thread, "gone", "", 2.0)

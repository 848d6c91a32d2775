"""Python workers: what they answer, how they fail, how they are stopped, and that nothing of them is left."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from node import NodeTab, open_node
from server import Server
from tab import Browser, PageError

from conftest import BROWSERS, Start

WORKERS = 10
ROUNDS = 2_000
SPAWN = "async (source, options) => (await (await globalThis.inos.spawn(source, options)).result())"
LOCKS = "async () => (await navigator.locks.query()).held.filter(({ name }) => name.startsWith('inos compute')).length"
STATES = "async () => (await globalThis.inos.workers()).map(({ name, state }) => [name, state])"
USED = "async () => (await globalThis.inos.stats()).arenaBytesUsed"
# Spawns, waits until the worker has said that it runs (a word of the memory), does `act`, then tells how it ended.
STOPPED = """
async (source, act) => {
  const at = await globalThis.inos.python("span = arena.alloc(64); memory.write(span.offset, bytes(64)); span.offset");
  const worker = await globalThis.inos.spawn(source, { name: "stopped", args: { at } });
  const runs = `int.from_bytes(memory.read(${at}, 4), "little")`;
  while ((await globalThis.inos.python(runs)) === 0) await new Promise((resolve) => setTimeout(resolve, 10));
  const began = performance.now();
  if (act === "cancel") await worker.cancel();
  const code = await worker.result().then(() => "done", (error) => error.code);
  const ms = performance.now() - began;
  const said = await globalThis.inos.python(runs);
  const [{ state }] = (await globalThis.inos.workers()).filter(({ id }) => id === worker.id);
  await worker.close();
  await globalThis.inos.python(`from inos.ports import Span; arena.release(Span(${at}, 64))`);
  return { code, ms, said, state };
}
"""
SAY = "def say(n):\n    memory.store(at, n)\n"


def run(node: NodeTab, source: str, **args: Any) -> Any:
    return node.tab.call(SPAWN, source, {"name": "adder", "args": args})


def stop(node: NodeTab, source: str, act: str = "cancel") -> dict[str, Any]:
    answer = node.tab.call(STOPPED, f"at = args['at']\n{SAY}\n{source}", act)
    assert isinstance(answer, dict)
    return answer


@pytest.fixture(scope="module")
def shared_node(shared_browser: Browser, server: Server) -> NodeTab:
    """Without a mesh: its messages come and go in the arena, whose bytes are counted here."""
    return open_node(shared_browser, server, "?room=none")


@pytest.fixture
def node(node: NodeTab) -> Iterator[NodeTab]:
    """After each test no thread runs, and the arena is as it was."""
    before = node.tab.call(USED)
    yield node
    node.tab.call(
        "async () => { for (const { id } of await globalThis.inos.workers())"
        " await globalThis.inos.python(`await next(w for w in inos.workers() if w.id == ${id}).close()`); }"
    )
    assert node.tab.call(USED) == before
    assert node.tab.call(STATES) == []
    assert node.tab.call(LOCKS) == 0


def test_a_source_answers(node: NodeTab) -> None:
    assert run(node, "def main(a, b):\n    return a + b", a=2, b=40) == 42
    assert run(node, "async def main():\n    import asyncio\n    await asyncio.sleep(0)\n    return ['x', None]") == [
        "x",
        None,
    ]
    assert run(node, "args['n'] * 2", n=4) == 8
    assert node.tab.call(STATES) == [["adder", "done"]] * 3


def test_a_module_answers(node: NodeTab) -> None:
    with pytest.raises(PageError, match="the module colorsys has no main") as failed:
        run(node, "colorsys")
    assert failed.value.code == "WorkerFailed"


def test_an_error_comes_with_the_workers_traceback(node: NodeTab) -> None:
    with pytest.raises(PageError) as failed:
        run(node, "def main():\n    inner()\n\ndef inner():\n    raise ValueError('as asked')")
    assert failed.value.code == "WorkerFailed"
    lines = failed.value.message.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[1].strip() == 'File "adder.py", line 2, in main'
    assert lines[2].strip() == "inner()"
    assert lines[-1] == "ValueError: as asked"
    for source, said in {
        "def main(": "SyntaxError",
        "import sys; sys.exit(3)": "SystemExit: 3",
        "object()": "TypeError",
        "float('nan')": "ValueError",
        "'x' * (2 << 20)": "LimitExceeded",
    }.items():
        with pytest.raises(PageError, match=said):
            run(node, source)


# What says 1 does so inside the `try`: the interrupt may come at once.
BUSY = """
try:
    say(1)
    n = 0
    while True:
        n += 1
finally:
    say(7)
"""
BLOCKED = """
word = arena.alloc(64)
memory.store(word.offset, 0)
try:
    say(1)
    memory.wait(word.offset, 0)
finally:
    say(7)
"""
IDLE = """
import asyncio
try:
    say(1)
    await asyncio.sleep(3600)
finally:
    say(7)
"""


@pytest.mark.parametrize("source", [BUSY, BLOCKED, IDLE], ids=["busy", "blocked", "idle"])
def test_cancelling_interrupts_what_runs_and_its_finally_is_run(node: NodeTab, source: str) -> None:
    stopped = stop(node, source)
    assert (stopped["code"], stopped["state"], stopped["said"]) == ("Cancelled", "cancelled", 7)
    assert stopped["ms"] < 1_500, "it was ended by force"


STUBBORN = """
n = 1
while True:
    try:
        say(n)
        while True:
            pass
    except KeyboardInterrupt:
        n = 3
"""
DEAF = """
import js
while True:
    try:
        say(1)
        js.Atomics.wait(js.Int32Array.new(js.SharedArrayBuffer.new(4)), 0, 0)
    except KeyboardInterrupt:
        pass
"""
HOARDER = """
n, spans = 1, []
while True:
    try:
        say(n)
        while True:
            spans.append(arena.alloc(4096))
            if len(spans) > 500:
                arena.release(spans.pop(0))
    except KeyboardInterrupt:
        n = 3
"""


@pytest.mark.parametrize(
    ("source", "said"), [(STUBBORN, 3), (DEAF, 1), (HOARDER, 3)], ids=["stubborn", "deaf", "hoarder"]
)
def test_one_that_ignores_the_interrupt_is_ended_by_force(node: NodeTab, source: str, said: int) -> None:
    stopped = stop(node, source)
    assert (stopped["code"], stopped["state"], stopped["said"]) == ("Cancelled", "cancelled", said)
    assert 1_900 < stopped["ms"] < 8_000


def test_one_that_has_not_begun_is_cancelled_too(node: NodeTab) -> None:
    script = """async () => {
      const worker = await globalThis.inos.spawn("while True: pass");
      await worker.cancel();
      return worker.result().then(() => "done", (error) => error.code);
    }"""
    assert node.tab.call(script) == "Cancelled"


def test_a_worker_that_answers_all_the_same_is_done(node: NodeTab) -> None:
    source = "try:\n    say(1)\n    while True: pass\nexcept KeyboardInterrupt:\n    pass\n'late'"
    assert stop(node, source)["code"] == "done"


def test_a_thread_that_ends_without_a_word_is_noticed(node: NodeTab) -> None:
    ended = stop(
        node, "arena.alloc(9000)\nsay(1)\nimport js\njs.close()\nimport asyncio\nawait asyncio.sleep(3600)", ""
    )
    assert (ended["code"], ended["state"]) == ("WorkerFailed", "failed")


def test_a_crash_is_told(node: NodeTab) -> None:
    source = """
import asyncio, js
from pyodide.ffi import create_once_callable
def boom():
    raise RuntimeError("out of nowhere")
arena.alloc(9000)
js.setTimeout(create_once_callable(boom), 0)
await asyncio.sleep(3600)
"""
    with pytest.raises(PageError, match="out of nowhere") as failed:
        run(node, source)
    assert failed.value.code == "WorkerFailed"


def test_a_worker_gives_a_span_away_and_keeps_off_others(node: NodeTab) -> None:
    source = """
from inos.ports import Span
foreign = arena.alloc(64)
worker = await inos.spawn('''
from inos.ports import Span
kept, given = arena.alloc(5000), arena.alloc(5000)
arena.retain(kept)
arena.write(given, b"for the brain")
try:
    refused = arena.release(Span(args["foreign"], 64))
except Exception as error:
    refused = type(error).__name__
[arena.give(given).offset, refused]
''', args={"foreign": foreign.offset})
at, refused = await worker.result()
await worker.close()
content = arena.read(Span(at, 13)).decode()
arena.release(Span(at, 5000))
arena.release(foreign)
[content, refused, worker.state]
"""
    answer = node.tab.call("(source) => globalThis.inos.python(source)", source)
    assert answer == ["for the brain", "BadArgument", "closed"]


def test_ten_at_once_share_one_counter(node: NodeTab) -> None:
    source = f"""
span = arena.alloc(128)
memory.write(span.offset, bytes(128))
source = '''
def main(counter, gate, rounds):
    import random
    memory.add(gate, 1)
    while (seen := memory.load(gate)) < {WORKERS}:
        memory.wait(gate, seen, 0.05)
    memory.publish(gate)
    for _ in range(rounds):
        memory.add(counter, 1)
    return random.getrandbits(64)
'''
args = {{"counter": span.offset, "gate": span.offset + 64, "rounds": {ROUNDS}}}
workers = [await inos.spawn(source, f"counter {{n}}", args) for n in range({WORKERS})]
drawn = [await worker.result() for worker in workers]
total = int.from_bytes(memory.read(span.offset, 4), "little")
for worker in workers:
    await worker.close()
arena.release(span)
[total, len(set(drawn)), sorted({{worker.state for worker in workers}})]
"""
    assert node.tab.call("(source) => globalThis.inos.python(source)", source) == [
        WORKERS * ROUNDS,
        WORKERS,
        ["closed"],
    ]


def test_too_many_are_refused_and_a_closed_one_makes_room(node: NodeTab) -> None:
    source = """
from inos.errors import Busy
from inos.limits import COMPUTE_WORKERS_MAX
workers = [await inos.spawn("import asyncio; await asyncio.sleep(3600)") for _ in range(COMPUTE_WORKERS_MAX)]
try:
    refused = await inos.spawn("1")
except Busy:
    refused = None
await workers.pop().close()
workers.append(await inos.spawn("1 + 1"))
answer = await workers[-1].result()
for worker in workers:
    await worker.close()
[refused, answer]
"""
    assert node.tab.call("(source) => globalThis.inos.python(source)", source) == [None, 2]


@pytest.mark.parametrize("name", BROWSERS)
def test_a_page_that_is_closed_takes_its_workers_along(start: Start, server: Server, name: str) -> None:
    browser = start(name)
    first, second = open_node(browser, server), open_node(browser, server, ready=False).tab
    first.tab.call("async () => { await globalThis.inos.spawn('while True: pass', { name: 'left' }); }")
    second.wait_for("the worker holds its lock", f"async () => (await ({LOCKS})()) === 1")
    first.tab.close()
    second.wait_for("its thread has ended", f"async () => (await ({LOCKS})()) === 0")

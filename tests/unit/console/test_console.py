"""The console itself: runs, streams, stopping, asks, on CPython's loop; the browser's has tests/e2e/test_python_view.py."""

from __future__ import annotations

import asyncio
import io
import json
import signal
import sys

import pytest

from inos.errors import NotFound
from inos_web.console import console as consoles
from inos_web.console.console import Console
from inos_web.console.interrupts import Interrupts


class Bench:
    """A console, what it has said, and the thread's streams as they were."""

    def __init__(self) -> None:
        self.sent: list[dict] = []
        self.images: list[bytes] = []
        self.interrupts = Interrupts()
        self.console = Console({}, self._take, self.interrupts)
        self._runs = 0
        self._ended: dict[int, asyncio.Future] = {}

    def _take(self, message, data):
        self.sent.append(message)
        if data is not None:
            self.images.append(data)
        if message["type"] == "ended":
            self._ended[message["run"]].set_result(message)

    def say(self, data=None, **message):
        self.console.on_message(json.dumps(message), data)

    def begin(self, source):
        if self._runs == 0:
            self.console.install()  # here, since pytest puts its own streams in place before each test
        self._runs += 1
        self._ended[self._runs] = asyncio.get_running_loop().create_future()
        self.say(type="run", run=self._runs, source=source)
        return self._ended[self._runs]

    async def run(self, source):
        return await self.begin(source)

    def told(self, kind, **more):
        return [m for m in self.sent if m["type"] == kind and more.items() <= m.items()]

    def text(self, stream):
        return "".join(message["text"] for message in self.told("out", stream=stream))

    async def until(self, condition):
        for _ in range(5_000):
            if condition():
                return
            await asyncio.sleep(0.002)  # the pause of a poll with a deadline
        raise TimeoutError


@pytest.fixture
def bench():
    return Bench()


def run(play):
    """Play with the thread's streams and signal taken over, and give them back."""
    before = sys.stdout, sys.stderr, signal.getsignal(signal.SIGINT)
    try:
        return asyncio.run(play)
    finally:
        sys.stdout, sys.stderr = before[:2]
        signal.signal(signal.SIGINT, before[2])


def test_values_and_the_last_one(bench):
    async def play():
        assert (await bench.run("20 + 22"))["how"] == "done"
        await bench.run("_ / 2")
        await bench.run("None")
        await bench.run("_")

    run(play())
    assert [message["text"] for message in bench.told("shown")] == ["42", "21.0", "21.0"]


def test_output_comes_in_order_before_the_end(bench):
    run(bench.run("import sys\nprint('one')\nprint('two', file=sys.stderr)\nprint('three')\ndisplay(4)\n5"))
    seen = [message.get("stream") or message.get("text") or message["type"] for message in bench.sent]
    assert seen == ["stdout", "stderr", "stdout", "4", "5", "ended"]
    assert (bench.text("stdout"), bench.text("stderr")) == ("one\nthree\n", "two\n")


def test_what_others_write_goes_where_it_went(bench):
    async def play():
        ended = bench.begin("import asyncio\nawait asyncio.sleep(0.05)\nprint('mine')")
        await asyncio.sleep(0)
        sys.stdout.before = sink
        print("not mine")
        await ended

    sink = io.StringIO()
    run(play())
    assert (bench.text("stdout"), sink.getvalue()) == ("mine\n", "not mine\n")


def test_a_background_task_writes_to_its_own_run(bench):
    async def play():
        await bench.run(
            "import asyncio\nasync def late():\n    await asyncio.sleep(0.02)\n    print('late')\n"
            "task = asyncio.create_task(late())"
        )
        await bench.run("await task")
        await bench.until(lambda: bench.told("out", run=1, stream="stdout"))

    run(play())
    assert not bench.told("out", run=2)


def test_a_loop_of_prints_is_few_messages_and_bounded(bench):
    run(bench.run("for n in range(200_000):\n    print(n)"))
    assert len(bench.text("stdout")) == consoles._RUN_CHARS_MAX
    assert len(bench.told("out", stream="cut")) == 1
    assert len(bench.told("out")) < 300


def test_a_loop_of_values_is_bounded(bench):
    ended = run(bench.run("for n in range(2_000):\n    display(n)\n1 / 0"))
    assert len(bench.told("shown")) == consoles._RUN_VALUES_MAX
    assert len(bench.told("out", stream="cut")) == 1
    assert ended["error"]["name"] == "ZeroDivisionError"


def test_a_loop_of_values_can_be_stopped(bench):
    async def play():
        ended = bench.begin("display(1)\ndisplay(2)")
        bench.interrupts._is_missed = True  # a signal came while the console was at work; a run begins without one
        bench.interrupts.forget = lambda: None
        return await ended

    assert run(play())["how"] == "stopped"
    assert len(bench.told("shown")) == 1


def test_tracebacks_have_the_persons_frames_only(bench):
    async def play():
        await bench.run("def f(x):\n    return 1 / x")
        return await bench.run("f(0)")

    error = run(play())["error"]
    assert (error["name"], error["code"]) == ("ZeroDivisionError", "")
    lines = error["text"].splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert [line for line in lines if line.startswith("  File")] == [
        '  File "<console 2>", line 1, in <module>',
        '  File "<console 1>", line 2, in f',
    ]
    assert "return 1 / x" in error["text"]


def test_a_chain_and_a_group_of_errors_are_cleaned_too(bench):
    source = (
        "try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    raise ExceptionGroup('g', [ValueError('inner')]) from e"
    )
    error = run(bench.run(source))["error"]
    assert "inner" in error["text"]
    assert "ZeroDivisionError" in error["text"]
    assert "inos_web" not in error["text"]


@pytest.mark.parametrize(
    "source", ["def (", "a\0b", "raise SystemExit(3)", "'\\ud800'.encode()", "class A(A): pass", "[].x"]
)
def test_whatever_is_raised_ends_the_run_and_no_more(bench, source):
    ended = run(bench.run(source))
    assert ended["how"] == "failed"
    assert ended["error"]["text"]


def test_what_awaits_is_stopped(bench):
    async def play():
        ended = bench.begin("import asyncio\ntry:\n    await asyncio.sleep(100)\nfinally:\n    print('cleaned up')")
        await asyncio.sleep(0.01)
        bench.say(type="stop")
        return await ended

    assert run(play())["how"] == "stopped"
    assert bench.text("stdout") == "cleaned up\n"


def test_a_stop_before_the_first_step_is_answered(bench):
    async def play():
        ended = bench.begin("print('never')")
        bench.say(type="stop")
        return await ended

    assert run(play())["how"] == "stopped"
    assert len(bench.told("ended")) == 1
    assert not bench.told("out")


def test_asking_the_page(bench):
    async def play():
        bench.console.scope["ask"] = bench.console.ask
        ended = bench.begin("await ask('get', b'given', root='ab')")
        await bench.until(lambda: bench.told("ask"))
        asked = bench.told("ask")[0]
        assert (asked["what"], asked["args"], bench.images) == ("get", {"root": "ab"}, [b"given"])
        bench.say(type="told", id=asked["id"], value=None, data=b"the bytes")
        await ended
        ended = bench.begin("await ask('get', root='cd')")
        await bench.until(lambda: len(bench.told("ask")) == 2)
        bench.say(type="told", id=bench.told("ask")[1]["id"], code="NotFound", message="no file cd")
        return await ended

    ended = run(play())
    assert bench.told("shown")[0]["text"] == "b'the bytes'"
    assert (ended["error"]["name"], ended["error"]["code"]) == ("NotFound", "NotFound")


def test_a_stopped_ask_is_taken_back(bench):
    async def play():
        bench.console.scope["ask"] = bench.console.ask
        ended = bench.begin("await ask('fetch', link='x')")
        await bench.until(lambda: bench.told("ask"))
        bench.say(type="stop")
        await ended
        bench.say(type="told", id=1, value=3)  # too late, and nobody minds

    run(play())
    assert bench.told("unask") == [{"type": "unask", "id": 1}]


def test_a_callback_that_raises_is_shown_and_hurts_nobody(bench):
    async def play():
        bench.console.scope["keep"] = kept.append
        bench.console.scope["guarded"] = bench.console.guarded
        await bench.run("def heard(x):\n    print('heard', x)\n    raise KeyError(x)\nkeep(guarded(heard))")
        kept[0]("this")
        await bench.until(lambda: "KeyError" in bench.text("stderr"))

    kept = []
    run(play())
    assert bench.text("stdout") == "heard this\n"


def test_check_and_complete_answer(bench):
    async def play():
        bench.console.scope["thing"] = NotFound
        bench.say(type="check", id=1, source="def f():")
        bench.say(type="complete", id=2, source="thi", at=3)

    run(play())
    assert [message["value"] for message in bench.told("answer")] == [
        {"state": "incomplete", "indent": "    "},
        {"start": 0, "words": ["thing"]},
    ]


def test_help_and_input(bench):
    async def play():
        await bench.run("def f(a, b=1):\n    'What it does.'\nhelp(f)\nhelp()\nhelp(3)")
        return await bench.run("input('?')")

    assert "Unsupported" in run(play())["error"]["text"]
    assert bench.text("stdout").startswith("f(a, b=1)\n\nWhat it does.\n")


# --- interrupts -----------------------------------------------------------------------------------------------------------


def signalled(bench, source):
    """Run a source in which ``hit()`` is where the signal arrives."""

    async def play():
        bench.console.scope["hit"] = lambda: bench.interrupts.on_signal(2, sys._getframe(1))
        return await bench.run(source)

    return run(play())


def test_a_signal_in_their_code_stops_it(bench):
    assert signalled(bench, "while True:\n    hit()")["how"] == "stopped"
    assert signalled(bench, "def f():\n    hit()\nf()")["how"] == "stopped"
    assert signalled(bench, "import json\njson.loads('1', parse_int=lambda _: hit())")["how"] == "stopped"
    assert signalled(bench, "try:\n    hit()\nexcept KeyboardInterrupt:\n    'caught'")["how"] == "done"


def test_a_signal_in_a_task_of_theirs_stops_it(bench):
    source = (
        "import asyncio\nasync def f():\n    try:\n        hit()\n    except KeyboardInterrupt:\n        return 'hit'\n"
        "await asyncio.create_task(f())"
    )
    assert signalled(bench, source)["how"] == "done"
    assert bench.told("shown")[0]["text"] == "'hit'"


def test_a_signal_in_the_core_waits_for_theirs(bench):
    from inos.tasks import Future

    future: Future[int] = Future()
    bench.console.scope["core"] = future
    source = "core.on_done(hit)\ncore.set(1)\nfor n in range(1000):\n    print(n)"
    assert signalled(bench, source)["how"] == "stopped", "the core was left alone, the next write asked"
    assert bench.console.scope["n"] == 0


def test_a_signal_when_nobodys_code_runs_is_nothing(bench):
    bench.interrupts.on_signal(2, None)
    assert run(bench.run("1"))["how"] == "done"

"""What a source on the node finds: the core's objects, for asyncio."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest

from inos.errors import BadArgument, NotFound
from inos.limits import MIB
from inos.tasks import Effect, Future, Tasks
from inos.vault.vault import RootInfo
from inos_web.console import scope as scopes
from inos_web.console.console import Console
from inos_web.console.interrupts import Interrupts
from inos_web.console.scope import Bridge, ConsoleInos, Facade, PageVerbs, is_service


@dataclass(frozen=True)
class Double(Effect[int]):
    """Answered by the bench with twice its number."""

    number: int


class Part:
    """Stands for an object of the core."""

    def __init__(self, tasks):
        self.tasks = tasks
        self.given_up = 0
        self.inner = None
        self.listeners = []

    async def doubled(self, number):
        """Ask outside, twice."""
        return await Double(await Double(number))

    async def fails(self):
        await Double(1)
        raise NotFound("nothing here")

    async def waits(self):
        try:
            await self.tasks.timer(1_000)
        finally:
            self.given_up += 1

    async def part(self):
        return self

    def now(self):
        return 7

    def later(self):
        return Double(21)

    def listen(self, function):
        self.listeners.append(function)


for method in [*vars(Part).values()]:  # as if they were the core's
    if callable(method):
        method.__module__ = "inos.part"
Part.__module__ = "inos.part"


class Bench:
    """A core's loop of its own beside asyncio's."""

    def __init__(self):
        self.tasks = Tasks()
        self.part = Part(self.tasks)
        self.sent = []
        self.turns = 0
        self.console = Console({}, lambda message, data: self.sent.append((message, data)), Interrupts())
        self.bridge = Bridge(self.tasks, self.console, self.wake)
        self.facade = Facade(self.bridge, self.part)

    def wake(self):
        self.turns += 1
        asyncio.get_running_loop().call_soon(self.turn)

    def turn(self):
        effects = self.tasks.poll_effects()
        for number, effect in effects:
            self.tasks.on_done(number, effect.number * 2, 0.0)
        if effects:
            self.turn()


@pytest.fixture
def bench():
    return Bench()


def test_coroutines_run_on_the_cores_loop_and_are_awaited_from_asyncio(bench):
    async def play():
        assert await bench.facade.doubled(3) == 12
        assert await asyncio.gather(bench.facade.doubled(1), bench.facade.doubled(2)) == [4, 8]
        assert await bench.facade.later() == 42
        assert bench.facade.now() == 7

    asyncio.run(play())


def test_errors_are_the_cores(bench):
    async def play():
        with pytest.raises(NotFound, match="nothing here"):
            await bench.facade.fails()

    asyncio.run(play())


def test_to_give_up_waiting_cancels_it_there(bench):
    async def play():
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(bench.facade.waits(), 0.02)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert bench.part.given_up == 1
        assert not bench.tasks.alive

    asyncio.run(play())


def test_what_it_gives_is_a_facade_too_and_values_are_as_they_are(bench):
    async def play():
        inner = await bench.facade.part()
        assert isinstance(inner, Facade)
        assert await inner.doubled(1) == 4
        assert isinstance(bench.facade.tasks, Facade)

    asyncio.run(play())
    assert not is_service(RootInfo)
    for value in (1, "x", b"x", [1], MIB, NotFound("x"), Future(), Double(1), None):
        assert not is_service(value)


def test_callbacks_are_guarded(bench):
    async def play():
        def boom(_):
            raise RuntimeError("theirs")

        bench.facade.listen(boom)
        bench.part.listeners[0]("heard")

    asyncio.run(play())


def test_parts_are_looked_at_not_changed(bench):
    with pytest.raises(AttributeError):
        bench.facade.inner = 1
    assert "doubled" in dir(bench.facade)
    assert repr(bench.facade) == "<inos.part.Part>"
    with pytest.raises(AttributeError):
        _ = bench.facade.nothing


def asked(bench, coro):
    """What the page is asked; it answers with a number."""

    async def play():
        task = asyncio.ensure_future(coro)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        if not bench.sent:
            return await task
        bench.console.on_message('{"type": "told", "id": 1, "value": 5}')
        assert await task == 5
        return bench.sent[0]

    return asyncio.run(play())


def test_the_pages_verbs(bench):
    verbs = PageVerbs(bench.console).all()
    message, data = asked(bench, verbs["rename"](b"\x01\xff", name="n"))
    assert (message["what"], message["args"], data) == ("rename", {"root": "01ff", "name": "n"}, None)


def test_put_takes_bytes_and_texts(bench):
    message, data = asked(bench, PageVerbs(bench.console).put("grüße", name="a.txt"))
    assert (message["what"], message["args"]["name"], data) == ("put", "a.txt", "grüße".encode())


@pytest.mark.parametrize("call", [lambda v: v["list"](1), lambda v: v["share"](name="x"), lambda v: v["put"](7)])
def test_wrong_arguments_are_said_here(bench, call):
    verbs = PageVerbs(bench.console).all()
    with pytest.raises(BadArgument):
        asked(bench, call(verbs))
    assert bench.sent == []


def test_inos_has_the_verbs_the_mesh_and_the_package(bench):
    class Commons:
        async def publish(self, topic, data):
            return bytes([len(data)])

        def subscribe(self, topic, listener):
            return None

    class Namespace:
        version = "of the package"

        async def spawn(self, source, name, args):
            return source

        def workers(self):
            return []

    inos = ConsoleInos(bench.bridge, Namespace(), PageVerbs(bench.console).all(), Commons())
    assert asyncio.run(inos.publish("topic", "four")) == "04"
    assert asyncio.run(inos.spawn("1")) == "1"
    assert (inos.workers(), inos.version) == ([], "of the package")
    assert {"put", "get", "list", "share", "publish", "subscribe", "spawn"} <= set(dir(inos))
    assert set(scopes.PAGE_VERBS) <= set(dir(inos))

"""What a source on the node finds: ``node``, ``vault`` and ``inos``, for asyncio.

The core's coroutines are driven by ``inos.tasks``, a person's by asyncio. A *facade* stands before an object of the core:
its coroutines run on the node's loop, in its turn, and are awaited from asyncio; to cancel the waiting is to cancel them.
What is no service of the core (ids, rows, bytes) is handed out as it is.

``inos`` has the verbs of the page's ``globalThis.inos`` under their Python names (``PAGE_VERBS``), beside the package and
``spawn``.

Must not know: JavaScript.
"""

from __future__ import annotations

import asyncio
import dataclasses
import enum
import functools
import inspect
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar

from inos.errors import BadArgument
from inos.tasks import Effect, Future, Task, Tasks
from inos_web.console.console import Console

# Python's name, the page's, and what the arguments are called there. The page has its own list of what it does for a console.
PAGE_VERBS = {
    "list": (),
    "share": ("root",),
    "fetch": ("link",),
    "remove": ("root",),
    "rename": ("root", "name"),
    "versions": ("root",),
    "check": ("level",),
    "peers": (),
    "room": (),
    "join": ("link",),
    "invite": (),
    "copies": ("root",),
    "stats": (),
}

_T = TypeVar("_T")


def is_service(value: object) -> bool:
    """Whether an object of the core does things, rather than being a value."""
    kind = type(value)
    return (
        kind.__module__.partition(".")[0] == "inos"
        and not dataclasses.is_dataclass(kind)
        and not issubclass(kind, enum.Enum | BaseException | tuple | Effect | Future)
        and not hasattr(kind, "__struct_fields__")
    )


class Bridge:
    """Makes facades, and carries coroutines of the core to asyncio. ``wake`` has the node's loop turn soon."""

    def __init__(self, tasks: Tasks, console: Console, wake: Callable[[], None]) -> None:
        self._tasks = tasks
        self._console = console
        self._wake = wake

    def wrap(self, value: Any) -> Any:
        """A service behind its facade, a coroutine as one for asyncio, anything else as it is."""
        if inspect.iscoroutine(value):
            return self._named(self._carry(value), _name_of(value))
        if isinstance(value, Effect | Future):
            return self._carry(_awaited(value))
        if isinstance(value, list) and value and all(is_service(item) for item in value):
            return [Facade(self, item) for item in value]
        if inspect.isroutine(value) and getattr(value, "__module__", "").partition(".")[0] == "inos":
            return self._function(value)
        return Facade(self, value) if is_service(value) else value

    async def _carry(self, coro: Coroutine[Any, Any, Any]) -> Any:
        future = asyncio.get_running_loop().create_future()
        task = self._tasks.spawn(coro, f"console: {_name_of(coro)}")
        task.on_done(lambda: _settle(future, task))
        self._wake()
        try:
            return self.wrap(await future)
        except asyncio.CancelledError:
            self._tasks.cancel(task)
            self._wake()
            raise

    def _function(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            given = [self._given(argument) for argument in args]
            named = {name: self._given(argument) for name, argument in kwargs.items()}
            value = function(*given, **named)
            self._wake()
            return self.wrap(value)

        return call

    def _given(self, argument: Any) -> Any:
        if isinstance(argument, Facade):
            return object.__getattribute__(argument, "_target")
        if inspect.isroutine(argument):  # what it raises must not tear the core
            return self._console.guarded(argument)
        return argument

    @staticmethod
    def _named(coro: Coroutine[Any, Any, _T], name: str) -> Coroutine[Any, Any, _T]:
        coro.__qualname__ = name  # type: ignore[attr-defined] # what "was never awaited" says
        return coro


def _name_of(coro: Any) -> str:
    return str(coro.__qualname__)


async def _awaited(awaitable: Any) -> Any:
    return await awaitable


def _settle(future: asyncio.Future[Any], task: Task[Any]) -> None:
    if future.done():
        return
    try:
        future.set_result(task.result())
    except BaseException as error:  # noqa: BLE001 - it belongs to whoever awaits
        future.set_exception(error)


class Facade:
    """An object of the core, for asyncio; see the module docstring."""

    __slots__ = ("_bridge", "_extra", "_target")

    def __init__(self, bridge: Bridge, target: object, extra: dict[str, Any] | None = None) -> None:
        object.__setattr__(self, "_bridge", bridge)
        object.__setattr__(self, "_target", target)
        object.__setattr__(self, "_extra", extra or {})

    def __getattr__(self, name: str) -> Any:
        if name in self._extra:
            return self._extra[name]
        return self._bridge.wrap(getattr(self._target, name))

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{name}: the node's parts are looked at and called, not changed, from here")

    def __dir__(self) -> Iterator[str]:
        return iter(sorted({*dir(self._target), *self._extra}))

    def __repr__(self) -> str:
        kind = type(self._target)
        return f"<{kind.__module__}.{kind.__qualname__}>"


class PageVerbs:
    """The page's verbs, each as a coroutine function."""

    def __init__(self, console: Console) -> None:
        self._ask = console.ask

    def all(self) -> dict[str, Callable[..., Coroutine[Any, Any, Any]]]:
        """By name."""
        asked = {name: self._verb(name, names) for name, names in PAGE_VERBS.items()}
        return {**asked, "put": self.put, "get": self.get}

    async def put(self, data: bytes | bytearray | str, name: str = "untitled", media_type: str = "") -> dict[str, Any]:
        """Keep bytes or a text as a file; its root, and what compression and deduplication saved."""
        if not isinstance(data, bytes | bytearray | str):
            raise BadArgument(f"a file is bytes or a text, not {type(data).__name__}")
        content = data.encode() if isinstance(data, str) else bytes(data)
        done: dict[str, Any] = await self._ask("put", content, name=name, mediaType=media_type)
        return done

    async def get(self, root: str, path: str = "") -> bytes:
        """The bytes of a root or a link, or of something in a folder."""
        content: bytes = await self._ask("get", root=_hex(root), path=path)
        return content

    def _verb(self, name: str, names: tuple[str, ...]) -> Callable[..., Coroutine[Any, Any, Any]]:
        async def verb(*args: Any, **kwargs: Any) -> Any:
            if len(args) > len(names) or not set(kwargs) <= set(names[len(args) :]):
                raise BadArgument(f"{name}({', '.join(names)})")
            given = {**dict(zip(names, args, strict=False)), **kwargs}
            return await self._ask(name, **{key: _hex(value) for key, value in given.items()})

        verb.__name__, verb.__qualname__ = name, f"inos.{name}"
        verb.__doc__ = f"inos.{name}({', '.join(names)}), as on the page."
        return verb


def _hex(value: Any) -> Any:
    return value.hex() if isinstance(value, bytes) else value


class ConsoleInos:
    """``inos`` on the node: the page's verbs, what crosses the mesh, workers, and the package."""

    def __init__(self, bridge: Bridge, namespace: Any, verbs: dict[str, Any], commons: Any) -> None:
        self._parts = {
            **verbs,
            "publish": self._publisher(bridge, commons),
            "subscribe": bridge.wrap(commons.subscribe),
            "spawn": self._spawner(bridge, namespace),
            "workers": lambda: bridge.wrap(namespace.workers()),
        }
        self._namespace = namespace

    @staticmethod
    def _publisher(bridge: Bridge, commons: Any) -> Callable[..., Any]:
        async def publish(topic: str, data: bytes | str) -> str:
            """Tell everybody in the room who listens to the topic; the message's id."""
            name: bytes = await bridge.wrap(commons.publish(topic, data.encode() if isinstance(data, str) else data))
            return name.hex()

        return publish

    @staticmethod
    def _spawner(bridge: Bridge, namespace: Any) -> Callable[..., Any]:
        def spawn(source: str, name: str = "", args: dict[str, Any] | None = None) -> Any:
            """Run Python in a compute worker on the same memory; see py/README.md."""
            return bridge.wrap(namespace.spawn(source, name, args))

        return spawn

    def __getattr__(self, name: str) -> Any:
        parts = self.__dict__.get("_parts", {})
        return parts[name] if name in parts else getattr(self._namespace, name)

    def __dir__(self) -> list[str]:
        return sorted(self._parts)

    def __repr__(self) -> str:
        return "<inos: the verbs of the page, and the package>"

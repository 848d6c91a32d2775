"""The brain: the node, its vault and its adapters, turned by ``web/worker/brain/main.js``.

One ``turn`` performs what the core asks for until nothing more can happen at once, and answers how long the worker may
sleep. Invariants: Python is entered only through the methods of ``Brain``; none of them raises (what goes wrong is answered
to the call that caused it, or shown as the node's failure); no secret is made before this module runs, which is after the
snapshot was restored and reseeded.
"""

from __future__ import annotations

import functools
import json
import sys
import time
import traceback
from collections.abc import Callable, Coroutine
from typing import Any

import inos_js
from pyodide.ffi import create_proxy

from inos.errors import Cancelled, InosError, NotReady, StorageLost
from inos.links.commands import PeerDown, PeerUp
from inos.memory import layout
from inos.node import Node, TransferProgress
from inos.ports import Ports
from inos.tasks import Task, Tasks
from inos.vault.vault import Vault
from inos_web.compute import Compute
from inos_web.disk import DISK_EFFECTS, Disk
from inos_web.kernels import KERNEL_EFFECTS, Kernels
from inos_web.keyring import KEY_EFFECTS, Keyring
from inos_web.memory import WebArena, WebEntropy, WebHashes, WebKeys
from inos_web.peers import Outbox, WebPeerTable
from inos_web.region import WebRegion
from inos_web.verbs import Verbs

_ROUNDS_MAX = 64  # of one turn, so that other work of the worker (messages, promises) gets its turn
_SLEEP_MS_MAX = 60_000.0
_LOOK_AGAIN_MS = 2_000.0  # while answers are awaited: what a wake that a browser lost may cost
_IDLE_S = 30.0  # without a call, until the vault tidies itself up; then again as often
_COUNT_BYTES_MIN = 16 * 1024  # a call to JavaScript costs about a microsecond: not one a turn
_NET_FRAME = {number: name for name, number in layout.NET_FRAMES.items()}


def _contained(method: Callable[..., None]) -> Callable[..., None]:
    """An entry from JavaScript that never raises: what goes wrong with one happening must not stop the brain's loop."""

    @functools.wraps(method)
    def entry(self: Brain, *args: Any) -> None:
        try:
            method(self, *args)
        except Exception:  # noqa: BLE001
            self.report(f"{method.__name__} failed")

    return entry


class Brain:
    """The composition of the node in a browser."""

    def __init__(self, region_path: str, muscles: int, wall_offset_s: float, origin: str, *, alone: bool) -> None:
        self._region = region = WebRegion(region_path)
        arena = WebArena(region)
        self.tasks = Tasks()
        self.tasks.on_crash = self._crashed
        self._clock = 0.0
        ports = Ports(arena, WebEntropy(), WebHashes(region, arena), WebKeys(region, arena))
        self._kernels = Kernels(region, arena, self._answer)
        self._disk = Disk(self._answer)
        self._keyring = Keyring(self._answer)
        self._outbox = Outbox()
        self._compute = Compute(self.tasks, region, arena, self.report)
        self._performers: dict[type, Callable[[int, Any], None]] = {
            **dict.fromkeys(KERNEL_EFFECTS, self._kernels.perform),
            **dict.fromkeys(DISK_EFFECTS, self._disk.perform),
            **dict.fromkeys(KEY_EFFECTS, self._keyring.perform),
        }
        self.vault = Vault(ports, self.tasks, lanes=muscles, wall_offset_s=wall_offset_s)
        table = WebPeerTable(region, lambda: (self._clock, time.time() * 1000))
        self.node = Node(self.tasks, ports, self.vault, table, wall_offset_s=wall_offset_s, origin=origin, alone=alone)
        self._verbs = Verbs(ports, self.node, self.vault, table, region, self._emit, self._compute.workers)
        self._calls: dict[int, Task[Any]] = {}
        self._idle_since = 0.0

    # --- entered from JavaScript -----------------------------------------------------------------------------------

    def turn(self, now_ms: float) -> float:
        """Do everything that can be done now; returns the milliseconds to sleep at most."""
        self._clock = now = now_ms / 1000
        try:
            self._kernels.drain()
            self.node.on_deadline(now)
            self._keep_up(now)
            self._compute.workers.on_deadline(now)
            idle = any(not self._round() for _ in range(_ROUNDS_MAX))
            self._count_bytes()
            return self._sleep_ms(now) if idle else 0.0
        except Exception:  # noqa: BLE001 - a turn must return, or the node stops without a word
            self.report("the brain's turn failed")
            return 1000.0

    @_contained
    def on_io(self, request: int, status: int, value: float) -> None:
        """The io worker's answer."""
        self._disk.done(request, status, value)

    @_contained
    def on_net(self, frame: int, channel: int, generation: int, a: int, b: int) -> None:
        """A happening of the net worker."""
        node, now = self.node, self._clock
        match _NET_FRAME.get(frame):
            case "OPENED":
                node.links.on_opened(channel, generation, now)
            case "CLOSED":
                node.links.on_closed(channel, generation, now)
            case "BLOCK_DONE":
                node.on_block_done(channel, generation, a, b, now)
            case "BLOCK_SENT":
                node.on_block_sent(channel, generation, a, b != 0, now)
            case "BLOCK_FAILED":
                node.on_block_failed(channel, generation, a, b, now)

    @_contained
    def on_control(self, channel: int, generation: int, data: Any) -> None:
        """A control message from a peer."""
        self.node.links.on_control(channel, generation, data.to_bytes(), self._clock)

    @_contained
    def on_crypto(self, effect_id: int, ok: bool, result: Any) -> None:
        """The keyring's answer."""
        self._keyring.done(effect_id, ok, result)

    @_contained
    def on_signal(self, room: str, payload: Any) -> None:
        """Sealed bytes from the rendezvous."""
        self.node.links.on_signal(bytes.fromhex(room), payload.to_bytes(), self._clock)

    @_contained
    def on_connected(self, channel: int, generation: int, local: Any, remote: Any) -> None:
        """A connection is up, with the certificates' fingerprints as the browser sees them."""
        self.node.links.on_connected(channel, generation, local.to_bytes(), remote.to_bytes(), self._clock)

    @_contained
    def on_page(self, op: str, args: str) -> None:
        """Any other happening of the page's peers and rendezvous."""
        links, given, now = self.node.links, json.loads(args), self._clock
        match op:
            case "rendezvous":
                links.on_rendezvous(given["up"], now)
            case "joined":
                links.on_joined(bytes.fromhex(given["room"]), given["members"], now)
            case "sdp":
                links.on_local_sdp(given["channel"], given["generation"], given["sdp"], now)
            case "failed":
                links.on_failed(given["channel"], given["generation"], given["reason"], now)

    @_contained
    def on_compute(self, thread: int, op: str, text: str) -> None:
        """A happening of a compute worker."""
        self._compute.on_happening(thread, op, text, self._clock)

    @_contained
    def on_call(self, call: int, method: str, args: str) -> None:
        """A call of the page; answered by ``inos_js.reply``."""
        given = json.loads(args)
        if method == "cancel":
            task = self._calls.get(given["op"])
            if task is not None:
                self._verbs.on_cancel(given["op"])
                self.tasks.cancel(task)
            inos_js.reply(call, True, "null")
            return
        verb = getattr(self._verbs, f"do_{method}", None)
        if verb is None:
            self._reply_error(call, NotReady(f"no such call: {method}"))
            return
        if method == "close":  # the vault closes once nothing uses it any more
            for running in self._calls.values():
                self.tasks.cancel(running)
        task = self.tasks.spawn(self._run(call, verb, given), method)
        self._calls[call] = task
        task.on_done(lambda: self._ended(call))

    # --- inside ----------------------------------------------------------------------------------------------------

    async def _run(self, call: int, verb: Callable[..., Coroutine[Any, Any, object]], given: dict[str, Any]) -> None:
        try:
            result = await verb(call, **given)
        except InosError as error:
            self._reply_error(call, error)
        except Exception as error:  # noqa: BLE001 - whatever it is belongs to the caller
            self.report(f"call {call} failed")
            self._reply(call, False, {"code": "BrainCrashed", "message": repr(error)})
        else:
            self._reply(call, True, result)

    def _ended(self, call: int) -> None:
        """A call that was cancelled before its first step has run nothing, and must be answered all the same."""
        if call in self._calls:
            self._reply_error(call, Cancelled("cancelled before it began"))

    def _reply(self, call: int, ok: bool, value: object) -> None:
        self._calls.pop(call, None)
        inos_js.reply(call, ok, json.dumps(value))

    def _round(self) -> bool:
        effects = self.node.poll_effects()
        for effect_id, effect in effects:
            try:
                self._performers[type(effect)](effect_id, effect)
            except Exception as error:  # noqa: BLE001 - the others of this batch must be performed all the same
                self.report(f"{type(effect).__name__} could not be performed")
                self._answer(effect_id, StorageLost(repr(error)))
        commands = self.node.poll_commands()
        for command in commands:
            self._outbox.perform(command)
        self._outbox.pump()
        computed = self._compute.perform()
        for event in self.node.poll_events():
            if isinstance(event, TransferProgress):
                self._verbs.on_transfer(event)
            elif isinstance(event, PeerUp | PeerDown):
                self._verbs.tell_peers()
        self._verbs.tell_mesh()
        return bool(effects or commands or computed)

    def _keep_up(self, now: float) -> None:
        """Let the vault tidy up once nobody has asked for anything, or sent or fetched, for a while."""
        busy = bool(self._calls) or self.node.is_busy()
        if busy or not self.node.is_running:
            self._idle_since = now
        elif now - self._idle_since >= _IDLE_S:
            self._idle_since = now
            self.vault.upkeep.on_idle()
            self.tasks.spawn(self.vault.shelve(), "catalog")

    def _count_bytes(self) -> None:
        region = self._region
        if region.bytes_read + region.bytes_written >= _COUNT_BYTES_MIN:
            inos_js.parsed(region.bytes_read, region.bytes_written)
            region.bytes_read = region.bytes_written = 0

    def _sleep_ms(self, now: float) -> float:
        deadlines = (self.node.next_deadline(), self._compute.next_deadline(now))
        longest_ms = _LOOK_AGAIN_MS if self.tasks.awaits_effects else _SLEEP_MS_MAX
        wait_ms = min([longest_ms, *((deadline - now) * 1000 for deadline in deadlines if deadline is not None)])
        if not self._outbox.pump():
            wait_ms = min(wait_ms, 5.0)
        return max(wait_ms, 0.0)

    def _answer(self, effect_id: int, result: object) -> None:
        self.tasks.on_done(effect_id, result, self._clock)

    def _emit(self, **event: object) -> None:
        inos_js.event(json.dumps(event))

    def _reply_error(self, call: int, error: InosError) -> None:
        self._reply(call, False, {"code": error.code, "message": str(error)})

    def _crashed(self, task: Task[Any], error: BaseException) -> None:
        self.report(f"task {task.name} ended by {error!r}")

    def scope(self) -> dict[str, Any]:
        """What Python of this page's user finds."""
        return self._verbs.scope()

    def report(self, what: str) -> None:
        """Say on the console what went wrong, with the traceback."""
        sys.stderr.write(f"{what}\n{traceback.format_exc()}")


def start(region_path: str, muscles: int, wall_offset_s: float, origin: str, alone: bool) -> Any:
    """Make the brain; JavaScript keeps the proxy for the worker's life. ``wall_offset_s`` + now = seconds since 1970.

    ``origin``: of the page, whose public mesh room is entered at the start unless it begins ``alone``.
    """
    return create_proxy(Brain(region_path, muscles, wall_offset_s, origin, alone=alone))

"""Contacts change hands (HyParView), so that every node knows a random few of all, and parts of a mesh find each other again.

Nouns: a *shuffle* walks some random hops and is answered by the last node with as many contacts of its own; *healing* dials a
contact that nobody near us has a link to; *lost* are neighbours that fell silent: perhaps dead, perhaps on the other side of
a cut, so they are dialled now and then for an hour, and told to nobody.

Invariants: what others say is hearsay until its signature was checked, at most MESH_REFERRALS_MAX of one message; a neighbour
gets one shuffle an interval passed on, more is dropped. Must not know: how a routed answer travels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress

from inos import limits
from inos.errors import InosError
from inos.membership.agenda import Agenda
from inos.membership.carrier import Carrier
from inos.membership.contact import Known, Notary
from inos.membership.members import Chore, Members
from inos.membership.view import Neighbour, View
from inos.ports import Entropy
from inos.tasks import Tasks
from inos.wire.membership import Shuffle, Shuffled

PASSED_PER_INTERVAL_MAX = 16  # shuffles of others in all, between two of ours: walks meet some nodes more often


class Shuffling:
    """The shuffles of one node."""

    __slots__ = (
        "_agenda",
        "_carrier",
        "_entropy",
        "_heal_chore",
        "_lost",
        "_members",
        "_notary",
        "_passed",
        "_reply",
        "_seen",
        "_shuffle_chore",
        "_tasks",
        "_view",
        "idle",
    )

    def __init__(
        self,
        tasks: Tasks,
        view: View,
        agenda: Agenda,
        carrier: Carrier,
        entropy: Entropy,
        notary: Notary,
        members: Members,
        seen: Callable[[], Iterable[int]],
        reply: Callable[[bytes, list[bytes]], None],
    ) -> None:
        """``seen``: a container of all prefixes in sight; ``reply``: contacts to a node that is no neighbour."""
        self._tasks = tasks
        self._view = view
        self._agenda = agenda
        self._carrier = carrier
        self._entropy = entropy
        self._notary = notary
        self._members = members
        self._seen = seen
        self._reply = reply
        self._passed = 0
        self._lost: dict[bytes, tuple[Known, float]] | None = None  # and when
        self._shuffle_chore = Chore(self._shuffle)
        self._heal_chore = Chore(self._heal)
        self.idle = False

    def begin(self, now: float) -> None:
        """The first link is up."""
        if not self.idle:
            self._again(self._shuffle_chore, limits.MESH_SHUFFLE_INTERVAL_S / 8, now)  # a newcomer knows few
            self._again(self._heal_chore, limits.MESH_HEAL_INTERVAL_S, now)

    def on_shuffle(self, sender: Neighbour, message: Shuffle, now: float) -> None:
        """On its walk: pass it on, or answer it."""
        self._passed += 1
        if not message.contacts or self._passed > PASSED_PER_INTERVAL_MAX:
            return
        others = [n for n in self._view.active.values() if n is not sender and not n.suspect]
        if message.ttl > 0 and others:
            onward = Shuffle(min(message.ttl, limits.MESH_SHUFFLE_TTL) - 1, message.contacts)
            self._carrier.send(self._one_of(others).peer_id, onward)
            return
        self._tasks.spawn(self._answer(message.contacts), "answer a shuffle")

    def on_shuffled(self, contacts: list[bytes]) -> None:
        """What came for a shuffle of ours."""
        self._tasks.spawn(self._learn(contacts), "learn contacts")

    # --- inside -------------------------------------------------------------------------------------------------------

    def _again(self, chore: Chore, interval_s: float, now: float) -> None:
        self._agenda.put(chore, now + interval_s * (0.75 + self._members.chance() / 2))

    def _one_of(self, neighbours: list[Neighbour]) -> Neighbour:
        return neighbours[int(self._members.chance() * len(neighbours))]

    def _shuffle(self, now: float) -> None:
        self._passed = 0
        active = list(self._view.active.values())
        own = self._members.own
        if not active or own is None:
            return  # begins again with the next first link
        self._again(self._shuffle_chore, limits.MESH_SHUFFLE_INTERVAL_S, now)
        contacts = [own.signed, *self._some(limits.MESH_SHUFFLE_CONTACTS - 1)]
        self._carrier.send(self._one_of(active).peer_id, Shuffle(limits.MESH_SHUFFLE_TTL, contacts))

    def _some(self, count: int) -> list[bytes]:
        contacts = [known.signed for known in self._view.contacts()]
        return [contacts.pop(int(self._members.chance() * len(contacts))) for _ in range(min(count, len(contacts)))]

    async def _answer(self, contacts: list[bytes]) -> None:
        origin = None
        with suppress(InosError):
            origin = await self._notary.check(contacts[0])
        if origin is None or origin.peer_id == self._view.peer_id:
            return
        ours = self._some(limits.MESH_SHUFFLE_CONTACTS)
        if not self._carrier.send(origin.peer_id, Shuffled(ours)):
            self._reply(origin.peer_id, ours)
        await self._learn(contacts)

    async def _learn(self, contacts: list[bytes]) -> None:
        for signed in contacts[: limits.MESH_REFERRALS_MAX]:
            with suppress(InosError):
                self._members.learn(await self._notary.check(signed))

    def lose(self, peer_id: bytes, now: float) -> None:
        """A neighbour fell silent."""
        known = self._view.contact_of(peer_id)
        if known is None or self.idle:
            return
        self._lost = self._lost or {}
        self._lost.pop(peer_id, None)
        self._lost[peer_id] = known, now
        if len(self._lost) > limits.MESH_LOST_MAX:
            del self._lost[next(iter(self._lost))]
        soon_s = now + limits.MESH_HEAL_LOST_S
        if self._heal_chore.due > soon_s:
            self._again(self._heal_chore, limits.MESH_HEAL_LOST_S, now)

    def _heal(self, now: float) -> None:
        if not self._view.active:
            return
        seen = set(self._seen())
        outside: list[Known] = [known for known in self._view.passive.values() if known.prefix not in seen]
        lost = self._lost_outside(seen, now)
        fresh = any(now - since_s < limits.MESH_HEAL_EAGER_S for _, since_s in lost)
        self._again(self._heal_chore, limits.MESH_HEAL_LOST_S if fresh else limits.MESH_HEAL_INTERVAL_S, now)
        outside += [known for known, _ in lost]
        if outside:
            self._members.dialling.dial_outside(outside[int(self._members.chance() * len(outside))], now)

    def _lost_outside(self, seen: set[int], now: float) -> list[tuple[Known, float]]:
        """Those lost ones that did not come back; old ones are forgotten."""
        if self._lost:
            self._lost = {
                peer_id: entry
                for peer_id, entry in self._lost.items()
                if now - entry[1] < limits.MESH_LOST_S and peer_id not in self._view.active
            }
        return [entry for entry in (self._lost or {}).values() if entry[0].prefix not in seen]

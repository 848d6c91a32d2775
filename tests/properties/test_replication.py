"""Whatever happens to nodes, and in which order: never no copy while a holder lives, and all copies when enough nodes do."""

from __future__ import annotations

from custody_world import Keeper, Net
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

COPIES = 3
NODES_MAX = 9


class Churn(RuleBasedStateMachine):
    """A handful of nodes; `known` are bundles that were safe once, and whose owner did not drop them."""

    def __init__(self) -> None:
        super().__init__()
        self.net: Net | None = None
        self.safe: set[bytes] = set()  # had two durable copies: may not be lost while one of those who have it lives
        self.names: list[bytes] = []

    def teardown(self) -> None:
        if self.net is not None:
            self.net.close()

    @initialize(seed=st.integers(0, 1 << 30), count=st.integers(3, 6))
    def begin(self, seed: int, count: int) -> None:
        self.net = Net(count, seed)

    def living(self, *, awake: bool = True) -> list[Keeper]:
        assert self.net is not None
        return [one for one in self.net.keepers if one.alive and not (awake and one.frozen)]

    def pick(self, number: int, **which: bool) -> Keeper:
        some = self.living(**which)
        return some[number % len(some)]

    @precondition(lambda self: self.living())
    @rule(number=st.integers(0, 99), count=st.integers(1, 3))
    def put(self, number: int, count: int) -> None:
        self.names += self.pick(number).put(count, 1_500)

    @rule(seconds=st.sampled_from([0.01, 0.1, 0.5, 2.0, 15.0, 70.0]))
    def wait(self, seconds: float) -> None:
        self.net.run(seconds)

    @precondition(lambda self: len(self.living(awake=False)) > 1)
    @rule(number=st.integers(0, 99), leaves=st.booleans())
    def end(self, number: int, leaves: bool) -> None:
        victim = self.pick(number, awake=False)
        others = {name for name in self.safe if any(one is not victim for one in self.net.holders(name))}
        self.safe = others  # what only it had goes with it, until it comes back
        if leaves:
            self.net.leave(victim)
        else:
            self.net.kill(victim)

    @precondition(lambda self: any(not one.alive for one in self.net.keepers))
    @rule(number=st.integers(0, 99))
    def come_back(self, number: int) -> None:
        dead = [one for one in self.net.keepers if not one.alive]
        dead[number % len(dead)].boot()

    @precondition(lambda self: len(self.net.keepers) < NODES_MAX)
    @rule()
    def join(self) -> None:
        self.net.join()

    @precondition(lambda self: len(self.living()) > 1)
    @rule(number=st.integers(0, 99))
    def freeze(self, number: int) -> None:
        self.net.freeze(self.pick(number))

    @precondition(lambda self: any(one.alive and one.frozen for one in self.net.keepers))
    @rule()
    def thaw(self) -> None:
        for one in self.net.keepers:
            if one.alive and one.frozen:
                self.net.thaw(one)

    @invariant()
    def nothing_is_lost(self) -> None:
        if self.net is None:
            return
        for name in self.names:
            if len(self.net.holders(name)) > 1:
                self.safe.add(name)
        for name in self.safe:
            assert self.net.holders(name), "lost while a holder lived"
        assert self.net.violations == []

    @precondition(lambda self: len(self.living()) >= COPIES)
    @rule()
    def settle(self) -> None:
        self.thaw()
        net = self.net
        here = [name for name in self.names if net.holders(name)]
        wanted = min(COPIES, len(self.living()))
        assert net.run(400, lambda: all(len(net.holders(name)) >= wanted for name in here)), "never whole again"
        assert not net.violations


Churn.TestCase.settings = settings(max_examples=30, stateful_step_count=25, deadline=None)
TestChurn = Churn.TestCase

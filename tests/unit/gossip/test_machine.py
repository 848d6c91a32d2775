"""Any order of links, deaths of links, rumors and waiting: who stays connected gets everything, once, within bounds."""

from __future__ import annotations

from gossip_world import World
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

NODES = 7
NUMBERS = st.integers(0, NODES - 1)


class Network(RuleBasedStateMachine):
    """Some nodes and what was published while they were all connected."""

    @initialize(seed=st.integers(0, 1 << 16), wire=st.booleans(), check_s=st.sampled_from([0, 0.02]))
    def begin(self, seed, wire, check_s):
        self.world = World(NODES, seed, wire=wire)
        for node in self.world.nodes:
            node.check_s = check_s
        self.world.subscribe("news")
        self.published: dict[bytes, int] = {}

    def is_connected(self) -> bool:
        reached, todo = set(), [self.world.nodes[0]]
        while todo:
            node = todo.pop()
            if node not in reached:
                reached.add(node)
                todo += node.links.values()
        return len(reached) == NODES

    @rule(one=NUMBERS, other=NUMBERS)
    def link(self, one, other):
        self.world.link(self.world.nodes[one], self.world.nodes[other])

    @rule(one=NUMBERS, other=NUMBERS)
    def unlink(self, one, other):
        self.world.unlink(self.world.nodes[one], self.world.nodes[other])

    @rule(author=NUMBERS, size=st.sampled_from([1, 600]))
    def publish(self, author, size):
        data = len(self.published).to_bytes(4, "big") * size
        self.world.publish(self.world.nodes[author], "news", data)
        self.published[data] = author

    @rule()
    def wait(self):
        self.world.run(1.5)
        if self.is_connected():
            self.check_promises()

    @rule()
    def wait_a_moment(self):
        self.world.run(0.03)

    def check_promises(self):
        for index, node in enumerate(self.world.nodes):
            heard = {delivery.data for delivery in node.heard}
            assert {data for data in self.recent() if self.published[data] != index} <= heard

    def recent(self):
        """What was published while caches still held everything: the last few."""
        return list(self.published)[-20:] if self.world.now < 1_025 else []

    @invariant()
    def nobody_is_told_twice_or_of_their_own(self):
        for index, node in enumerate(getattr(self, "world", World(0, 0)).nodes):
            heard = [delivery.data for delivery in node.heard]
            assert len(heard) == len(set(heard))
            assert all(self.published[data] != index for data in heard)

    @invariant()
    def nothing_is_kept_of_links_that_are_down(self):
        for node in getattr(self, "world", World(0, 0)).nodes:
            tree = node.gossip.tree
            assert set(tree._budgets._by_peer) <= set(node.links)
            for each in tree.trees._trees.values():
                assert each.eager | each.pruned <= set(node.links)
                assert not each.eager & each.pruned


Network.TestCase.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
TestNetwork = Network.TestCase

"""The vault against a model: a dict of what was acknowledged, through puts, removes, crashes and reopenings."""

from __future__ import annotations

import random
from contextlib import suppress

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from vault_world import World, noise, opened

from inos.errors import NotFound

NAMES = st.sampled_from(["a", "b", "c", "d"])
# Few different contents, so that files share chunks; sizes around the inline bound and the toy chunks.
SIZES = st.sampled_from([0, 1, 500, 16_384, 16_385, 18_000, 24_001, 40_000])
SEEDS = st.integers(0, 2)
KINDS = st.sampled_from(["compact", "collect", "tidy"])


class VaultMachine(RuleBasedStateMachine):
    """Every step ends with all work done, except for what a crash cuts short."""

    @initialize()
    def begin(self) -> None:
        self.world: World = opened(refs_per_manifest=3, reencode_age_s=0)
        self.files: dict[bytes, bytes] = {}
        self.maybe: dict[bytes, bytes | None] = {}

    @rule(name=NAMES, size=SIZES, seed=SEEDS)
    def put(self, name: str, size: int, seed: int) -> None:
        data = noise(size, seed)
        self.files[self.world.put(data, name).root] = data

    @rule(pick=st.randoms(use_true_random=False))
    def remove(self, pick: random.Random) -> None:
        if self.files:
            root = pick.choice(sorted(self.files))
            self.world.run(self.world.vault.remove(root))
            del self.files[root]
        else:
            with suppress(NotFound):
                self.world.run(self.world.vault.remove(bytes(32)))

    @rule()
    def reopen(self) -> None:
        self.world.close()
        self.world.boot()
        self.world.open()

    @rule(kind=KINDS)
    def keep_up(self, kind: str) -> None:
        self.world.run(getattr(self.world.vault, kind)())

    @rule(kind=KINDS, steps=st.integers(0, 60), chance=st.integers(0, 99), mode=st.integers(0, 2))
    def crash_in_upkeep(self, kind: str, steps: int, chance: int, mode: int) -> None:
        task = self.world.start(getattr(self.world.vault, kind)())
        for _ in range(steps):
            if not task.done:
                self.world.step()
        self.power_loss(chance, mode)

    @rule(
        name=NAMES, size=SIZES, seed=SEEDS, steps=st.integers(0, 40), chance=st.integers(0, 99), mode=st.integers(0, 2)
    )
    def crash_in_a_put(self, name: str, size: int, seed: int, steps: int, chance: int, mode: int) -> None:
        data = noise(size, seed)
        task = self.world.start_put(data, name)
        for _ in range(steps):
            if not task.done:
                self.world.step()
        if task.done:
            self.files[task.result().root] = data
        self.power_loss(chance, mode)
        for info in self.world.vault.roots():
            if info.root not in self.files:  # not acknowledged, and there all the same: then whole
                assert not task.done
                assert info.name == name
                self.files[info.root] = data

    @rule(
        pick=st.randoms(use_true_random=False),
        steps=st.integers(0, 20),
        chance=st.integers(0, 99),
        mode=st.integers(0, 2),
    )
    def crash_in_a_remove(self, pick: random.Random, steps: int, chance: int, mode: int) -> None:
        if not self.files:
            return
        root = pick.choice(sorted(self.files))
        task = self.world.start(self.world.vault.remove(root))
        for _ in range(steps):
            if not task.done:
                self.world.step()
        acknowledged = task.done
        self.power_loss(chance, mode)
        left = {info.root for info in self.world.vault.roots()}
        assert not (acknowledged and root in left)
        if root not in left:
            del self.files[root]

    def power_loss(self, chance: int, mode: int) -> None:
        self.world.reboot(random.Random(chance) if mode == 1 else None, keep_all=mode == 2)

    @invariant()
    def same_as_the_model(self) -> None:
        if not hasattr(self, "world"):
            return
        world = self.world
        assert {info.root for info in world.vault.roots()} == set(self.files)
        for root, data in self.files.items():
            assert world.get(root) == data
        assert world.vault.health() == []
        world.check_tidy()
        if not self.files:
            assert world.vault.stats()["blocks"] == 0
            world.run(world.vault.collect())
            assert world.vault.stats()["segment_bytes"] == 0

    def teardown(self) -> None:
        if hasattr(self, "world"):
            assert self.world.run(self.world.vault.check("data")).ok


TestVault = VaultMachine.TestCase
TestVault.settings = settings(
    max_examples=40,
    stateful_step_count=15,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

"""Ways into a vault: passphrase, passkey and device; a change that is cut short anywhere; tries that fail."""

from __future__ import annotations

import random

import pytest
from vault_world import PowerLoss, World

from inos.errors import (
    BadArgument,
    Busy,
    LimitExceeded,
    NotFound,
    NotReady,
    StorageFull,
    UnlockNeeded,
    UnsupportedVersion,
    VaultLocked,
    WrongPasskey,
    WrongPassphrase,
)
from inos.ports import FileWrite, Stretch, WrapWith
from inos.vault import keyslots, stretching
from inos.vault.keyslots import COPY_BYTES, KIND_DEVICE, KIND_PASSPHRASE, KIND_PRF, KeyFile, Slot
from inos.vault.unlock import Passkey, Passphrase
from inos_sim.kernels import ToyKeyring

DATA = bytes(range(256)) * 100
OLD, NEW = Passphrase("old and long"), Passphrase("new and longer")
KEY = Passkey(b"credential", b"p" * 32)
SALT = b"s" * 32


def opened(**settings) -> World:
    world = World(**settings)
    world.open()
    return world


def again(world: World, unlock=None) -> None:
    """Power off and on, then try to open."""
    world.disk.crash()
    world.hook = lambda _: None
    world.boot()
    world.run(world.vault.open(unlock))


def kinds(world: World) -> list[int]:
    return [way.kind for way in world.run(world.vault.ways_in.listed())]


def key_file(world: World) -> KeyFile:
    return keyslots.decode(bytes(world.disk.files["keys"].now), world.kernels.hashes.hash)


def write_key_file(world: World, keys: KeyFile) -> None:
    copy = keyslots.encode(keys, world.kernels.hashes.hash)
    file = world.disk.files["keys"]
    file.now[:] = copy + copy
    file.durable = bytes(file.now)


def segments(world: World) -> dict[str, bytes]:
    return {name: file.durable for name, file in world.disk.files.items() if name.startswith("seg")}


def test_a_passphrase_beside_the_device():
    world = opened()
    root = world.put(DATA).root
    before = segments(world)
    world.run(world.vault.ways_in.set_passphrase(OLD.text, ask_always=False))
    assert kinds(world) == [KIND_DEVICE, KIND_PASSPHRASE]
    assert segments(world) == before
    for unlock in (None, OLD):
        again(world, unlock)
        assert world.get(root) == DATA
    world.keyring = ToyKeyring(b"another")  # the browser lost its keys: the passphrase still opens
    with pytest.raises(UnlockNeeded):
        again(world)
    again(world, OLD)
    assert world.get(root) == DATA


def test_asking_always():
    world = opened()
    root = world.put(DATA).root
    world.run(world.vault.ways_in.set_passphrase(OLD.text, ask_always=True))
    assert kinds(world) == [KIND_PASSPHRASE]
    with pytest.raises(UnlockNeeded):
        again(world)
    assert kinds(world) == [KIND_PASSPHRASE]  # can be asked while locked
    with pytest.raises(NotReady):
        world.vault._ready()
    files = {name: bytes(file.now) for name, file in world.disk.files.items()}
    for _ in range(3):
        with pytest.raises(WrongPassphrase):
            world.run(world.vault.open(NEW))
    assert {name: bytes(file.now) for name, file in world.disk.files.items()} == files
    with pytest.raises(VaultLocked) as no_such_slot:
        world.run(world.vault.open(KEY))
    assert not isinstance(no_such_slot.value, WrongPassphrase | WrongPasskey | UnlockNeeded)
    world.run(world.vault.open(OLD))
    assert world.get(root) == DATA
    with pytest.raises(NotReady):
        world.run(world.vault.open(OLD))


def test_changing_the_passphrase_needs_the_old_one_where_the_device_does_not_open():
    world = opened()
    root = world.put(DATA).root
    world.run(world.vault.ways_in.set_passphrase(OLD.text, ask_always=True))
    before = segments(world), key_file(world)
    for unlock, error in ((None, UnlockNeeded), (NEW, WrongPassphrase)):
        with pytest.raises(error):
            world.run(world.vault.ways_in.set_passphrase(NEW.text, ask_always=True, unlock=unlock))
    assert (segments(world), key_file(world)) == before
    world.run(world.vault.ways_in.set_passphrase(NEW.text, ask_always=True, unlock=OLD))
    assert segments(world) == before[0]
    assert key_file(world).seq == before[1].seq + 1
    assert OLD.text.encode() not in bytes(world.disk.files["keys"].now)
    with pytest.raises(WrongPassphrase):
        again(world, OLD)
    again(world, NEW)
    assert world.get(root) == DATA
    world.run(world.vault.ways_in.set_ask_always(ask_always=False, unlock=NEW))
    assert kinds(world) == [KIND_DEVICE, KIND_PASSPHRASE]
    again(world)
    assert world.get(root) == DATA


def test_a_passkey():
    world = opened()
    root = world.put(DATA).root
    world.run(world.vault.ways_in.add_passkey(KEY, SALT, ask_always=True))
    (way,) = world.run(world.vault.ways_in.listed())
    assert (way.kind, way.credential, way.salt) == (KIND_PRF, b"credential", SALT)
    for wrong in (Passkey(b"credential", b"q" * 32), Passkey(b"other", b"p" * 32)):
        with pytest.raises(WrongPasskey):
            again(world, wrong)
    again(world, KEY)
    assert world.get(root) == DATA
    second = Passkey(b"second", b"r" * 32)
    world.run(world.vault.ways_in.add_passkey(second, SALT, ask_always=True, unlock=KEY))
    world.run(world.vault.ways_in.add_passkey(KEY, b"t" * 32, ask_always=True, unlock=second))
    assert [way.credential for way in world.run(world.vault.ways_in.listed())] == [b"second", b"credential"]
    world.run(world.vault.ways_in.set_passphrase(OLD.text, ask_always=True, unlock=KEY))
    assert kinds(world) == [KIND_PRF, KIND_PRF, KIND_PASSPHRASE]


@pytest.mark.parametrize(
    ("passkey", "salt"),
    [
        (Passkey(b"", b"p" * 32), SALT),
        (Passkey(b"c" * 1024, b"p" * 32), SALT),
        (Passkey(b"c", b"p" * 31), SALT),
        (KEY, b"short"),
    ],
)
def test_what_is_no_passkey(passkey, salt):
    world = opened()
    with pytest.raises(BadArgument):
        world.run(world.vault.ways_in.add_passkey(passkey, salt, ask_always=False))
    assert kinds(world) == [KIND_DEVICE]


def test_the_last_way_in_stays():
    world = opened()
    world.run(world.vault.ways_in.set_passphrase(OLD.text, ask_always=False))
    device, passphrase = world.run(world.vault.ways_in.listed())
    world.run(world.vault.ways_in.remove(passphrase.id))
    for change in (world.vault.ways_in.remove(device.id), world.vault.ways_in.set_ask_always(ask_always=True)):
        with pytest.raises(BadArgument):
            world.run(change)
    with pytest.raises(NotFound):
        world.run(world.vault.ways_in.remove(passphrase.id))
    assert kinds(world) == [KIND_DEVICE]
    again(world)


def test_slots_of_unknown_kinds_are_kept_and_open_nothing():
    world = opened()
    unknown = Slot(200, b"params", b"wrapped")
    keys = key_file(world)
    write_key_file(world, KeyFile(keys.seq, (*keys.slots, unknown)))
    assert kinds(world) == [KIND_DEVICE]
    world.run(world.vault.ways_in.set_passphrase(OLD.text, ask_always=True))
    assert unknown in key_file(world).slots
    (passphrase,) = world.run(world.vault.ways_in.listed())
    with pytest.raises(BadArgument):
        world.run(world.vault.ways_in.remove(passphrase.id))


def test_a_file_of_a_later_version_is_not_written_over():
    world = opened()
    later = bytearray(world.disk.files["keys"].now[:COPY_BYTES])
    later[4] = 2
    world.disk.files["keys"].now[COPY_BYTES:] = later
    with pytest.raises(UnsupportedVersion):
        world.run(world.vault.ways_in.set_passphrase(OLD.text, ask_always=False))
    assert world.disk.files["keys"].now[COPY_BYTES:] == later
    world.disk.crash(keep_all=True)
    world.disk.files["keys"].now[COPY_BYTES:] = later
    world.boot()
    world.open()
    assert world.disk.files["keys"].now[COPY_BYTES:] == later


# --- crashes ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("damaged", [None, 0, COPY_BYTES])
def test_a_change_cut_short_anywhere_leaves_one_of_both(damaged):
    """Power goes at each effect of a change, with whatever of it reached the disk; also where one copy was bad before."""
    outcomes = set()
    done = False
    step = -1
    while not done:  # until power lasts for the whole change
        step += 1
        for seed in range(4):
            world = opened(seed=seed + 1)
            root = world.put(DATA).root
            world.run(world.vault.ways_in.set_passphrase(OLD.text, ask_always=True))
            if damaged is not None:
                file = world.disk.files["keys"]
                file.now[damaged + 40] ^= 1
                file.durable = bytes(file.now)
            left = step

            def lose_power(_effect):
                nonlocal left
                left -= 1
                if left < 0:
                    raise PowerLoss

            world.hook = lose_power
            try:
                world.run(world.vault.ways_in.set_passphrase(NEW.text, ask_always=True, unlock=OLD))
                done = True
            except PowerLoss:
                done = False
            world.hook = lambda _: None
            world.disk.crash(random.Random(seed), keep_all=seed == 0)
            world.boot()
            opens = []
            for unlock in (OLD, NEW):
                try:
                    world.run(world.vault.open(unlock))
                except WrongPassphrase:
                    continue
                opens.append(unlock)
                break
            assert opens, f"nothing opens after step {step}, seed {seed}"
            assert not done or opens == [NEW]
            assert world.get(root) == DATA
            copy = keyslots.encode(key_file(world), world.kernels.hashes.hash)
            assert world.disk.files["keys"].durable == copy + copy, "what was replaced must not stay in the other copy"
            outcomes.add((done, opens[0]))
    assert {(False, OLD), (False, NEW), (True, NEW)} <= outcomes


def test_a_slot_that_does_not_give_the_secret_back_replaces_nothing():
    world = opened()
    before = key_file(world)

    class Faulty(ToyKeyring):
        def perform(self, effect):
            answer = super().perform(effect)
            return answer[:-1] + bytes([answer[-1] ^ 1]) if isinstance(effect, WrapWith) else answer

    world.keyring = Faulty()
    with pytest.raises(VaultLocked):
        world.run(world.vault.ways_in.set_passphrase(OLD.text, ask_always=True))
    assert key_file(world) == before


def test_one_change_at_a_time():
    world = opened()
    first = world.start(world.vault.ways_in.set_passphrase(OLD.text, ask_always=False))
    second = world.start(world.vault.ways_in.set_passphrase(NEW.text, ask_always=False))
    world.drain()
    first.result()
    with pytest.raises(Busy):
        second.result()
    again(world, OLD)


# --- parameters -----------------------------------------------------------------------------------------------------------


def with_params(world: World, params: bytes) -> None:
    """The passphrase's slot under other parameters; it opens only if they are good."""
    secret = world.run(world.vault.ways_in.secret(None, may_create=False))
    packed = (7).to_bytes(8, "little") + params
    try:
        key = world.run(stretching.stretch(OLD.text, stretching.unpack(params)))
    except LimitExceeded:
        key = bytes(32)
    slot = world.run(world.vault.ways_in._slot(KIND_PASSPHRASE, packed, key, secret))
    write_key_file(world, KeyFile(9, (slot,)))


def test_weak_parameters_are_made_todays_when_the_passphrase_is_known():
    world = opened()
    weak = stretching.Params(bytes(16), 1_024, 1, 1)
    with_params(world, weak.pack())
    with pytest.raises(WrongPassphrase):
        again(world, NEW)
    assert key_file(world).seq == 9
    again(world, OLD)
    (slot,) = key_file(world).slots
    params = stretching.unpack(slot.params[8:])
    assert (key_file(world).seq, params.is_weak, params.salt != weak.salt) == (10, False, True)
    (way,) = world.run(world.vault.ways_in.listed())
    assert way.time_ms == 7
    again(world, OLD)
    assert key_file(world).seq == 10


def test_a_full_disk_locks_nobody_out():
    world = opened()
    with_params(world, stretching.Params(bytes(16), 1_024, 1, 1).pack())
    world.disk.crash()
    world.boot()

    def full(effect):
        if isinstance(effect, FileWrite) and effect.name == "keys":
            raise StorageFull("no room")

    world.hook = full
    world.run(world.vault.open(OLD))
    assert key_file(world).seq == 9


def test_parameters_beyond_the_bounds_are_refused_before_anything_is_stretched():
    world = opened()
    with_params(
        world, (0xFFFF_FFFF).to_bytes(4, "little") + (3).to_bytes(4, "little") + bytes([1, 0, 0, 0]) + bytes(16)
    )
    asked = []
    world.disk.crash()
    world.boot()
    world.hook = asked.append
    with pytest.raises(LimitExceeded):
        world.run(world.vault.open(OLD))
    assert not any(isinstance(effect, Stretch) for effect in asked)


def test_keys_are_durable_before_anything_builds_on_them() -> None:
    """Who wrote them may have been killed before the flush, and left them in the page cache."""
    world = opened()
    world.close()
    world.boot()
    asked: list[str] = []
    world.hook = lambda effect: asked.append(type(effect).__name__) if getattr(effect, "name", "") == "keys" else None
    world.open()
    assert asked[:2] == ["FileFlush", "FileRead"]

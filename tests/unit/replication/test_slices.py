"""A slice ties one chunk to its block's name: every chunk of every shape of tree, and nothing else, verifies."""

from __future__ import annotations

import functools
import random

import pytest
from blake3 import blake3

from inos.errors import BadArgument
from inos.ports import HashTree, Span, hash_levels
from inos.reference.blake3 import tree
from inos.replication.slices import CV_BYTES, Slices, path_places, verify
from inos_host.kernels import make_ports
from inos_sim.kernels import ToyKernels

LENGTHS = [1, 64, 1023, 1024, 1025, 2048, 2049, 3 * 1024, 4097, 5 * 1024, 7 * 1024 + 1, 8 * 1024, 17 * 1024 + 5, 40_001]


def noise(length: int) -> bytes:
    return random.Random(length).randbytes(length)


tree_of = functools.cache(tree)  # some 20 ms for each 16 KiB


def path_of(data: bytes, chunk: int) -> bytes:
    values = tree_of(data)
    return b"".join(values[CV_BYTES * place : CV_BYTES * (place + 1)] for place in path_places(len(data), chunk))


@pytest.mark.parametrize("length", LENGTHS)
def test_every_chunk_verifies_against_the_wheels_hash(length: int) -> None:
    data = noise(length)
    bid = blake3(data).digest()
    assert len(tree_of(data)) == CV_BYTES * sum(hash_levels(length))
    for chunk in range(-(-length // 1024)):
        part = data[chunk * 1024 : (chunk + 1) * 1024]
        assert len(part) + len(path_of(data, chunk)) <= 1_700
        assert verify(bid, length, chunk, part, path_of(data, chunk))


@pytest.mark.parametrize("length", LENGTHS)
def test_nothing_else_does(length: int) -> None:
    data = noise(length)
    bid, rng = blake3(data).digest(), random.Random(length)
    chunks = -(-length // 1024)
    for chunk in {0, chunks // 2, chunks - 1}:
        part, path = data[chunk * 1024 : (chunk + 1) * 1024], path_of(data, chunk)
        at, bit = rng.randrange(len(part)), 1 << rng.randrange(8)
        assert not verify(bid, length, chunk, part[:at] + bytes([part[at] ^ bit]) + part[at + 1 :], path)
        for spoilt in range(0, len(path), CV_BYTES):
            assert not verify(
                bid, length, chunk, part, path[:spoilt] + bytes([path[spoilt] ^ bit]) + path[spoilt + 1 :]
            )
        assert not verify(bid, length, chunk, part[:-1], path)
        assert not verify(bid, length, chunk, part, path[:-CV_BYTES] if path else bytes(CV_BYTES))
        assert not verify(bid, length, chunk, part, path + bytes(CV_BYTES))
        assert not verify(bid, length, chunk ^ 1, part, path)
        assert not verify(bid, length, chunks, part, path)
        assert not verify(bid, length, -1, part, path)
        assert not verify(bytes(32), length, chunk, part, path)


def test_a_prover_reads_its_block_and_gives_all_memory_back() -> None:
    ports, kernels = make_ports(1 << 20)
    data = noise(40_001)

    async def read_block(_bid: bytes) -> Span:
        span = ports.arena.alloc(len(data))
        ports.arena.write(span, data)
        return span

    slices = Slices(ports.arena, read_block)
    for chunk in (0, 7, 39):
        work = slices.prove(b"", chunk)
        effect = work.send(None)
        with pytest.raises(StopIteration) as stopped:
            work.send(kernels.perform(effect))
        part, path = stopped.value.value
        assert verify(blake3(data).digest(), len(data), chunk, part, path)
        assert ports.arena.used() == 0


@pytest.mark.parametrize(
    "make", [lambda: make_ports(1 << 20)[1], lambda: ToyKernels(make_ports(1 << 20)[0].arena, 6_000)]
)
def test_kernels_write_the_tree_where_it_fits(make) -> None:
    kernels = make()
    arena = getattr(kernels, "arena", None) or kernels._arena
    data = noise(5_000)
    src, dst = arena.alloc(len(data)), arena.alloc(CV_BYTES * sum(hash_levels(len(data))))
    arena.write(src, data)
    assert kernels.perform(HashTree(src, dst)) is None
    assert arena.read(dst) == tree(data)
    with pytest.raises((BadArgument, AssertionError)):
        kernels.perform(HashTree(src, dst.part(0, dst.length - 1)))

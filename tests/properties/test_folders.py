"""Heads, archives and folders under arbitrary bytes and trees: typed errors, one encoding, and what was put comes back."""

from __future__ import annotations

import io
import zipfile
from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st
from mangled import changed, hash_bytes
from vault_world import World, opened

from inos.errors import BadArgument, CorruptError, HeadMalformed, LimitExceeded, NotFound
from inos.limits import BLOCK_BYTES_MAX, BLOCK_OVERHEAD_BYTES
from inos.vault import archive, heads
from inos.vault.archive import Chain, Info, Item, Reader, Version
from inos.vault.folder import clean_paths
from inos.vault.heads import Head, SignedHead
from inos.vault.names import check_name, clean_name
from inos.vault.stretching import Params

IDS = st.binary(min_size=32, max_size=32)
COUNTS = st.integers(0, (1 << 64) - 1)
HEADS = st.builds(
    lambda head, signature: SignedHead(head, heads.encode(head), signature),
    st.builds(Head, IDS, IDS, st.integers(1, (1 << 64) - 1), IDS, IDS, COUNTS),
    st.binary(min_size=64, max_size=64),
)
NAMES = st.text(max_size=30).map(clean_name)


@settings(deadline=None, max_examples=80, derandomize=True)
@given(HEADS, st.data())
def test_heads_have_one_encoding_and_nothing_else_parses(signed: SignedHead, data: st.DataObject) -> None:
    packed = signed.pack()
    assert heads.parse(packed) == signed
    other = data.draw(st.binary(max_size=300) | changed(packed))
    try:
        parsed = heads.parse(other)
    except HeadMalformed:
        return
    assert parsed.pack() == other


@settings(deadline=None, max_examples=100, derandomize=True)
@given(st.lists(st.tuples(IDS, COUNTS), min_size=1, max_size=8), st.data())
def test_a_line_is_whole_or_says_what_is_wrong(steps: list[tuple[bytes, int]], data: st.DataObject) -> None:
    line: list[SignedHead] = []
    for root, time_ms in steps:
        head = heads.following(line, b"p" * 32, b"l" * 32, root, time_ms, hash_bytes)
        line.append(SignedHead(head, heads.encode(head), bytes(64)))
    heads.check_line(line, hash_bytes)
    heads.check_against(line, line)
    shuffled = data.draw(st.lists(st.sampled_from(line), max_size=8))
    if shuffled == line[: len(shuffled)]:
        heads.check_line(shuffled, hash_bytes)
        return
    with suppress(CorruptError):
        heads.check_line(shuffled, hash_bytes)
        raise AssertionError("a line out of order was taken for one")


VERSIONS = st.builds(Version, IDS, IDS, IDS, COUNTS, st.booleans(), st.tuples(IDS, IDS))


@st.composite
def items(draw: st.DrawFn) -> Item:
    line = draw(st.just(b"") | IDS)
    signed = []
    if line:
        for root, time_ms in draw(st.lists(st.tuples(IDS, COUNTS), min_size=1, max_size=4)):
            head = Head(b"p" * 32, line, len(signed) + 1, bytes(32), root, time_ms)
            signed.append(SignedHead(head, heads.encode(head), bytes(64)))
    return Item(line, tuple(draw(st.lists(VERSIONS, min_size=1, max_size=4))), tuple(signed))


@settings(deadline=None, max_examples=60, derandomize=True)
@given(items(), st.data())
def test_items_of_an_archive(item: Item, data: st.DataObject) -> None:
    packed = item.pack()
    assert archive.unpack_item(packed) == item
    other = data.draw(st.binary(max_size=400) | changed(packed))
    try:
        parsed = archive.unpack_item(other)
    except (CorruptError, LimitExceeded):
        return
    assert parsed.pack() == other


@settings(deadline=None, max_examples=60, derandomize=True)
@given(COUNTS, st.integers(0, 1_000), COUNTS, st.text(max_size=50), st.data())
def test_what_an_archive_says_of_itself(time_ms: int, count: int, length: int, about: str, data: st.DataObject) -> None:
    packed = Info(time_ms, count, length, about).pack()
    assert archive.unpack_info(packed) == Info(time_ms, count, length, about)
    for parse, good in (
        (archive.unpack_info, packed),
        (archive.parse_head, archive.encode_head(Params(bytes(16)))),
        (archive.parse_frame, archive.encode_frame(archive.BLOCK, 500)),
    ):
        with suppress(CorruptError, LimitExceeded):
            parse(data.draw(st.binary(max_size=100) | changed(good)))  # type: ignore[operator]


@settings(deadline=None, max_examples=60, derandomize=True)
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, BLOCK_BYTES_MAX + 9), IDS), max_size=12), st.booleans())
def test_a_reader_takes_frames_in_order_and_only_the_right_end(
    frames: list[tuple[int, int, bytes]], lies: bool
) -> None:
    head = archive.encode_head(Params(bytes(16)))
    reader, chain = Reader(hash_bytes), Chain(head, hash_bytes)
    reader.head(head)
    for kind, length, digest in [(archive.INFO, 200, bytes(32)), *frames]:
        data = archive.encode_frame(kind, length)
        may_come = kind in (archive.BLOCK, archive.ITEM, archive.END) or not reader.has_begun
        try:
            frame = reader.frame(data)
        except (CorruptError, LimitExceeded):
            assert not may_come or not BLOCK_OVERHEAD_BYTES <= length <= BLOCK_BYTES_MAX or kind in (0, 5, 6)
            continue
        assert may_come
        if kind == archive.END:
            continue  # the end is given below
        reader.took(frame, digest)
        chain.add(data, kind, digest)
    end = chain.end()
    try:
        reader.finish(end[:-1] + bytes([end[-1] ^ 1]) if lies else end)
    except CorruptError:
        assert lies
    assert reader.is_whole is not lies


FILES = st.binary(max_size=30) | st.integers(0, 2).map(lambda n: bytes(range(256)) * 80 * (n + 1))
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
TREES = st.dictionaries(PATHS, FILES, max_size=8)


def is_tree(paths: list[str]) -> bool:
    return not any(other.startswith(path + "/") for path in paths for other in paths)


def unzipped(data: bytes, name: str) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as opened_zip:
        assert opened_zip.testzip() is None
        return {
            info.filename.removeprefix(f"{name}/"): opened_zip.read(info)
            for info in opened_zip.infolist()
            if not info.is_dir()
        }


@settings(deadline=None, max_examples=40, derandomize=True)
@given(TREES)
def test_any_tree_comes_back_by_path_and_as_a_zip(tree: dict[str, bytes]) -> None:
    world = opened(refs_per_manifest=3)
    if not is_tree(list(tree)):
        with suppress(BadArgument):
            world.put_folder(dict(tree))
            raise AssertionError("a file with something in it")
        return
    root = world.put_folder(dict(tree)).root
    assert unzipped(world.get(root), "folder") == tree
    for path, data in tree.items():
        assert world.get(root, path=path) == data
    world.check_tidy()


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("rename"), st.integers(0, 99), NAMES),
        st.tuples(st.just("remove"), st.integers(0, 99), st.just("")),
        st.tuples(st.just("restore"), st.integers(0, 99), st.just("")),
        st.tuples(st.just("replace"), st.integers(0, 99), NAMES),
    ),
    max_size=6,
)


@settings(deadline=None, max_examples=25, derandomize=True)
@given(TREES.filter(lambda tree: bool(tree) and is_tree(list(tree))), STEPS)
def test_a_folder_goes_through_its_versions_as_a_model_does(
    tree: dict[str, bytes], steps: list[tuple[str, int, str]]
) -> None:
    world = opened()
    root = world.put_folder(dict(tree)).root
    past: dict[bytes, dict[str, bytes]] = {root: dict(tree)}
    for what, which, name in steps:
        root = step(world, root, past, what, which, name)
        assert [info.root for info in world.vault.roots()] == [root]
    world.reboot()
    assert [info.root for info in world.vault.roots()] == [root]
    for old, model in past.items():
        assert unzipped(world.get(old), "folder") == model
    assert world.run(world.vault.check("data")).ok


def step(world: World, root: bytes, past: dict[bytes, dict[str, bytes]], what: str, which: int, name: str) -> bytes:
    """One change, of the vault and of the model; the root that is current then."""
    model = past[root]
    if what == "restore":
        old = list(past)[which % len(past)]
        world.run(world.vault.use(lambda library: library.restore(old)))
        return old
    if what == "replace":
        after = {**model, f"put {name}"[:60]: b"new"}
        new = world.put_folder(dict(after), replaces=root).root
    elif not model:
        return root
    else:
        path = sorted(model)[which % len(model)]
        folder = path.rpartition("/")[0]
        there = f"{folder}/{name}" if folder else name
        try:
            if what == "remove":
                new = world.run(world.vault.use(lambda library: library.remove_entry(root, path)))
                after = {other: data for other, data in model.items() if other != path}
            else:
                new = world.run(world.vault.use(lambda library: library.rename(root, name, path)))
                after = {there if other == path else other: data for other, data in model.items()}
        except BadArgument:
            assert there != path
            assert any(other == there or other.startswith(there + "/") for other in model)
            return root
        except NotFound as error:
            raise AssertionError(path) from error
    past.setdefault(new, after)
    assert past[new] == after
    return new


@settings(deadline=None, max_examples=80, derandomize=True)
@given(st.lists(st.text(max_size=40), max_size=8))
def test_cleaned_paths_are_acceptable_and_distinct(paths: list[str]) -> None:
    cleaned = clean_paths(paths)
    assert len(set(cleaned)) == len(cleaned) == len(paths)
    for path in cleaned:
        for name in path.split("/"):
            assert check_name(name) == name
    assert clean_paths(cleaned) == cleaned

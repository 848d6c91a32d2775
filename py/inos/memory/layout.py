"""The one description of the shared memory; JavaScript and Zig constants are generated from it.

Nouns: a *region* is a named byte range; an *epoch* is an Int32 counter on a 64-byte line of its own; a *descriptor* is the
64 bytes that say what a job is; a *result* is the 256 bytes a job answers with; a *key slot* holds the keys derived from
one secret and the chunker's table; a *ring* has two 64-byte lines of counters before its data.

Invariants: regions do not overlap and are 64-byte aligned (asserted below); everything below ``KERNEL_BYTES`` belongs to
the kernel's static data; the arena is what remains after ``ARENA_OFFSET``. Numbers are little-endian u32 unless named
otherwise. Change anything here: bump ``LAYOUT_VERSION`` and run ``python -m inos.memory.generate``.
"""

from __future__ import annotations

from inos import limits
from inos.errors import STATUS_ERRORS

MAGIC = 0x534F4E49  # "INOS" little-endian
LAYOUT_VERSION = 4
LINE_BYTES = 64
PAGE_BYTES = 65_536

# Device tiers: what the page tries to allocate, largest first that the device allows. The memory never grows.
MEMORY_TIERS_BYTES = (256 * limits.MIB, 128 * limits.MIB, 64 * limits.MIB)
MEMORY_BYTES_MAX = limits.GIB  # the kernel declares this maximum; a tier may be anything up to it

THREADS_MAX = 24
THREAD_COMPUTE = 3 + limits.MUSCLES_MAX  # the first compute worker's; before it brain, io, net and muscles
STACK_BYTES = 256 * limits.KIB
JOB_BYTES = 64
RESULT_BYTES = 256
KEY_SLOT_BYTES = 4_096
KEY_SLOTS_MAX = 64
PEER_ROW_BYTES = 128
COMPUTE_BYTES = 4_096

# name -> byte length, in order of address. Regions start at KERNEL_BYTES.
KERNEL_BYTES = 1 * limits.MIB
RING_COUNTERS_BYTES = 4 * LINE_BYTES
_REGIONS: tuple[tuple[str, int], ...] = (
    ("HEADER", 4_096),
    ("EPOCHS", 64 * LINE_BYTES),
    ("JOBS_URGENT", 4_096),  # queue of job ids that something waits for: log records, received blocks
    ("JOBS_BULK", 4_096),  # queue of job ids of bulk work
    ("JOBS_DONE", 4_096),  # queue of finished job ids
    ("JOB_TABLE", limits.JOBS_MAX * JOB_BYTES),
    ("JOB_RESULTS", limits.JOBS_MAX * RESULT_BYTES),
    ("KEY_SLOTS", KEY_SLOTS_MAX * KEY_SLOT_BYTES),
    ("METRICS", 4_096),
    ("PEER_TABLE", limits.PEERS_MAX * PEER_ROW_BYTES),
    ("NET_INBOX", 512 * limits.KIB + RING_COUNTERS_BYTES),
    ("NET_OUTBOX", 512 * limits.KIB + RING_COUNTERS_BYTES),
    ("IO_QUEUE", 64 * limits.KIB + RING_COUNTERS_BYTES),
    ("IO_DONE", 64 * limits.KIB + RING_COUNTERS_BYTES),
    ("EVENTS", 256 * limits.KIB + RING_COUNTERS_BYTES),
    ("COMPUTE", limits.COMPUTE_WORKERS_MAX * COMPUTE_BYTES),
    ("STACKS", THREADS_MAX * STACK_BYTES),
)


def _place() -> dict[str, tuple[int, int]]:
    at, placed = KERNEL_BYTES, {}
    for name, length in _REGIONS:
        assert length % LINE_BYTES == 0, name
        placed[name] = (at, length)
        at += length
    return placed


REGIONS: dict[str, tuple[int, int]] = _place()
_END = max(offset + length for offset, length in REGIONS.values())
ARENA_OFFSET = (_END + limits.MIB - 1) // limits.MIB * limits.MIB

# Header words (u32 index from the start of HEADER).
HEADER_WORDS = ("MAGIC", "LAYOUT_VERSION", "MEMORY_BYTES", "ARENA_OFFSET", "ARENA_BYTES", "MUSCLES", "ARENA_STATE")
HEADER_BUILD_ID_OFFSET = 64  # 32 bytes of text, zero padded

# Epochs: index of a 64-byte line in EPOCHS; the counter is the line's first Int32.
EPOCHS = (
    "JOBS",  # a job was queued; muscles sleep on it
    "BRAIN",  # anything the brain should look at; the one word the brain sleeps on
    "JOBS_DONE",  # a job finished
    "NET_INBOX",  # net worker -> brain
    "NET_OUTBOX",  # brain -> net worker
    "IO_QUEUE",  # brain -> io worker
    "IO_DONE",  # io worker -> brain
    "EVENTS",  # brain -> page
    "METRICS",  # metrics or peer table changed
    "SHUTDOWN",  # muscles leave their loop
)

# A queue of job ids (Vyukov bounded MPMC): line 0 = enqueue position, line 1 = dequeue position, then cells of
# {sequence u32, value u32}. A sequence is a position of the cell plus a state; see inos.memory.queue.
QUEUES = ("JOBS_URGENT", "JOBS_BULK", "JOBS_DONE")
QUEUE_ENQUEUE_OFFSET = 0
QUEUE_DEQUEUE_OFFSET = LINE_BYTES
QUEUE_CELLS_OFFSET = 2 * LINE_BYTES
QUEUE_CELL_BYTES = 8
QUEUE_CELLS = limits.JOBS_MAX
QUEUE_FILLED = 1
QUEUE_CLAIMED = 2  # + thread: a producer is filling the cell
QUEUE_TAKEN = QUEUE_CLAIMED + THREADS_MAX  # + thread: a consumer is emptying it
QUEUE_ABANDONED = QUEUE_TAKEN + THREADS_MAX  # its producer died

# Job descriptor: sixteen u32.
JOB_WORDS = (
    "OP", "FLAGS", "SRC", "SRC_LEN", "DST", "DST_CAP", "KEYS", "RESULT",
    "ARG0", "ARG1", "ARG2", "ARG3", "ID", "STATUS", "VALUE", "DURATION_US",
)  # fmt: skip

JOB_OPS = {
    "HASH": 1,  # result.bid = BLAKE3(src); or, with ARG0, the incremental BLAKE3 state at that offset is fed src
    "CUT": 2,  # cut src into chunks and hash them; see CUT_* below
    "SEAL": 3,  # src (plaintext) -> a block in the arena
    "OPEN": 4,  # src (a block) -> plaintext in the arena
}
# HASH: FLAGS bit 0: into DST/DST_CAP, all chaining values of src's tree below the root (inos.ports.HashTree). VALUE = how many.
HASH_TREE = 1
# CUT: FLAGS bit 0 = src ends the file. DST/DST_CAP = where CUT_ROW_BYTES rows go. ARG0 = offset of an incremental BLAKE3
# state (0: none) that is fed the consumed bytes. VALUE = rows; RESULT word 0 = bytes consumed.
CUT_FINAL = 1
CUT_ROW_BYTES = 72  # length u32, zero u32, h 32, cid 32
# SEAL: ARG0 = kind (1..3), ARG1 = quality (0 = never compress). FLAGS bit 0: h and cid of src are not needed in the result.
SEAL_NO_IDS = 1
# OPEN: ARG0 = kind. ARG1 = offset of 96 bytes {secret 32, bid 32, h 32}, looked at as FLAGS says; ARG2 = raw_len cap.
OPEN_WITH_SECRET = 1  # else the secret is derived from KEYS and the salt, and the salt is checked (owner's check)
OPEN_CHECK_BID = 2
OPEN_CHECK_H = 4
OPEN_VERIFY_ONLY = 8  # do everything, free the plaintext, answer RAW_OFFSET = 0
OPEN_ARGS_BYTES = 96

# Result of SEAL and OPEN (byte offsets in the 256-byte result).
RESULT_FIELDS = {
    "BYTES_OFFSET": 0,  # u32: arena offset of the block (SEAL) or the plaintext (OPEN); the receiver releases it
    "BYTES_LEN": 4,  # u32
    "RAW_LEN": 8,  # u32
    "ENC_LEN": 12,  # u32
    "CODEC": 16,  # u8 0 raw, 1 Brotli
    "QUALITY": 17,  # u8
    "KIND": 18,  # u8
    "SECRET": 32,
    "BID": 64,
    "H": 96,
    "CID": 128,
    "SALT": 160,
}

# Key slot: what keys_derive() writes from a 32-byte secret (vault-format 1.3). siv/enc are indexed by kind 1..3.
KEY_SLOT_FIELDS = {
    "ID": 0,
    "SIV": 32,  # 3 x 32, kinds 1, 2, 3
    "ENC": 128,  # 3 x 32
    "CDC": 224,
    "LOC": 256,
    "GEAR": 512,  # 256 x u64
}
CONTEXT_PREFIX = "INOS 2026-11-23 02:30:00 vault v1 "

# Rings: single producer, single consumer. Line 0: head (bytes ever written, u32, wraps), line 1: tail (bytes ever read),
# line 2: dropped frames and the producer's fence (inos.memory.fence), line 3: the consumer's; then data, a power of two
# long, so that the counters may wrap. Frames: len u32 (payload bytes), type u16, flags u16, seq u32 (the head at which it
# begins), crc u32 (CRC-32 of the 12 bytes before), payload, padded to 8. A frame never wraps: a PAD frame fills the end.
RINGS = ("NET_INBOX", "NET_OUTBOX", "IO_QUEUE", "IO_DONE", "EVENTS")
RING_HEAD_OFFSET = 0
RING_TAIL_OFFSET = LINE_BYTES
RING_DROPPED_OFFSET = 2 * LINE_BYTES
RING_PRODUCER_OFFSET = 2 * LINE_BYTES + 4
RING_CONSUMER_OFFSET = 3 * LINE_BYTES
RING_DATA_OFFSET = RING_COUNTERS_BYTES
FRAME_HEADER_BYTES = 16
FRAME_PAD = 0xFFFF

# Frames between net worker and brain. Every payload starts with u32 channel (a slot number below PEERS_MAX) and
# u32 generation of that slot (frames of an older generation are dropped by the receiver).
NET_FRAMES = {
    # net worker -> brain
    "OPENED": 1,  # channel opened
    "CLOSED": 2,  # channel closed or failed
    "CONTROL": 3,  # + message bytes
    "BLOCK_DONE": 4,  # + u32 request, u32 length: a wanted block has arrived whole in its buffer
    "BLOCK_SENT": 5,  # + u32 request, u32 ok: our block left (or cannot leave); the buffer may be released
    "BLOCK_FAILED": 6,  # + u32 request, u32 reason: the peer's data did not fit what was expected
    # brain -> net worker
    "SEND_CONTROL": 16,  # + message bytes
    "SEND_BLOCK": 17,  # + u32 request, u32 offset, u32 length
    "EXPECT": 18,  # + u32 request, u32 offset, u32 capacity: where a wanted block is to be written
    "UNEXPECT": 19,  # + u32 request
    "CLOSE": 20,
    "ACCEPT": 21,  # authenticated: data frames may flow
    "PACE": 22,  # + u32 milliseconds between two pings
}
# On the wire, the first byte of a channel message: control (a wire message follows), data (see DATA_*); on the real-time
# channel beside it ping (the sender's clock, f64, in ms) and pong (the same clock, then u32 ms since Python's last turn).
WIRE_CONTROL = 1
WIRE_DATA = 2
WIRE_PING = 3
WIRE_PONG = 4
# A data fragment: u8 WIRE_DATA, u8 0, u16 0, u32 request, u32 offset, u32 total, then bytes.
DATA_HEADER_BYTES = 16

# One row a channel in PEER_TABLE, written by the net worker (u32 words except where named).
PEER_ROW_WORDS = (
    "GENERATION", "STATE", "LAST_HEARD_MS", "RTT_US", "BYTES_IN", "BYTES_OUT", "BUFFERED", "FRAMES_IN", "FRAMES_OUT",
    "BLOCK_BYTES_IN", "BRAIN_AGE_MS", "CONTROL_QUEUED", "BLOCKS_QUEUED", "PINGS_OUT", "PONGS_IN",
)  # fmt: skip

# One page a compute worker in COMPUTE: sixteen i32, then the offsets of the arena blocks that it holds, one entry for each
# reference, the first HELD of them in use.
COMPUTE_WORDS = ("INTERRUPT", "GATE", "HELD")
COMPUTE_HELD_OFFSET = 64
SIGNAL_INTERRUPT = 2  # INTERRUPT: the number of SIGINT; Pyodide looks at it and takes it away
# GATE: the worker is in the kernel or in its page only while it is BUSY. A thread is ended once it is SHUT, which is for good:
# so none is ended while it holds the arena's lock or is between a block and its entry.
GATE_OPEN = 0
GATE_BUSY = 1
GATE_SHUT = 2

# io worker frames. IO_QUEUE payload: u32 request, u32 handle, f64 file offset, u32 arena offset, u32 length.
IO_OPS = {
    "READ": 1,
    "WRITE": 2,
    "FLUSH": 3,
    "TRUNCATE": 4,  # to "file offset"
    "SIZE": 5,  # result: size
    "READ_SOURCE": 6,  # handle = a registered Blob
    "WRITE_SINK": 7,  # handle = a registered sink
    "CLOSE_SINK": 8,  # length: 1 = complete, 0 = abort
    "CLOSE_SOURCE": 9,
    "CLOSE": 10,  # close a file's handle
    "LIST_SEGMENTS": 11,  # u32 numbers of the segment files, to "arena offset"; result: bytes of all of them
}
# IO_DONE payload: u32 request, i32 status (0 or a STATUS code), f64 value (bytes read or written, or a size).

# Metrics: u32 words from METRICS, written with atomics by whoever knows and published by nobody: who wants to see, looks.
# Each word is right by itself; two words may be one event apart (a seqlock would need a single writer). Counters wrap. *_KIB
# and *_MS count whole units, and the writer keeps the rest. What another structure counts already is not counted twice:
# ``inos.memory.metrics`` reads queued jobs from the queues' positions, drops from the rings.
METRICS_WORDS = (
    "ARENA_BYTES_USED",  # now; the kernel, under the arena's lock
    "ARENA_BLOCKS",  # now
    "JOBS_RUNNING",  # now; muscles
    "JOBS_DONE",
    "JOBS_FAILED",
    "JOBS_BUSY_MS",  # sum over the muscles, added when a job ends
    "MUSCLE_SLEEPS",  # how often a muscle found no job and slept
    "MUSCLE_SLEPT_MS",  # sum over the muscles, added when a sleep ends
    "BRAIN_TURNS",
    "BRAIN_SLEEPS",  # turns after which there was nothing to do
    "BRAIN_SLEPT_MS",
    "COPY_BYTES_IN_KIB",  # from a dropped file or a message into the shared memory
    "COPY_BYTES_OUT_KIB",  # to a download, a page's buffer or a message
    "DISK_BYTES_READ_KIB",  # in place, so no copies
    "DISK_BYTES_WRITTEN_KIB",
    "NET_BYTES_IN_KIB",
    "NET_BYTES_OUT_KIB",
    "PYTHON_BYTES_READ_KIB",  # what the brain itself parsed: ids, rows, records
    "PYTHON_BYTES_WRITTEN_KIB",
)

STATUS = {error.__name__: status for status, error in STATUS_ERRORS.items()}

assert _END <= ARENA_OFFSET < min(MEMORY_TIERS_BYTES)
assert len(METRICS_WORDS) * 4 <= REGIONS["METRICS"][1]
for _ring in RINGS:
    assert (REGIONS[_ring][1] - RING_DATA_OFFSET).bit_count() == 1, _ring
assert QUEUE_CELLS_OFFSET + QUEUE_CELLS * QUEUE_CELL_BYTES <= 4_096
assert QUEUE_ABANDONED < QUEUE_CELLS, "a state is less than a lap"
assert len(JOB_WORDS) * 4 == JOB_BYTES
assert len(EPOCHS) <= 64
assert THREAD_COMPUTE + limits.COMPUTE_WORKERS_MAX <= THREADS_MAX
assert COMPUTE_HELD_OFFSET + limits.COMPUTE_HELD_MAX * 4 <= COMPUTE_BYTES
assert len(PEER_ROW_WORDS) * 4 <= PEER_ROW_BYTES
assert KEY_SLOT_FIELDS["GEAR"] + 2_048 <= KEY_SLOT_BYTES

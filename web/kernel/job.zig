//! Runs one job descriptor (layout.py: JOB_*, OP_*, RESULT_*).
//!
//! Invariants: a descriptor is input like any other: it is copied once, every offset and length in it is checked before it
//! is used, and what is out of range is BadArgument, so that no job can trap. STATUS is 0 or a negative status; VALUE is
//! the op's count. On failure the result record is all zero.

const arena = @import("arena.zig");
const blake3 = @import("blake3.zig");
const block = @import("block.zig");
const gear = @import("gear.zig");
const keys = @import("keys.zig");
const layout = @import("layout.gen.zig");
const memory = @import("memory.zig");
const Status = layout.Status;

const Words = [layout.JOB_BYTES / 4]u32;

fn inRange(offset: u32, len: u32) bool {
    return memory.inRange(offset, len) and arena.isApart(offset, len);
}

pub fn run(descriptor: u32) i32 {
    if (descriptor % 4 != 0 or !inRange(descriptor, layout.JOB_BYTES)) return Status.BadArgument;
    const words = memory.at(Words, descriptor);
    const job: Words = words.*;
    var value: u32 = 0;
    const status = dispatch(&job, &value);
    if (status < 0 and inRange(job[layout.JOB_RESULT], layout.RESULT_BYTES)) {
        memory.wipe(memory.bytes(job[layout.JOB_RESULT], layout.RESULT_BYTES)[0..layout.RESULT_BYTES]);
    }
    words[layout.JOB_VALUE] = if (status < 0) 0 else value;
    words[layout.JOB_STATUS] = @bitCast(status);
    return status;
}

fn dispatch(job: *const Words, value: *u32) i32 {
    if (!inRange(job[layout.JOB_RESULT], layout.RESULT_BYTES)) return Status.BadArgument;
    const src_len = job[layout.JOB_SRC_LEN];
    if (src_len > 0 and !inRange(job[layout.JOB_SRC], src_len)) return Status.BadArgument;
    const src = memory.bytes(job[layout.JOB_SRC], src_len);
    const result = memory.bytes(job[layout.JOB_RESULT], layout.RESULT_BYTES);
    @memset(result, 0);
    return switch (job[layout.JOB_OP]) {
        layout.OP_HASH => hash(job, src, result.ptr, value),
        layout.OP_CUT => cut(job, src, result.ptr, value),
        layout.OP_SEAL => seal(job, src, result.ptr, value),
        layout.OP_OPEN => open(job, src, result.ptr, value),
        else => Status.BadArgument,
    };
}

/// The key slot a job names by its offset; null if it names none, an error if there cannot be one.
fn keySlot(job: *const Words) error{BadArgument}!?keys.Slot {
    const offset = job[layout.JOB_KEYS];
    if (offset == 0) return null;
    if (!inRange(offset, layout.KEY_SLOT_BYTES)) return error.BadArgument;
    return .{ .bytes = memory.bytes(offset, layout.KEY_SLOT_BYTES).ptr };
}

/// The incremental hash a job names in ARG0; null if it names none, an error if there cannot be one.
fn runningHash(job: *const Words) error{BadArgument}!?*blake3.State {
    const offset = job[layout.JOB_ARG0];
    if (offset == 0) return null;
    if (offset % 8 != 0 or !inRange(offset, @sizeOf(blake3.State))) return error.BadArgument;
    const state = memory.at(blake3.State, offset);
    return if (state.valid()) state else error.BadArgument;
}

fn hash(job: *const Words, src: []const u8, result: [*]u8, value: *u32) i32 {
    if (job[layout.JOB_FLAGS] & layout.HASH_TREE != 0) return hashTree(job, src, value);
    const running = runningHash(job) catch return Status.BadArgument;
    if (running) |state| blake3.update(state, src) else blake3.hash(src, result[layout.RESULT_BID..][0..32]);
    value.* = @intCast(src.len);
    return 0;
}

fn hashTree(job: *const Words, src: []const u8, value: *u32) i32 {
    const count = blake3.treeValues(src.len);
    const cap = job[layout.JOB_DST_CAP];
    if (cap / 32 < count or !inRange(job[layout.JOB_DST], cap)) return Status.BadArgument;
    blake3.tree(src, memory.bytes(job[layout.JOB_DST], cap).ptr);
    value.* = @intCast(count);
    return 0;
}

fn cut(job: *const Words, src: []const u8, result: [*]u8, value: *u32) i32 {
    const slot = (keySlot(job) catch return Status.BadArgument) orelse return Status.BadArgument;
    const rows = job[layout.JOB_DST_CAP] / layout.CUT_ROW_BYTES;
    if (rows == 0 or !inRange(job[layout.JOB_DST], job[layout.JOB_DST_CAP])) return Status.BadArgument;
    const running = runningHash(job) catch return Status.BadArgument;
    const final = job[layout.JOB_FLAGS] & layout.CUT_FINAL != 0;
    var consumed: usize = 0;
    var count: u32 = 0;
    while (count < rows) : (count += 1) {
        const len = gear.cut(slot.table(), src[consumed..], final);
        if (len == 0) break;
        const chunk = src[consumed..][0..len];
        const row = memory.bytes(job[layout.JOB_DST] + count * layout.CUT_ROW_BYTES, layout.CUT_ROW_BYTES).ptr;
        memory.store32(row, len);
        memory.store32(row + 4, 0);
        blake3.hash(chunk, row[8..40]);
        blake3.keyed(slot.id(), row[8..40], row[40..72]);
        if (running) |state| blake3.update(state, chunk);
        consumed += len;
    }
    memory.store32(result, @intCast(consumed));
    value.* = count;
    return 0;
}

fn seal(job: *const Words, src: []const u8, result: [*]u8, value: *u32) i32 {
    const slot = (keySlot(job) catch return Status.BadArgument) orelse return Status.BadArgument;
    const kind = job[layout.JOB_ARG0];
    const quality = job[layout.JOB_ARG1];
    if (kind < 1 or kind > keys.kind_max or quality > 11) return Status.BadArgument;
    const with_ids = job[layout.JOB_FLAGS] & layout.SEAL_NO_IDS == 0;
    const status = block.seal(slot, kind, quality, src, with_ids, result);
    if (status == 0) value.* = memory.load32(result + layout.RESULT_BYTES_LEN);
    return status;
}

fn open(job: *const Words, src: []const u8, result: [*]u8, value: *u32) i32 {
    const slot = keySlot(job) catch return Status.BadArgument;
    const flags = job[layout.JOB_FLAGS];
    const kind = job[layout.JOB_ARG0];
    if (kind < 1 or kind > keys.kind_max) return Status.BadArgument;
    const named = flags & (layout.OPEN_WITH_SECRET | layout.OPEN_CHECK_BID | layout.OPEN_CHECK_H) != 0;
    if (named and !inRange(job[layout.JOB_ARG1], layout.OPEN_ARGS_BYTES)) return Status.BadArgument;
    if (flags & layout.OPEN_WITH_SECRET == 0 and slot == null) return Status.BadArgument;
    const args = memory.bytes(job[layout.JOB_ARG1], if (named) layout.OPEN_ARGS_BYTES else 0).ptr;
    const wanted = block.Wanted{
        .slot = slot,
        .kind = kind,
        .secret = if (flags & layout.OPEN_WITH_SECRET != 0) args[0..32] else null,
        .bid = if (flags & layout.OPEN_CHECK_BID != 0) args[32..64] else null,
        .h = if (flags & layout.OPEN_CHECK_H != 0) args[64..96] else null,
        .raw_len_max = job[layout.JOB_ARG2],
        .verify_only = flags & layout.OPEN_VERIFY_ONLY != 0,
    };
    const status = block.open(&wanted, src, result);
    if (status == 0) value.* = memory.load32(result + layout.RESULT_RAW_LEN);
    return status;
}

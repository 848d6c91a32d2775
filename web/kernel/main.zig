//! The kernel's exports. Every argument and result is an i32 (a u32 here); every address an offset in the shared memory.
//!
//! Direct exports trust their caller's ranges (a wrong one traps, as in any WebAssembly); `job_run` trusts nothing.
//! An instance sets `__stack_pointer` to its own stack before its first call (web/shared/kernel.js).

const std = @import("std");
const aead = @import("aead.zig");
const arena = @import("arena.zig");
const blake3 = @import("blake3.zig");
const brotli = @import("brotli.zig");
const gear = @import("gear.zig");
const job = @import("job.zig");
const keys = @import("keys.zig");
const layout = @import("layout.gen.zig");
const memory = @import("memory.zig");
const bytes = memory.bytes;

pub fn panic(_: []const u8, _: ?*std.builtin.StackTrace, _: ?usize) noreturn {
    @trap();
}

export fn kernel_version() u32 {
    return layout.LAYOUT_VERSION;
}

// --- arena ---------------------------------------------------------------------------------------------------------

export fn arena_attach(arena_offset: u32, memory_bytes: u32) i32 {
    return arena.attach(arena_offset, memory_bytes);
}
export fn arena_alloc(len: u32) u32 {
    return arena.alloc(len);
}
export fn arena_retain(offset: u32) i32 {
    return arena.retain(offset);
}
export fn arena_release(offset: u32) i32 {
    return arena.release(offset);
}
export fn arena_shrink(offset: u32, len: u32) i32 {
    return arena.shrink(offset, len);
}
export fn arena_used() u32 {
    return arena.usedBytes();
}
export fn arena_blocks() u32 {
    return arena.blockCount();
}
export fn arena_capacity() u32 {
    return arena.capacityBytes();
}
export fn arena_check() i32 {
    return arena.check();
}

// --- BLAKE3 --------------------------------------------------------------------------------------------------------

export fn blake3_hash(src: u32, len: u32, dst: u32) void {
    blake3.hash(bytes(src, len), bytes(dst, 32));
}
export fn blake3_keyed(key: u32, src: u32, len: u32, dst: u32) void {
    blake3.keyed(bytes(key, 32)[0..32], bytes(src, len), bytes(dst, 32));
}
export fn blake3_derive(context: u32, context_len: u32, src: u32, len: u32, dst: u32, dst_len: u32) void {
    blake3.derive(bytes(context, context_len), bytes(src, len), bytes(dst, dst_len));
}
export fn blake3_state_bytes() u32 {
    return @sizeOf(blake3.State);
}

/// The state at an offset that a caller gave, or null if it cannot be one.
fn stateAt(offset: u32) ?*blake3.State {
    if (offset % @alignOf(blake3.State) != 0 or !memory.inRange(offset, @sizeOf(blake3.State))) return null;
    return memory.at(blake3.State, offset);
}

export fn blake3_init(state: u32) i32 {
    blake3.init(stateAt(state) orelse return layout.Status.BadArgument);
    return 0;
}
export fn blake3_init_keyed(state: u32, key: u32) i32 {
    blake3.initKeyed(stateAt(state) orelse return layout.Status.BadArgument, bytes(key, 32)[0..32]);
    return 0;
}
export fn blake3_update(state: u32, src: u32, len: u32) i32 {
    const s = stateAt(state) orelse return layout.Status.BadArgument;
    if (!s.valid()) return layout.Status.BadArgument;
    blake3.update(s, bytes(src, len));
    return 0;
}
export fn blake3_final(state: u32, dst: u32, dst_len: u32) i32 {
    const s = stateAt(state) orelse return layout.Status.BadArgument;
    if (!s.valid()) return layout.Status.BadArgument;
    blake3.final(s, bytes(dst, dst_len));
    return 0;
}

// --- AEAD, Brotli, chunker, keys, jobs ---------------------------------------------------------------------------------

export fn aead_seal(key: u32, nonce: u32, aad: u32, aad_len: u32, buffer: u32, len: u32, tag: u32) void {
    aead.seal(bytes(key, 32)[0..32], bytes(nonce, 12)[0..12], bytes(aad, aad_len), bytes(buffer, len), bytes(tag, 16)[0..16]);
}
export fn aead_open(key: u32, nonce: u32, aad: u32, aad_len: u32, buffer: u32, len: u32, tag: u32) i32 {
    const ok = aead.open(bytes(key, 32)[0..32], bytes(nonce, 12)[0..12], bytes(aad, aad_len), bytes(buffer, len), bytes(tag, 16)[0..16]);
    return if (ok) 0 else layout.Status.AuthFailed;
}
export fn brotli_encode(src: u32, len: u32, dst: u32, cap: u32, quality: u32, lgwin: u32) i32 {
    return brotli.encode(bytes(src, len), bytes(dst, cap), quality, lgwin);
}
export fn brotli_decode(src: u32, len: u32, dst: u32, raw_len: u32) i32 {
    return brotli.decode(bytes(src, len), bytes(dst, raw_len));
}
export fn gear_table(secret: u32, dst: u32) void {
    keys.fillTable(bytes(secret, 32)[0..32], bytes(dst, 2048)[0..2048]);
}
export fn gear_cut(table: u32, src: u32, len: u32, final: u32) u32 {
    return gear.cut(@ptrCast(bytes(table, 2048).ptr), bytes(src, len), final != 0);
}
export fn keys_derive(secret: u32, slot: u32) void {
    keys.fillSlot(bytes(secret, 32)[0..32], bytes(slot, layout.KEY_SLOT_BYTES).ptr);
}
export fn job_run(descriptor: u32) i32 {
    return job.run(descriptor);
}

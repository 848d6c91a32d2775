//! Brotli through google's C sources, their memory taken from the arena.
//!
//! Nouns: a *budget* bounds what one call may hold at a time and remembers why it was refused.
//! Invariants: a decoder never writes past `raw_len`, accepts no trailing byte, no large window, and holds at most twice the
//! raw length (rounded up) plus its tables, whatever window a stream asks for; all memory is back in the arena on return.

const std = @import("std");
const arena = @import("arena.zig");
const layout = @import("layout.gen.zig");
const memory = @import("memory.zig");
const Status = layout.Status;

const Allocate = *const fn (?*anyopaque, usize) callconv(.c) ?*anyopaque;
const Free = *const fn (?*anyopaque, ?*anyopaque) callconv(.c) void;
const State = opaque {};

extern fn BrotliEncoderCreateInstance(Allocate, Free, *Budget) ?*State;
extern fn BrotliEncoderSetParameter(*State, c_int, u32) c_int;
extern fn BrotliEncoderCompressStream(*State, c_int, *usize, *[*]const u8, *usize, *[*]u8, ?*usize) c_int;
extern fn BrotliEncoderIsFinished(*State) c_int;
extern fn BrotliEncoderDestroyInstance(*State) void;
extern fn BrotliDecoderCreateInstance(Allocate, Free, *Budget) ?*State;
extern fn BrotliDecoderDecompressStream(*State, *usize, *[*]const u8, *usize, *[*]u8, ?*usize) c_int;
extern fn BrotliDecoderDestroyInstance(*State) void;

const parameter_quality = 1;
const parameter_lgwin = 2;
const parameter_size_hint = 5;
const operation_finish = 2;
const decoder_success = 1;

pub const window_bits_min = 18;
pub const window_bits_max = 22;
// Three groups of at most 256 Huffman tables of at most 1.3 MiB together with the context maps.
const decoder_tables_bytes_max = 4 << 20;

const Budget = struct {
    left: u64,
    refused: i32 = 0, // the status that a refused allocation stands for

    fn allocate(self_: ?*anyopaque, size: usize) callconv(.c) ?*anyopaque {
        const self: *Budget = @ptrCast(@alignCast(self_.?));
        if (size > self.left) {
            self.refused = Status.CodecError;
            return null;
        }
        const offset = if (size > arena.block_bytes_max) 0 else arena.alloc(@intCast(size));
        if (offset == 0) {
            self.refused = Status.ArenaFull;
            return null;
        }
        self.left -|= arena.sizeOf(offset);
        return memory.at(u8, offset);
    }

    fn free(self_: ?*anyopaque, block: ?*anyopaque) callconv(.c) void {
        const self: *Budget = @ptrCast(@alignCast(self_.?));
        const pointer = block orelse return;
        const offset = memory.offsetOf(pointer);
        self.left += arena.sizeOf(offset);
        _ = arena.release(offset);
    }
};

/// The smallest window that covers `len` bytes, within what we use.
pub fn windowBits(len: u32) u32 {
    var bits: u32 = window_bits_min;
    while (bits < window_bits_max and (@as(u32, 1) << @intCast(bits)) - 16 < len) bits += 1;
    return bits;
}

/// Length of the stream; LimitExceeded if it does not fit into dst; ArenaFull; BadArgument.
pub fn encode(src: []const u8, dst: []u8, quality: u32, lgwin: u32) i32 {
    if (quality > 11 or lgwin < 10 or lgwin > 24) return Status.BadArgument;
    if (dst.len == 0) return Status.LimitExceeded;
    var budget = Budget{ .left = layout.MEMORY_BYTES_MAX };
    const state = BrotliEncoderCreateInstance(&Budget.allocate, &Budget.free, &budget) orelse return Status.ArenaFull;
    defer BrotliEncoderDestroyInstance(state);
    _ = BrotliEncoderSetParameter(state, parameter_quality, quality);
    _ = BrotliEncoderSetParameter(state, parameter_lgwin, lgwin);
    _ = BrotliEncoderSetParameter(state, parameter_size_hint, @intCast(src.len));
    var in_left = src.len;
    var in = src.ptr;
    var out_left = dst.len;
    var out = dst.ptr;
    const ok = BrotliEncoderCompressStream(state, operation_finish, &in_left, &in, &out_left, &out, null);
    if (budget.refused != 0) return budget.refused;
    if (ok == 0) return Status.CodecError;
    if (BrotliEncoderIsFinished(state) == 0) return Status.LimitExceeded;
    return @intCast(dst.len - out_left);
}

/// 0 if `src` is exactly one stream of exactly dst.len bytes; else CodecError or ArenaFull, with dst in any state.
pub fn decode(src: []const u8, dst: []u8) i32 {
    const ring_bytes = std.math.ceilPowerOfTwoAssert(u64, @max(dst.len, 1024));
    var budget = Budget{ .left = decoder_tables_bytes_max + 2 * ring_bytes };
    const state = BrotliDecoderCreateInstance(&Budget.allocate, &Budget.free, &budget) orelse return budget.refused;
    defer BrotliDecoderDestroyInstance(state);
    var in_left = src.len;
    var in = src.ptr;
    var out_left = dst.len;
    var out = dst.ptr;
    const result = BrotliDecoderDecompressStream(state, &in_left, &in, &out_left, &out, null);
    if (budget.refused != 0) return budget.refused;
    if (result != decoder_success or in_left != 0 or out_left != 0) return Status.CodecError;
    return 0;
}

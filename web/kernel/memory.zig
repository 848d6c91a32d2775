//! Offsets into the shared memory, and what may be done with them.
//!
//! Nouns: an *offset* is a byte address in the one shared memory, a u32; a *range* is an offset and a length.
//! Invariants: a range that came from a descriptor is checked by `job.zig` before it becomes a pointer; nothing below
//! KERNEL_BYTES (our static data) and nothing of the stacks is ever in range. Knows nothing of jobs or blocks.

const std = @import("std");
const layout = @import("layout.gen.zig");

var no_bytes: [1]u8 = .{0};

/// Length of the memory that this instance was given. At most 1 GiB, so it fits.
pub fn sizeBytes() u32 {
    return @intCast(@wasmMemorySize(0) * layout.PAGE_BYTES);
}

/// Whether all of [offset, offset + len) is memory that is not the kernel's own.
pub fn inRange(offset: u32, len: u32) bool {
    const end = @as(u64, offset) + len;
    if (offset < layout.KERNEL_BYTES or end > sizeBytes()) return false;
    return end <= layout.REGION_STACKS or offset >= layout.REGION_STACKS + layout.REGION_STACKS_BYTES;
}

/// The bytes of a range. An empty range may have any offset, even 0, which is no valid pointer in Zig.
pub fn bytes(offset: u32, len: u32) []u8 {
    if (len == 0) return no_bytes[0..0];
    return @as([*]u8, @ptrFromInt(offset))[0..len];
}

pub fn at(comptime T: type, offset: u32) *T {
    return @ptrFromInt(offset);
}

pub fn offsetOf(pointer: anytype) u32 {
    return @intCast(@intFromPtr(pointer));
}

pub inline fn load32(p: [*]const u8) u32 {
    return std.mem.readInt(u32, p[0..4], .little);
}

pub inline fn store32(p: [*]u8, value: u32) void {
    std.mem.writeInt(u32, p[0..4], value, .little);
}

/// Overwrites a secret; the stores are volatile, so that the compiler keeps them.
pub fn wipe(secret: anytype) void {
    const T = @typeInfo(@TypeOf(secret)).pointer.child;
    if (@sizeOf(T) % 8 == 0) {
        const words: *align(1) volatile [@sizeOf(T) / 8]u64 = @ptrCast(secret);
        for (words) |*word| word.* = 0;
    } else {
        const all: *volatile [@sizeOf(T)]u8 = @ptrCast(secret);
        for (all) |*byte| byte.* = 0;
    }
}

/// Compares 16- to 32-byte secrets in constant time.
pub fn equalSecret(comptime n: usize, a: *const [n]u8, b: *const [n]u8) bool {
    var difference: u8 = 0;
    for (a, b) |x, y| difference |= x ^ y;
    return difference == 0;
}

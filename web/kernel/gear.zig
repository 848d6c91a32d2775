//! gear64, the content-defined chunker of vault-format 1.3.
//!
//! Nouns: the *table* is 256 u64 from the chunker key; a *cut* is a chunk's length. The hash of a position depends on the
//! 64 bytes before it only, since every byte shifts the others up by one.
//! Invariants: a cut depends on nothing but the table and the bytes from the chunk's start; min <= cut <= max except for
//! the last chunk of a file.

const std = @import("std");
const layout = @import("layout.gen.zig");

pub const Table = [256]u64;
const below_normal: u64 = 1 << (64 - 22);
const from_normal: u64 = 1 << (64 - 18);

/// Scans [from, to); the length up to and with the first byte whose hash is below `limit`, or 0.
inline fn scan(table: *align(1) const Table, src: []const u8, from: usize, to: usize, hash: *u64, limit: u64) usize {
    var h = hash.*;
    var i = from;
    while (i + 8 <= to) : (i += 8) {
        const word = std.mem.readInt(u64, src[i..][0..8], .little);
        inline for (0..8) |k| {
            h = (h << 1) +% table[@as(u8, @truncate(word >> (8 * k)))];
            if (h < limit) return i + k + 1;
        }
    }
    while (i < to) : (i += 1) {
        h = (h << 1) +% table[src[i]];
        if (h < limit) return i + 1;
    }
    hash.* = h;
    return 0;
}

/// Length of the first chunk of `src`; 0 = more bytes are needed to know (never when `final`, except for no bytes at all).
pub fn cut(table: *align(1) const Table, src: []const u8, final: bool) u32 {
    const len: usize = @min(src.len, layout.CHUNK_BYTES_MAX);
    var h: u64 = 0;
    const middle = @min(len, layout.CHUNK_BYTES_NORMAL);
    if (len > layout.CHUNK_BYTES_MIN) {
        const early = scan(table, src, layout.CHUNK_BYTES_MIN, middle, &h, below_normal);
        if (early != 0) return @intCast(early);
        const late = scan(table, src, middle, len, &h, from_normal);
        if (late != 0) return @intCast(late);
    }
    return if (final or len == layout.CHUNK_BYTES_MAX) @intCast(len) else 0;
}

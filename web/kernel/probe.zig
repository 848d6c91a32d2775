//! Whether bytes are worth a Brotli pass, told for a small part of its cost.
//!
//! Nouns: a *segment* is 16 KiB, whose byte counts are compared with those of random bytes; a *sample* is a position where
//! one chosen byte value stands, so that repeated bytes are sampled at the same places in every repetition.
//! Invariant: it errs on the side of compressing: one segment with an odd histogram, or two repeated strings of eight bytes
//! anywhere, and the answer is yes. Random bytes get no at once.

const std = @import("std");

const segment_bytes = 16 * 1024;
const table_bits = 13;
const sample_byte = 0x5A;
const long_matches_min = 2;
const short_matches_min = 48; // 3.75 MiB of random bytes give about 7 repeats of four bytes by chance

/// The sum of squared counts of n random bytes is n + n^2/256 on average with a deviation of n * sqrt(2 * 255) / 256. Six
/// deviations above are taken as structure.
fn histogramIsOdd(segment: []const u8) bool {
    var counts: [4][256]u32 = @splat(@splat(0));
    const n = segment.len & ~@as(usize, 7);
    var i: usize = 0;
    while (i < n) : (i += 8) {
        const word = std.mem.readInt(u64, segment[i..][0..8], .little);
        inline for (0..8) |k| counts[k % 4][@as(u8, @truncate(word >> (8 * k)))] += 1;
    }
    var squares: u64 = 0;
    for (0..256) |value| {
        const count: u64 = counts[0][value] + counts[1][value] + counts[2][value] + counts[3][value];
        squares += count * count;
    }
    const expected = n + n * n / 256;
    const deviation = n * 23 / 256;
    return squares > expected + 6 * deviation;
}

const Matches = struct {
    positions: [1 << table_bits]u32 = @splat(0), // 1 + position of the last sample with this hash
    long: u32 = 0,
    short: u32 = 0,

    fn sample(m: *Matches, src: []const u8, at: usize) void {
        const four = std.mem.readInt(u32, src[at + 1 ..][0..4], .little);
        const slot = &m.positions[(four *% 0x9E3779B1) >> (32 - table_bits)];
        const before = slot.*;
        slot.* = @intCast(at + 1);
        if (before == 0 or std.mem.readInt(u32, src[before..][0..4], .little) != four) return;
        m.short += 1;
        if (std.mem.readInt(u64, src[before..][0..8], .little) == std.mem.readInt(u64, src[at + 1 ..][0..8], .little)) m.long += 1;
    }

    fn enough(m: *const Matches) bool {
        return m.long >= long_matches_min or m.short >= short_matches_min;
    }
};

fn repeats(src: []const u8) bool {
    const Lanes = @Vector(16, u8);
    var m = Matches{};
    var at: usize = 0;
    while (at + 16 + 9 <= src.len) : (at += 16) {
        const lanes: Lanes = src[at..][0..16].*;
        var hits: u16 = @bitCast(lanes == @as(Lanes, @splat(sample_byte)));
        while (hits != 0) : (hits &= hits - 1) m.sample(src, at + @ctz(hits));
        if (m.enough()) return true;
    }
    return false;
}

pub fn worthCompressing(src: []const u8) bool {
    if (src.len < 4096) return true; // too little to judge; a pass over it costs microseconds
    var at: usize = 0;
    while (at < src.len) : (at += segment_bytes) {
        if (histogramIsOdd(src[at..@min(src.len, at + segment_bytes)])) return true;
    }
    return repeats(src);
}

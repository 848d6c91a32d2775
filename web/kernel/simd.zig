//! Four 32-bit lanes: the few vector moves that BLAKE3 and ChaCha20 share.
//!
//! Rotations by 16 and 8 are byte shuffles (one instruction) where a shift pair would be three.

pub const V = @Vector(4, u32);
const Bytes = @Vector(16, u8);

pub inline fn load(p: [*]const u8) V {
    return @as(*align(1) const V, @ptrCast(p)).*;
}

pub inline fn store(p: [*]u8, v: V) void {
    @as(*align(1) V, @ptrCast(p)).* = v;
}

const by16 = [16]i32{ 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13 };
const by8 = [16]i32{ 1, 2, 3, 0, 5, 6, 7, 4, 9, 10, 11, 8, 13, 14, 15, 12 };
const by24 = [16]i32{ 3, 0, 1, 2, 7, 4, 5, 6, 11, 8, 9, 10, 15, 12, 13, 14 };

pub inline fn rotateRight(comptime T: type, x: T, comptime n: u5) T {
    if (T == u32) return (x >> n) | (x << @intCast(32 - @as(u6, n)));
    return switch (n) {
        16 => shuffleBytes(x, by16),
        8 => shuffleBytes(x, by8),
        24 => shuffleBytes(x, by24),
        else => (x >> @as(@Vector(4, u5), @splat(n))) | (x << @as(@Vector(4, u5), @splat(@intCast(32 - @as(u6, n))))),
    };
}

inline fn shuffleBytes(x: V, comptime order: [16]i32) V {
    return @bitCast(@shuffle(u8, @as(Bytes, @bitCast(x)), undefined, order));
}

/// Rows become columns.
pub inline fn transpose(r: *[4]V) void {
    const a = @shuffle(u32, r[0], r[1], [4]i32{ 0, -1, 1, -2 });
    const b = @shuffle(u32, r[0], r[1], [4]i32{ 2, -3, 3, -4 });
    const c = @shuffle(u32, r[2], r[3], [4]i32{ 0, -1, 1, -2 });
    const d = @shuffle(u32, r[2], r[3], [4]i32{ 2, -3, 3, -4 });
    r[0] = @shuffle(u32, a, c, [4]i32{ 0, 1, -1, -2 });
    r[1] = @shuffle(u32, a, c, [4]i32{ 2, 3, -3, -4 });
    r[2] = @shuffle(u32, b, d, [4]i32{ 0, 1, -1, -2 });
    r[3] = @shuffle(u32, b, d, [4]i32{ 2, 3, -3, -4 });
}

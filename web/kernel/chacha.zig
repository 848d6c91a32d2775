//! ChaCha20 (RFC 8439): four blocks at a time, one in each lane of sixteen vectors.
//!
//! Invariants: source and destination may be the same bytes, or may not overlap at all; the 32-bit block counter never
//! wraps, since no message is longer than 4 GiB. Key stream that is left over is wiped.

const memory = @import("memory.zig");
const poly1305 = @import("poly1305.zig");
const simd = @import("simd.zig");
const V = simd.V;

pub const block_bytes = 64;
pub const batch_bytes = 4 * block_bytes;
const constants = [4]u32{ 0x61707865, 0x3320646E, 0x79622D32, 0x6B206574 };

/// What runs beside a batch, sixteen steps of it: nothing, or Poly1305 over 256 bytes.
const Nothing = struct {
    inline fn step(_: Nothing) void {}
};
const Absorber = struct {
    state: poly1305.State,
    next: [*]const u8,

    inline fn step(a: *Absorber) void {
        a.state.absorb(a.next, 1);
        a.next += 16;
    }
};

pub const Cipher = struct {
    key: [8]u32,
    nonce: [3]u32,

    pub fn init(key: *const [32]u8, nonce: *const [12]u8) Cipher {
        var c: Cipher = undefined;
        inline for (0..8) |i| c.key[i] = memory.load32(key[4 * i ..]);
        inline for (0..3) |i| c.nonce[i] = memory.load32(nonce[4 * i ..]);
        return c;
    }

    /// dst = src xor key stream, from the start of block `counter` on.
    pub fn xor(c: *const Cipher, dst: [*]u8, src: [*]const u8, len: usize, counter: u32) void {
        var at: usize = 0;
        var block = counter;
        while (at + batch_bytes <= len) : (at += batch_bytes) {
            c.batch(dst + at, src + at, block, Nothing{});
            block +%= 4;
        }
        if (at == len) return;
        var rest: [batch_bytes]u8 = @splat(0);
        @memcpy(rest[0 .. len - at], src[at..len]);
        if (len - at <= block_bytes) c.single(&rest, block) else c.batch(&rest, &rest, block, Nothing{});
        @memcpy(dst[at..len], rest[0 .. len - at]);
        memory.wipe(&rest);
    }

    /// The first key stream bytes of block `counter`.
    pub fn stream(c: *const Cipher, out: *[block_bytes]u8, counter: u32) void {
        out.* = @splat(0);
        c.single(out, counter);
    }

    /// The same for whole batches, while `mac` absorbs what comes out, one batch behind. The two use different units of a
    /// processor (vectors, multiplier), so side by side they take little longer than ChaCha20 alone.
    pub fn xorAndAbsorb(c: *const Cipher, dst: [*]u8, src: [*]const u8, batches: usize, counter: u32, mac: *poly1305.State) void {
        if (batches == 0) return;
        c.batch(dst, src, counter, Nothing{});
        var absorber = Absorber{ .state = mac.*, .next = dst };
        for (1..batches) |i| {
            c.batch(dst + i * batch_bytes, src + i * batch_bytes, counter +% @as(u32, @intCast(4 * i)), &absorber);
        }
        for (0..batch_bytes / 16) |_| absorber.step();
        mac.* = absorber.state;
    }

    inline fn batch(c: *const Cipher, dst: [*]u8, src: [*]const u8, counter: u32, beside: anytype) void {
        const counters = @as(V, @splat(counter)) +% V{ 0, 1, 2, 3 };
        var x: [16]V = undefined;
        inline for (0..4) |i| x[i] = @splat(constants[i]);
        inline for (0..8) |i| x[4 + i] = @splat(c.key[i]);
        x[12] = counters;
        inline for (0..3) |i| x[13 + i] = @splat(c.nonce[i]);
        for (0..8) |_| {
            columns(&x);
            beside.step();
            diagonals(&x);
            beside.step();
        }
        for (0..2) |_| {
            columns(&x);
            diagonals(&x);
        }
        inline for (0..4) |i| x[i] +%= @as(V, @splat(constants[i]));
        inline for (0..8) |i| x[4 + i] +%= @as(V, @splat(c.key[i]));
        x[12] +%= counters;
        inline for (0..3) |i| x[13 + i] +%= @as(V, @splat(c.nonce[i]));
        inline for (0..4) |q| {
            simd.transpose(x[4 * q ..][0..4]);
            inline for (0..4) |lane| {
                const place = lane * block_bytes + 16 * q;
                simd.store(dst + place, simd.load(src + place) ^ x[4 * q + lane]);
            }
        }
    }

    /// One block, its rows in four vectors; for tails and for the Poly1305 key.
    fn single(c: *const Cipher, bytes: [*]u8, counter: u32) void {
        const first = [4]V{ constants, c.key[0..4].*, c.key[4..8].*, .{ counter, c.nonce[0], c.nonce[1], c.nonce[2] } };
        var r = first;
        for (0..10) |_| {
            quarter(&r[0], &r[1], &r[2], &r[3]);
            inline for (1..4) |i| r[i] = turn(r[i], i);
            quarter(&r[0], &r[1], &r[2], &r[3]);
            inline for (1..4) |i| r[i] = turn(r[i], 4 - i);
        }
        inline for (0..4) |i| simd.store(bytes + 16 * i, simd.load(bytes + 16 * i) ^ (r[i] +% first[i]));
    }
};

inline fn columns(x: *[16]V) void {
    inline for (0..4) |i| quarter(&x[i], &x[4 + i], &x[8 + i], &x[12 + i]);
}

inline fn diagonals(x: *[16]V) void {
    inline for (0..4) |i| quarter(&x[i], &x[4 + (i + 1) % 4], &x[8 + (i + 2) % 4], &x[12 + (i + 3) % 4]);
}

inline fn turn(v: V, comptime n: i32) V {
    return @shuffle(u32, v, undefined, [4]i32{ n % 4, (n + 1) % 4, (n + 2) % 4, (n + 3) % 4 });
}

inline fn quarter(a: *V, b: *V, c: *V, d: *V) void {
    a.* +%= b.*;
    d.* = simd.rotateRight(V, d.* ^ a.*, 16);
    c.* +%= d.*;
    b.* = simd.rotateRight(V, b.* ^ c.*, 20);
    a.* +%= b.*;
    d.* = simd.rotateRight(V, d.* ^ a.*, 24);
    c.* +%= d.*;
    b.* = simd.rotateRight(V, b.* ^ c.*, 25);
}

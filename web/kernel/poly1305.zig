//! Poly1305 (RFC 8439, 2.5) on 32-bit limbs with 64-bit products.
//!
//! Nouns: `h` is the accumulator in five limbs (the fifth a few bits), `r` the clamped multiplier in four. Clamping leaves
//! the low two bits of r1..r3 zero, so 2^128 * ri is 5 * (ri / 4) modulo 2^130 - 5 exactly: `folded` holds these.
//! One block is 21 multiplications; its carries are a chain of some 27 cycles, which the AEAD hides behind ChaCha20.
//!
//! Invariants: r < 2^124 and h < 2^130 + small, so no sum of five products reaches 2^64; no branch or address
//! depends on a secret.

const std = @import("std");
const memory = @import("memory.zig");
const load32 = memory.load32;

const low: u64 = 0xFFFF_FFFF;

/// The numbers of one multiplication, small enough to stay in registers.
pub const State = struct {
    h: [5]u64,
    r: [4]u64,
    folded: [4]u64,

    /// h = (h + block + top * 2^128) * r
    pub inline fn absorb(s: *State, block: [*]const u8, top: u64) void {
        const a = s.h[0] + load32(block);
        const b = s.h[1] + load32(block + 4);
        const c = s.h[2] + load32(block + 8);
        const d = s.h[3] + load32(block + 12);
        const e = s.h[4] + top;
        const r = s.r;
        const f = s.folded;
        const x0 = a * r[0] + b * f[3] + c * f[2] + d * f[1] + e * f[0];
        const x1 = a * r[1] + b * r[0] + c * f[3] + d * f[2] + e * f[1];
        const x2 = a * r[2] + b * r[1] + c * r[0] + d * f[3] + e * f[2];
        const x3 = a * r[3] + b * r[2] + c * r[1] + d * r[0] + e * f[3];
        const x4 = e * (r[0] & 3) + (x3 >> 32);
        const y0 = (x4 >> 2) * 5 + (x0 & low);
        const y1 = (y0 >> 32) + (x0 >> 32) + (x1 & low);
        const y2 = (y1 >> 32) + (x1 >> 32) + (x2 & low);
        const y3 = (y2 >> 32) + (x2 >> 32) + (x3 & low);
        s.h = .{ y0 & low, y1 & low, y2 & low, y3 & low, (y3 >> 32) + (x4 & 3) };
    }
};

pub const Poly1305 = struct {
    state: State,
    mask: [4]u32, // added at the end
    rest: [16]u8,
    rest_len: usize,

    pub fn init(key: *const [32]u8) Poly1305 {
        var p: Poly1305 = .{ .state = undefined, .mask = undefined, .rest = undefined, .rest_len = 0 };
        p.state.h = @splat(0);
        inline for (0..4) |i| {
            p.state.r[i] = load32(key[4 * i ..]) & @as(u32, if (i == 0) 0x0FFFFFFF else 0x0FFFFFFC);
            p.state.folded[i] = (p.state.r[i] >> 2) * 5;
            p.mask[i] = load32(key[16 + 4 * i ..]);
        }
        return p;
    }

    pub fn update(p: *Poly1305, input: []const u8) void {
        var in = input;
        if (p.rest_len > 0) {
            const take = @min(16 - p.rest_len, in.len);
            @memcpy(p.rest[p.rest_len..][0..take], in[0..take]);
            p.rest_len += take;
            in = in[take..];
            if (p.rest_len < 16) return;
            p.state.absorb(&p.rest, 1);
            p.rest_len = 0;
        }
        var s = p.state;
        while (in.len >= 16) : (in = in[16..]) s.absorb(in.ptr, 1);
        p.state = s;
        @memcpy(p.rest[0..in.len], in);
        p.rest_len = in.len;
    }

    /// Fills the block that was begun with zeros.
    pub fn pad(p: *Poly1305) void {
        if (p.rest_len == 0) return;
        @memset(p.rest[p.rest_len..], 0);
        p.state.absorb(&p.rest, 1);
        p.rest_len = 0;
    }

    /// The tag: (h mod 2^130 - 5) + mask mod 2^128. Whole blocks only: the AEAD pads.
    pub fn final(p: *const Poly1305, out: *[16]u8) void {
        const h = p.state.h;
        // h + 5 reaches 2^130 exactly if h >= 2^130 - 5; then the low bits of h + 5 are what remains of h.
        var carry: u64 = 5;
        inline for (0..4) |i| carry = (carry + h[i]) >> 32;
        const over = (carry + h[4]) >> 2;
        var sum: u64 = over * 5;
        inline for (0..4) |i| {
            sum += h[i] + p.mask[i];
            std.mem.writeInt(u32, out[4 * i ..][0..4], @truncate(sum), .little);
            sum >>= 32;
        }
    }
};

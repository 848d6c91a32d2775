//! ChaCha20-Poly1305 (RFC 8439): seal and open, in place or from one buffer into another.
//!
//! Invariants: open verifies the tag over the ciphertext before it decrypts a byte; keys are wiped on return.

const std = @import("std");
const memory = @import("memory.zig");
const chacha = @import("chacha.zig");
const Cipher = chacha.Cipher;
const Poly1305 = @import("poly1305.zig").Poly1305;

pub const tag_bytes = 16;

/// One message under one key and nonce. Bytes are enciphered from block 1 on; the caller keeps `position` a multiple of 64
/// between calls of `seal`, except after the last.
pub const Message = struct {
    cipher: Cipher,
    mac: Poly1305,
    aad_len: u64,
    position: u64,

    pub fn init(key: *const [32]u8, nonce: *const [12]u8, aad: []const u8) Message {
        var m: Message = .{ .cipher = Cipher.init(key, nonce), .mac = undefined, .aad_len = aad.len, .position = 0 };
        var block: [64]u8 = undefined;
        m.cipher.stream(&block, 0);
        m.mac = Poly1305.init(block[0..32]);
        memory.wipe(&block);
        m.mac.update(aad);
        m.mac.pad();
        return m;
    }

    fn counter(m: *const Message) u32 {
        return @truncate(1 + m.position / 64);
    }

    /// Enciphers src into dst and authenticates what comes out. `position` is a multiple of 64 here.
    pub fn seal(m: *Message, dst: [*]u8, src: [*]const u8, len: usize) void {
        const batches = len / chacha.batch_bytes;
        const whole = batches * chacha.batch_bytes;
        m.cipher.xorAndAbsorb(dst, src, batches, m.counter(), &m.mac.state);
        m.position += whole;
        m.cipher.xor(dst + whole, src + whole, len - whole, m.counter());
        m.mac.update(dst[whole..len]);
        m.position += len - whole;
    }

    pub fn authenticate(m: *Message, ciphertext: []const u8) void {
        m.mac.update(ciphertext);
        m.position += ciphertext.len;
    }

    /// Ends the message. `position` is then the ciphertext's length.
    pub fn tag(m: *Message, out: *[tag_bytes]u8) void {
        m.mac.pad();
        var lengths: [16]u8 = undefined;
        std.mem.writeInt(u64, lengths[0..8], m.aad_len, .little);
        std.mem.writeInt(u64, lengths[8..16], m.position, .little);
        m.mac.update(&lengths);
        m.mac.final(out);
    }

    /// Whether `expected` is the tag of what was authenticated.
    pub fn verify(m: *Message, expected: *const [tag_bytes]u8) bool {
        var computed: [tag_bytes]u8 = undefined;
        m.tag(&computed);
        return memory.equalSecret(tag_bytes, &computed, expected);
    }
};

pub fn seal(key: *const [32]u8, nonce: *const [12]u8, aad: []const u8, buffer: []u8, out: *[tag_bytes]u8) void {
    var m = Message.init(key, nonce, aad);
    defer memory.wipe(&m);
    m.seal(buffer.ptr, buffer.ptr, buffer.len);
    m.tag(out);
}

pub fn open(key: *const [32]u8, nonce: *const [12]u8, aad: []const u8, buffer: []u8, expected: *const [tag_bytes]u8) bool {
    var m = Message.init(key, nonce, aad);
    defer memory.wipe(&m);
    m.authenticate(buffer);
    if (!m.verify(expected)) return false;
    m.cipher.xor(buffer.ptr, buffer.ptr, buffer.len, 1);
    return true;
}

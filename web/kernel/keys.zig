//! The key hierarchy of vault-format 1.3: a key slot from one secret, a block's keys from its salt.
//!
//! Contexts are constants, never built from input. Kinds: 1 chunk, 2 manifest, 3 index.

const blake3 = @import("blake3.zig");
const gear = @import("gear.zig");
const layout = @import("layout.gen.zig");
const memory = @import("memory.zig");

const kinds = [_][]const u8{ "chunk", "manifest", "index" };
pub const kind_max = kinds.len;

fn context(comptime purpose: []const u8) []const u8 {
    return layout.CONTEXT_PREFIX ++ purpose;
}

pub const Slot = struct {
    bytes: [*]u8,

    pub fn id(s: Slot) *const [32]u8 {
        return s.bytes[layout.KEYS_ID..][0..32];
    }
    pub fn siv(s: Slot, kind: u32) *const [32]u8 {
        return s.bytes[layout.KEYS_SIV + 32 * (kind - 1) ..][0..32];
    }
    pub fn enc(s: Slot, kind: u32) *const [32]u8 {
        return s.bytes[layout.KEYS_ENC + 32 * (kind - 1) ..][0..32];
    }
    pub fn table(s: Slot) *align(1) const gear.Table {
        return @ptrCast(s.bytes[layout.KEYS_GEAR..][0..2048]);
    }
};

pub fn fillSlot(secret: *const [32]u8, slot: [*]u8) void {
    blake3.derive(context("chunk id"), secret, slot[layout.KEYS_ID..][0..32]);
    inline for (kinds, 0..) |kind, i| {
        blake3.derive(context("block siv " ++ kind), secret, slot[layout.KEYS_SIV + 32 * i ..][0..32]);
        blake3.derive(context("block enc " ++ kind), secret, slot[layout.KEYS_ENC + 32 * i ..][0..32]);
    }
    blake3.derive(context("chunker"), secret, slot[layout.KEYS_CDC..][0..32]);
    blake3.derive(context("locator"), secret, slot[layout.KEYS_LOC..][0..32]);
    fillTable(secret, slot[layout.KEYS_GEAR..][0..2048]);
}

/// The chunker's table: the longer output of its own derivation (so its first 32 bytes are KEYS_CDC), little-endian u64.
pub fn fillTable(secret: *const [32]u8, table: *[2048]u8) void {
    blake3.derive(context("chunker"), secret, table);
}

/// Key and nonce of one block; 44 bytes that the caller wipes.
pub fn blockKeys(secret: *const [32]u8, out: *[44]u8) void {
    blake3.derive(context("block aead"), secret, out);
}

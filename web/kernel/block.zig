//! INOS block v1 (vault-format 1.3): seal plaintext into a block, open a block into plaintext.
//!
//! Nouns: the *body* is what is enciphered: inner header, payload, zero padding; a *result* is the 256-byte record of
//! layout.py. Invariants: sealing is a pure function of (keys, kind, quality, bytes); the checks of opening come in the order
//! of table 1.5 and each has its own status; on any failure the arena holds what it held before; derived keys are wiped.

const std = @import("std");
const aead = @import("aead.zig");
const arena = @import("arena.zig");
const blake3 = @import("blake3.zig");
const brotli = @import("brotli.zig");
const keys = @import("keys.zig");
const layout = @import("layout.gen.zig");
const memory = @import("memory.zig");
const probe = @import("probe.zig");
const load32 = memory.load32;
const store32 = memory.store32;
const Status = layout.Status;

const header_bytes = layout.BLOCK_HEADER_BYTES;
const inner_bytes = layout.BLOCK_INNER_BYTES;
const tag_bytes = layout.BLOCK_TAG_BYTES;
const block_bytes_min = header_bytes + inner_bytes + tag_bytes;
const version = 1;
const suite = 1;
const codec_raw = 0;
const codec_brotli = 1;
// The first key stream block covers the inner header and this much of the payload.
const head_payload_bytes = 64 - inner_bytes;

/// Length after Padme padding: at most 12 % more, and only O(log log len) told.
pub fn padme(len: u32) u32 {
    if (len < 2) return len;
    const e: u32 = 31 - @clz(len);
    const s: u32 = 32 - @clz(e);
    const mask = (@as(u32, 1) << @intCast(e - s)) - 1;
    return (len + mask) & ~mask;
}

/// Decides the codec and writes the payload if it is Brotli. Length of the stream, 0 for raw, or a negative status.
fn compress(src: []const u8, dst: []u8, quality: u32) i32 {
    if (quality == 0 or src.len == 0) return 0;
    const cap = src.len - @max(src.len / 64, 1); // less than 1/64 gained is not worth a decoder's time
    if (cap == 0 or !probe.worthCompressing(src)) return 0;
    const len = brotli.encode(src, dst[0..cap], quality, brotli.windowBits(@intCast(src.len)));
    return if (len == Status.LimitExceeded) 0 else len;
}

const Names = struct { salt: [32]u8, secret: [32]u8 };

/// Salt over the clear body in two parts (inner header and payload may be apart), and the secret from it.
fn names(slot: keys.Slot, kind: u32, prefix: *const [16]u8, inner: *const [inner_bytes]u8, payload: []const u8, padding: []const u8) Names {
    var n: Names = undefined;
    var s: blake3.State = undefined;
    blake3.initKeyed(&s, slot.siv(kind));
    blake3.update(&s, prefix);
    blake3.update(&s, inner);
    blake3.update(&s, payload);
    blake3.update(&s, padding);
    blake3.final(&s, &n.salt);
    memory.wipe(&s);
    blake3.keyed(slot.enc(kind), &n.salt, &n.secret);
    return n;
}

fn message(secret: *const [32]u8, header: *const [header_bytes]u8, kind: u32) aead.Message {
    var derived: [44]u8 = undefined;
    defer memory.wipe(&derived);
    keys.blockKeys(secret, &derived);
    var aad: [header_bytes + 1]u8 = undefined;
    aad[0..header_bytes].* = header.*;
    aad[header_bytes] = @intCast(kind);
    return aead.Message.init(derived[0..32], derived[32..44], &aad);
}

/// Seals src. 0 and a filled result, whose block the receiver releases; or a status.
pub fn seal(slot: keys.Slot, kind: u32, quality: u32, src: []const u8, with_ids: bool, result: [*]u8) i32 {
    if (src.len > layout.RAW_BYTES_MAX) return Status.LimitExceeded;
    const raw_len: u32 = @intCast(src.len);
    const room = header_bytes + padme(inner_bytes + raw_len) + tag_bytes;
    const offset = arena.alloc(room);
    if (offset == 0) return Status.ArenaFull;
    const block = memory.bytes(offset, room).ptr;
    const stream_len = compress(src, block[header_bytes + inner_bytes .. room], quality);
    if (stream_len < 0) {
        _ = arena.release(offset);
        return stream_len;
    }
    const is_raw = stream_len == 0;
    const enc_len: u32 = if (is_raw) raw_len else @intCast(stream_len);
    const inner = result[0..inner_bytes]; // built where the caller will not look before we overwrite it
    @memset(inner, 0);
    inner[0] = @intCast(kind);
    inner[1] = if (is_raw) codec_raw else codec_brotli;
    inner[2] = if (is_raw) 0 else @intCast(quality);
    store32(inner[4..], raw_len);
    store32(inner[8..], enc_len);
    const payload = if (is_raw) src else block[header_bytes + inner_bytes ..][0..enc_len];
    const block_len = sealBody(slot, kind, block, inner, payload, result);
    _ = arena.shrink(offset, block_len);
    store32(result + layout.RESULT_BYTES_OFFSET, offset);
    store32(result + layout.RESULT_BYTES_LEN, block_len);
    store32(result + layout.RESULT_RAW_LEN, raw_len);
    store32(result + layout.RESULT_ENC_LEN, enc_len);
    result[layout.RESULT_CODEC] = if (is_raw) codec_raw else codec_brotli;
    result[layout.RESULT_QUALITY] = if (is_raw) 0 else @intCast(quality);
    result[layout.RESULT_KIND] = @intCast(kind);
    blake3.hash(block[0..block_len], result[layout.RESULT_BID..][0..32]);
    if (with_ids) {
        blake3.hash(src, result[layout.RESULT_H..][0..32]);
        blake3.keyed(slot.id(), result[layout.RESULT_H..][0..32], result[layout.RESULT_CID..][0..32]);
    }
    return 0;
}

/// Writes header, enciphered body and tag; `payload` is in place already or somewhere else. Fills SALT and SECRET.
fn sealBody(slot: keys.Slot, kind: u32, block: [*]u8, inner: *const [inner_bytes]u8, payload: []const u8, result: [*]u8) u32 {
    const payload_len: u32 = @intCast(payload.len);
    const body_len = padme(inner_bytes + payload_len);
    const block_len = header_bytes + body_len + tag_bytes;
    @memset(block[0..header_bytes], 0);
    block[0..4].* = "INOB".*;
    block[4] = version;
    block[5] = suite;
    store32(block + 8, block_len);
    const body = block + header_bytes;
    const padding = body[inner_bytes + payload_len .. body_len];
    @memset(padding, 0);
    var n = names(slot, kind, block[0..16], inner, payload, padding);
    defer memory.wipe(&n);
    block[16..48].* = n.salt;
    result[layout.RESULT_SALT..][0..32].* = n.salt;
    result[layout.RESULT_SECRET..][0..32].* = n.secret;
    var m = message(&n.secret, block[0..header_bytes], kind);
    defer memory.wipe(&m);
    body[0..inner_bytes].* = inner.*;
    if (payload_len > head_payload_bytes and payload.ptr != body + inner_bytes) {
        // Straight from the source: the first 64-byte block by hand, then whole blocks, then what shares one with padding.
        const whole = (payload_len - head_payload_bytes) & ~@as(u32, 63);
        @memcpy(body[inner_bytes..64], payload[0..head_payload_bytes]);
        m.seal(body, body, 64);
        m.seal(body + 64, payload.ptr + head_payload_bytes, whole);
        const rest = head_payload_bytes + whole;
        @memcpy(body[inner_bytes + rest ..][0 .. payload_len - rest], payload[rest..]);
        m.seal(body + 64 + whole, body + 64 + whole, body_len - 64 - whole);
    } else {
        if (payload.ptr != body + inner_bytes) @memcpy(body[inner_bytes..][0..payload_len], payload);
        m.seal(body, body, body_len);
    }
    m.tag(body[body_len..][0..tag_bytes]);
    return block_len;
}

/// What the caller of open knows and wants. Null = not known, not checked.
pub const Wanted = struct {
    slot: ?keys.Slot,
    kind: u32,
    secret: ?*const [32]u8,
    bid: ?*const [32]u8,
    h: ?*const [32]u8,
    raw_len_max: u32,
    verify_only: bool,
};

pub fn checkHeader(block: []const u8) i32 {
    if (block.len < block_bytes_min) return Status.Truncated;
    if (!std.mem.eql(u8, block[0..4], "INOB")) return Status.BadMagic;
    if (block[4] != version) return Status.UnsupportedVersion;
    if (block[5] != suite) return Status.UnsupportedSuite;
    if (block[6] != 0 or block[7] != 0 or load32(block.ptr + 12) != 0) return Status.MalformedHeader;
    const len = load32(block.ptr + 8);
    if (len > layout.BLOCK_BYTES_MAX or block.len > layout.BLOCK_BYTES_MAX) return Status.LimitExceeded;
    return if (len == block.len) 0 else Status.MalformedHeader;
}

/// Opens a block. 0 and a filled result, whose plaintext the receiver releases; or a status.
pub fn open(wanted: *const Wanted, block: []const u8, result: [*]u8) i32 {
    const bad = checkHeader(block);
    if (bad != 0) return bad;
    if (wanted.bid) |bid| {
        const digest = result[layout.RESULT_BID..][0..32];
        blake3.hash(block, digest);
        if (!std.mem.eql(u8, bid, digest)) return Status.IdMismatch;
    }
    var secret: [32]u8 = undefined;
    defer memory.wipe(&secret);
    if (wanted.secret) |given| {
        secret = given.*;
    } else {
        blake3.keyed(wanted.slot.?.enc(wanted.kind), block[16..48], &secret);
    }
    const body = block[header_bytes .. block.len - tag_bytes];
    var m = message(&secret, block[0..header_bytes], wanted.kind);
    defer memory.wipe(&m);
    m.authenticate(body);
    if (!m.verify(block[block.len - tag_bytes ..][0..tag_bytes])) return Status.AuthFailed;
    result[layout.RESULT_SECRET..][0..32].* = secret;
    return openBody(wanted, &m, block, body, result);
}

fn openBody(wanted: *const Wanted, m: *const aead.Message, block: []const u8, body: []const u8, result: [*]u8) i32 {
    const clear = arena.alloc(@intCast(body.len - inner_bytes));
    if (clear == 0) return Status.ArenaFull;
    const payload = memory.bytes(clear, @intCast(body.len - inner_bytes));
    var head: [64]u8 = @splat(0);
    const head_len = @min(64, body.len);
    m.cipher.xor(&head, body.ptr, head_len, 1);
    @memcpy(payload[0 .. head_len - inner_bytes], head[inner_bytes..head_len]);
    if (body.len > 64) m.cipher.xor(payload.ptr + head_payload_bytes, body.ptr + 64, body.len - 64, 2);
    const status = finish(wanted, block, head[0..inner_bytes], payload, clear, result);
    memory.wipe(&head);
    if (status != 0) {
        @memset(payload, 0);
        _ = arena.release(clear);
    }
    return status;
}

/// Everything that can only be checked on the clear body. On success `clear` is the result's or released.
fn finish(wanted: *const Wanted, block: []const u8, inner: *const [inner_bytes]u8, payload: []u8, clear: u32, result: [*]u8) i32 {
    const raw_len = load32(inner[4..]);
    const enc_len = load32(inner[8..]);
    if (wanted.secret == null) {
        var n = names(wanted.slot.?, wanted.kind, block[0..16], inner, payload, payload[0..0]);
        defer memory.wipe(&n);
        if (!std.mem.eql(u8, &n.salt, block[16..48])) return Status.AuthFailed;
    }
    if (inner[0] != wanted.kind or inner[3] != 0 or load32(inner[12..]) != 0) return Status.MalformedInner;
    if (enc_len > payload.len or padme(inner_bytes + enc_len) != inner_bytes + payload.len) return Status.MalformedInner;
    if (!allZero(payload[enc_len..])) return Status.MalformedInner;
    if (inner[1] > codec_brotli) return Status.CodecError;
    if (raw_len > layout.RAW_BYTES_MAX or raw_len > wanted.raw_len_max) return Status.LimitExceeded;
    if (inner[1] == codec_raw and raw_len != enc_len) return Status.CodecError;
    var plain = clear;
    if (inner[1] == codec_brotli) {
        plain = arena.alloc(raw_len);
        if (plain == 0) return Status.ArenaFull;
        const bad = brotli.decode(payload[0..enc_len], memory.bytes(plain, raw_len));
        if (bad != 0) return drop(plain, raw_len, bad);
    }
    const raw = memory.bytes(plain, raw_len);
    var h: [32]u8 = @splat(0);
    if (wanted.h != null or wanted.slot != null) blake3.hash(raw, &h);
    if (wanted.h) |expected| {
        if (!std.mem.eql(u8, expected, &h)) return if (plain == clear) Status.ContentMismatch else drop(plain, raw_len, Status.ContentMismatch);
    }
    if (plain != clear) _ = arena.release(clear) else _ = arena.shrink(plain, raw_len);
    if (wanted.verify_only) _ = arena.release(plain);
    report(wanted, inner, if (wanted.verify_only) 0 else plain, &h, block[16..48], result);
    return 0;
}

fn drop(plain: u32, len: u32, status: i32) i32 {
    @memset(memory.bytes(plain, len), 0);
    _ = arena.release(plain);
    return status;
}

fn allZero(bytes: []const u8) bool {
    var any: u8 = 0;
    for (bytes) |byte| any |= byte;
    return any == 0;
}

fn report(wanted: *const Wanted, inner: *const [inner_bytes]u8, plain: u32, h: *const [32]u8, salt: *const [32]u8, result: [*]u8) void {
    store32(result + layout.RESULT_BYTES_OFFSET, plain);
    store32(result + layout.RESULT_BYTES_LEN, load32(inner[4..]));
    store32(result + layout.RESULT_RAW_LEN, load32(inner[4..]));
    store32(result + layout.RESULT_ENC_LEN, load32(inner[8..]));
    result[layout.RESULT_CODEC] = inner[1];
    result[layout.RESULT_QUALITY] = inner[2];
    result[layout.RESULT_KIND] = inner[0];
    result[layout.RESULT_SALT..][0..32].* = salt.*;
    result[layout.RESULT_H..][0..32].* = h.*;
    if (wanted.slot) |slot| blake3.keyed(slot.id(), h, result[layout.RESULT_CID..][0..32]);
}

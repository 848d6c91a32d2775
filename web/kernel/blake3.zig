//! BLAKE3: hash, keyed hash, key derivation, any output length, incremental.
//!
//! Nouns: a *chunk* is 1,024 bytes, a *block* 64; a *chaining value* (cv) is eight words; a *subtree* is a power of two of
//! chunks. Four chunks (or four parents) go across the lanes of one vector; groups of sixteen chunks are reduced to one cv
//! before they meet the stack, so that only three of their fifteen parents are compressed alone.
//!
//! Invariants: a cv is pushed only when bytes follow it, so it is never the root; `State` holds no pointers and may live
//! anywhere in shared memory. Paper: https://github.com/BLAKE3-team/BLAKE3-specs (sections 2.1-2.6, 5.1).

const memory = @import("memory.zig");
const simd = @import("simd.zig");
const load32 = memory.load32;
const V = simd.V;

const chunk_bytes = 1024;
const stack_max = 54;
const iv = [8]u32{ 0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19 };
const chunk_start = 1;
const chunk_end = 2;
const parent = 4;
const root = 8;
const keyed_hash = 16;
const derive_key_context = 32;
const derive_key_material = 64;

const permutation = [16]u8{ 2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8 };
const schedule = blk: {
    var rows: [7][16]u8 = undefined;
    for (0..16) |i| rows[0][i] = i;
    for (1..7) |r| {
        for (0..16) |i| rows[r][i] = rows[r - 1][permutation[i]];
    }
    break :blk rows;
};
// The four columns, then the four diagonals, of the 4 x 4 state.
const lines = [8][4]u8{
    .{ 0, 4, 8, 12 },  .{ 1, 5, 9, 13 },  .{ 2, 6, 10, 14 }, .{ 3, 7, 11, 15 },
    .{ 0, 5, 10, 15 }, .{ 1, 6, 11, 12 }, .{ 2, 7, 8, 13 },  .{ 3, 4, 9, 14 },
};

const state_magic: u32 = 0x334B4C42;

pub const State = extern struct {
    magic: u32,
    flags: u32,
    stack_len: u32,
    block_len: u32,
    blocks: u32, // of this chunk, already compressed
    unused: u32,
    counter: u64, // chunks before this one
    key: [8]u32,
    cv: [8]u32,
    block: [64]u8,
    stack: [stack_max][8]u32,

    /// Whether update and final may be called on it: a state in shared memory is input like any other.
    pub fn valid(s: *const State) bool {
        return s.magic == state_magic and s.stack_len <= stack_max and s.block_len <= 64 and s.blocks < 16 and s.counter < 1 << 50;
    }
};

const Output = struct {
    cv: [8]u32,
    block: [64]u8,
    block_len: u32,
    counter: u64,
    flags: u32,

    fn chain(o: *const Output) [8]u32 {
        return compress(&o.cv, &o.block, o.block_len, o.counter, o.flags)[0..8].*;
    }
};

/// One block alone. Words 0..8 are the next cv, all sixteen are output.
fn compress(cv: *const [8]u32, block: *const [64]u8, block_len: u32, counter: u64, flags: u32) [16]u32 {
    var m: [16]u32 = undefined;
    inline for (0..16) |i| m[i] = load32(block[4 * i ..]);
    var v: [16]u32 = undefined;
    inline for (0..8) |i| v[i] = cv[i];
    inline for (0..4) |i| v[8 + i] = iv[i];
    v[12] = @truncate(counter);
    v[13] = @truncate(counter >> 32);
    v[14] = block_len;
    v[15] = flags;
    inline for (0..7) |r| {
        inline for (lines, 0..) |line, i| {
            mix(u32, &v[line[0]], &v[line[1]], &v[line[2]], &v[line[3]], m[schedule[r][2 * i]], m[schedule[r][2 * i + 1]]);
        }
    }
    inline for (0..8) |i| {
        v[i] ^= v[i + 8];
        v[i + 8] ^= cv[i];
    }
    return v;
}

inline fn mix(comptime T: type, a: *T, b: *T, c: *T, d: *T, x: T, y: T) void {
    a.* = a.* +% b.* +% x;
    d.* = simd.rotateRight(T, d.* ^ a.*, 16);
    c.* = c.* +% d.*;
    b.* = simd.rotateRight(T, b.* ^ c.*, 12);
    a.* = a.* +% b.* +% y;
    d.* = simd.rotateRight(T, d.* ^ a.*, 8);
    c.* = c.* +% d.*;
    b.* = simd.rotateRight(T, b.* ^ c.*, 7);
}

/// Four inputs of `blocks` blocks each, `stride` bytes apart, to four cvs one after the other.
fn compress4(base: [*]const u8, comptime stride: usize, comptime blocks: usize, key: *const [8]u32, counter: u64, flags: u32, out: *[4][8]u32) void {
    const counting = blocks > 1;
    var h: [8]V = undefined;
    inline for (0..8) |i| h[i] = @splat(key[i]);
    var low: V = @splat(0);
    var high: V = @splat(0);
    if (counting) {
        inline for (0..4) |lane| {
            low[lane] = @truncate(counter + lane);
            high[lane] = @truncate((counter + lane) >> 32);
        }
    }
    for (0..blocks) |b| {
        var m: [16]V = undefined;
        inline for (0..4) |q| {
            inline for (0..4) |lane| m[4 * q + lane] = simd.load(base + lane * stride + b * 64 + 16 * q);
            simd.transpose(m[4 * q ..][0..4]);
        }
        var block_flags = flags;
        if (counting and b == 0) block_flags |= chunk_start;
        if (counting and b + 1 == blocks) block_flags |= chunk_end;
        var v: [16]V = undefined;
        inline for (0..8) |i| v[i] = h[i];
        inline for (0..4) |i| v[8 + i] = @splat(iv[i]);
        v[12] = low;
        v[13] = high;
        v[14] = @splat(64);
        v[15] = @splat(block_flags);
        inline for (0..7) |r| {
            inline for (lines, 0..) |line, i| {
                mix(V, &v[line[0]], &v[line[1]], &v[line[2]], &v[line[3]], m[schedule[r][2 * i]], m[schedule[r][2 * i + 1]]);
            }
        }
        inline for (0..8) |i| h[i] = v[i] ^ v[i + 8];
    }
    simd.transpose(h[0..4]);
    simd.transpose(h[4..8]);
    inline for (0..4) |lane| {
        simd.store(@ptrCast(&out[lane]), h[lane]);
        simd.store(@ptrCast(&out[lane][4]), h[4 + lane]);
    }
}

fn compressParent(s: *const State, left: *const [8]u32, right: *const [8]u32) [8]u32 {
    return parentOutput(s, left, right).chain();
}

fn parentOutput(s: *const State, left: *const [8]u32, right: *const [8]u32) Output {
    var o = Output{ .cv = s.key, .block = undefined, .block_len = 64, .counter = 0, .flags = s.flags | parent };
    @as(*align(1) [8]u32, @ptrCast(o.block[0..32])).* = left.*;
    @as(*align(1) [8]u32, @ptrCast(o.block[32..64])).* = right.*;
    return o;
}

pub fn init(s: *State) void {
    start(s, &iv, 0);
}

pub fn initKeyed(s: *State, key: *const [32]u8) void {
    var words: [8]u32 = undefined;
    inline for (0..8) |i| words[i] = load32(key[4 * i ..]);
    start(s, &words, keyed_hash);
    memory.wipe(&words);
}

pub fn initDerive(s: *State, context: []const u8) void {
    var words: [8]u32 = undefined;
    start(s, &iv, derive_key_context);
    update(s, context);
    final(s, @ptrCast(&words));
    start(s, &words, derive_key_material);
}

fn start(s: *State, key: *const [8]u32, flags: u32) void {
    s.magic = state_magic;
    s.flags = flags;
    s.stack_len = 0;
    s.unused = 0;
    s.counter = 0;
    s.key = key.*;
    startChunk(s);
}

fn startChunk(s: *State) void {
    s.cv = s.key;
    s.block_len = 0;
    s.blocks = 0;
}

inline fn startFlag(s: *const State) u32 {
    return if (s.blocks == 0) chunk_start else 0;
}

/// Adds the cv of 2^level chunks that bytes follow, and merges as many finished subtrees as that completes.
fn push(s: *State, first: [8]u32, comptime level: u6) void {
    var cv = first;
    s.counter += 1 << level;
    var finished = s.counter >> level;
    while (finished & 1 == 0 and s.stack_len > 0) : (finished >>= 1) {
        s.stack_len -= 1;
        cv = compressParent(s, &s.stack[s.stack_len], &cv);
    }
    if (s.stack_len == stack_max) return; // beyond 2^54 chunks, or a state that somebody overwrote
    s.stack[s.stack_len] = cv;
    s.stack_len += 1;
}

fn subtree4(s: *const State, p: [*]const u8, counter: u64) [4][8]u32 {
    var cvs: [4][8]u32 = undefined;
    compress4(p, chunk_bytes, 16, &s.key, counter, s.flags, &cvs);
    return cvs;
}

fn reduce4(s: *const State, cvs: *const [4][8]u32) [8]u32 {
    const left = compressParent(s, &cvs[0], &cvs[1]);
    const right = compressParent(s, &cvs[2], &cvs[3]);
    return compressParent(s, &left, &right);
}

fn subtree16(s: *const State, p: [*]const u8) [8]u32 {
    var cvs: [16][8]u32 = undefined;
    inline for (0..4) |i| {
        compress4(p + i * 4 * chunk_bytes, chunk_bytes, 16, &s.key, s.counter + 4 * i, s.flags, cvs[4 * i ..][0..4]);
    }
    var eight: [8][8]u32 = undefined;
    inline for (0..2) |i| compress4(@ptrCast(&cvs[8 * i]), 64, 1, &s.key, 0, s.flags | parent, eight[4 * i ..][0..4]);
    var four: [4][8]u32 = undefined;
    compress4(@ptrCast(&eight), 64, 1, &s.key, 0, s.flags | parent, &four);
    return reduce4(s, &four);
}

pub fn update(s: *State, input: []const u8) void {
    var in = input;
    while (in.len > 0) {
        if (s.block_len == 64) flushBlock(s);
        if (s.blocks == 0 and s.block_len == 0) {
            if (in.len > 16 * chunk_bytes and s.counter % 16 == 0) {
                push(s, subtree16(s, in.ptr), 4);
                in = in[16 * chunk_bytes ..];
                continue;
            }
            if (in.len > 4 * chunk_bytes and s.counter % 4 == 0) {
                push(s, reduce4(s, &subtree4(s, in.ptr, s.counter)), 2);
                in = in[4 * chunk_bytes ..];
                continue;
            }
        }
        const take = @min(64 - s.block_len, in.len);
        @memcpy(s.block[s.block_len..][0..take], in[0..take]);
        s.block_len += @intCast(take);
        in = in[take..];
    }
}

/// Compresses a full block that bytes follow; the sixteenth ends its chunk.
fn flushBlock(s: *State) void {
    if (s.blocks == 15) {
        const o = chunkOutput(s);
        push(s, o.chain(), 0);
        startChunk(s);
        return;
    }
    s.cv = compress(&s.cv, &s.block, 64, s.counter, s.flags | startFlag(s))[0..8].*;
    s.blocks += 1;
    s.block_len = 0;
}

fn chunkOutput(s: *const State) Output {
    var o = Output{ .cv = s.cv, .block = @splat(0), .block_len = s.block_len, .counter = s.counter, .flags = s.flags | startFlag(s) | chunk_end };
    @memcpy(o.block[0..s.block_len], s.block[0..s.block_len]);
    return o;
}

/// Writes any number of output bytes; the state is unchanged, more may be hashed after it.
pub fn final(s: *const State, out: []u8) void {
    var o = chunkOutput(s);
    var depth = s.stack_len;
    while (depth > 0) {
        depth -= 1;
        o = parentOutput(s, &s.stack[depth], &o.chain());
    }
    var at: usize = 0;
    var index: u64 = 0;
    while (at < out.len) : (index += 1) {
        var words = compress(&o.cv, &o.block, o.block_len, index, o.flags | root);
        const block: *const [64]u8 = @ptrCast(&words);
        const take = @min(64, out.len - at);
        @memcpy(out[at..][0..take], block[0..take]);
        memory.wipe(&words);
        at += take;
    }
    memory.wipe(&o);
}

/// How many chaining values `tree` writes.
pub fn treeValues(len: usize) usize {
    var total: usize = 0;
    var count = chunksOf(len);
    while (count > 1) : (count = (count + 1) / 2) total += count;
    return total;
}

fn chunksOf(len: usize) usize {
    return len / chunk_bytes + @intFromBool(len % chunk_bytes != 0);
}

/// Every chaining value below the root, 32 bytes each, level after level from the leaves. An odd one at the end of a level is
/// the same one in the next, which makes the left subtrees full.
pub fn tree(input: []const u8, out: [*]u8) void {
    var count = chunksOf(input.len);
    if (count < 2) return;
    var s: State = undefined;
    init(&s);
    leaves(&s, input, out);
    var level = out;
    while (count > 2) : (count = (count + 1) / 2) {
        const next = level + 32 * count;
        parents(&s, level, count, next);
        level = next;
    }
}

fn leaves(s: *State, input: []const u8, out: [*]u8) void {
    var at: usize = 0;
    while (at < input.len) {
        s.counter = at / chunk_bytes;
        const to = out + 32 * (at / chunk_bytes);
        if (input.len - at >= 4 * chunk_bytes) {
            const cvs = subtree4(s, input.ptr + at, s.counter);
            @memcpy(to[0..128], @as(*const [128]u8, @ptrCast(&cvs)));
            at += 4 * chunk_bytes;
        } else {
            const take = @min(chunk_bytes, input.len - at);
            startChunk(s);
            update(s, input[at..][0..take]);
            const cv = chunkOutput(s).chain();
            @memcpy(to[0..32], @as(*const [32]u8, @ptrCast(&cv)));
            at += take;
        }
    }
}

fn parents(s: *const State, level: [*]const u8, count: usize, out: [*]u8) void {
    var at: usize = 0;
    while (count - at >= 8) : (at += 8) {
        var cvs: [4][8]u32 = undefined;
        compress4(level + 32 * at, 64, 1, &s.key, 0, s.flags | parent, &cvs);
        @memcpy((out + 16 * at)[0..128], @as(*const [128]u8, @ptrCast(&cvs)));
    }
    while (count - at >= 2) : (at += 2) {
        const pair: *align(1) const [2][8]u32 = @ptrCast(level + 32 * at);
        const left = pair[0];
        const right = pair[1];
        const cv = compressParent(s, &left, &right);
        @memcpy((out + 16 * at)[0..32], @as(*const [32]u8, @ptrCast(&cv)));
    }
    if (at < count) @memcpy((out + 16 * at)[0..32], (level + 32 * at)[0..32]);
}

pub fn hash(input: []const u8, out: []u8) void {
    var s: State = undefined;
    init(&s);
    update(&s, input);
    final(&s, out);
}

pub fn keyed(key: *const [32]u8, input: []const u8, out: []u8) void {
    var s: State = undefined;
    initKeyed(&s, key);
    update(&s, input);
    final(&s, out);
    memory.wipe(&s);
}

pub fn derive(context: []const u8, material: []const u8, out: []u8) void {
    var s: State = undefined;
    initDerive(&s, context);
    update(&s, material);
    final(&s, out);
    memory.wipe(&s);
}

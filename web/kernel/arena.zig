//! The arena: reference-counted blocks of shared memory for every thread.
//!
//! Nouns: a *block* is what a caller gets, with a count of references; a *large* block is a run of ceil(len / 4096) pages
//! (pages.zig), a *small* one a slot of a *slab*, which is one page cut into equal powers of two from 64 to 2,048 bytes.
//!
//! Metadata is apart from the data, at the arena's start: a header, then 16 bytes a page, then 64 one-byte reference
//! counts a page (used by slabs only, so mostly never touched). A block's overrun cannot change what the arena believes.
//!
//! Invariants: one lock guards all of it and every critical section is bounded; an offset that is not the start
//! of a live block is refused by retain, release and shrink; `check` walks everything and is used by the tests.
//! Must not know what the blocks are for.

const layout = @import("layout.gen.zig");
const memory = @import("memory.zig");
const lock = @import("lock.zig");

const pages_zig = @import("pages.zig");
const Page = pages_zig.Page;
const Pages = pages_zig.Pages;
const nil = pages_zig.nil;
const page_bytes = pages_zig.page_bytes;
const page_shift = pages_zig.page_shift;

pub const align_bytes = 64;
pub const block_bytes_max = 64 << 20;
const slab_classes = 6; // 64, 128, ... 2048
const slab_bytes_max = 2048;
const small_references_max = 255;

const Arena = extern struct {
    lock: u32,
    magic: u32,
    data: u32, // offset of page 0
    counts: u32, // offset of the slabs' reference counts
    slabs: [slab_classes]u32, // lists of slabs with room
    pages: Pages,
};

const header_bytes = 1024;
const magic: u32 = 0x41524E41;
const state_empty = 0;
const state_busy = 1;
const state_ready = 2;

comptime {
    if (@sizeOf(Arena) > header_bytes or @sizeOf(Page) != 16) @compileError("arena layout");
}

fn stateWord() *u32 {
    return memory.at(u32, layout.REGION_HEADER + 4 * layout.HEADER_ARENA_STATE);
}

inline fn self() *Arena {
    return memory.at(Arena, memory.at(u32, layout.REGION_HEADER + 4 * layout.HEADER_ARENA_OFFSET).*);
}

fn ready() bool {
    return @atomicLoad(u32, stateWord(), .acquire) == state_ready;
}

/// The first caller lays the arena out; later callers wait until that is done. 0, or BadArgument.
pub fn attach(arena_offset: u32, memory_bytes: u32) i32 {
    if (arena_offset % align_bytes != 0 or memory_bytes > memory.sizeBytes() or memory_bytes > layout.MEMORY_BYTES_MAX) return layout.Status.BadArgument;
    if (arena_offset < layout.ARENA_OFFSET or memory_bytes < arena_offset + (1 << 20)) return layout.Status.BadArgument;
    const word = stateWord();
    if (@cmpxchgStrong(u32, word, state_empty, state_busy, .acquire, .acquire) == null) {
        memory.at(u32, layout.REGION_HEADER + 4 * layout.HEADER_ARENA_OFFSET).* = arena_offset;
        layOut(arena_offset, memory_bytes - arena_offset);
        memory.at(u32, layout.REGION_HEADER + 4 * layout.HEADER_ARENA_BYTES).* = memory_bytes - arena_offset;
        @atomicStore(u32, word, state_ready, .release);
        lock.notify(word, 0xFFFF_FFFF);
        return 0;
    }
    while (@atomicLoad(u32, word, .acquire) == state_busy) lock.wait(word, state_busy);
    return if (self().magic == magic) 0 else layout.Status.BadArgument;
}

// What is in use is counted among the metrics, where every thread can read it without the lock that guards its changes.
inline fn metric(comptime word: u32) *u32 {
    return memory.at(u32, layout.REGION_METRICS + 4 * word);
}

inline fn account(bytes: i32, blocks: i32) void {
    _ = @atomicRmw(u32, metric(layout.METRIC_ARENA_BYTES_USED), .Add, @bitCast(bytes), .monotonic);
    _ = @atomicRmw(u32, metric(layout.METRIC_ARENA_BLOCKS), .Add, @bitCast(blocks), .monotonic);
}

fn layOut(offset: u32, len: u32) void {
    const arena = memory.at(Arena, offset);
    const pages = (len - header_bytes - page_bytes) / (page_bytes + @sizeOf(Page) + align_bytes);
    const table = offset + header_bytes;
    const counts_offset = table + pages * @sizeOf(Page);
    const data = (counts_offset + pages * align_bytes + page_bytes - 1) / page_bytes * page_bytes;
    arena.* = .{ .lock = 0, .magic = magic, .data = data, .counts = counts_offset, .slabs = @splat(nil), .pages = undefined };
    arena.pages.init(table, pages);
    @atomicStore(u32, metric(layout.METRIC_ARENA_BYTES_USED), 0, .monotonic);
    @atomicStore(u32, metric(layout.METRIC_ARENA_BLOCKS), 0, .monotonic);
}

fn pushSlab(arena: *Arena, list: *u32, index: u32) void {
    const slab = arena.pages.at(index);
    slab.next = list.*;
    slab.previous = nil;
    if (list.* != nil) arena.pages.at(list.*).previous = index;
    list.* = index;
}

fn unlinkSlab(arena: *Arena, list: *u32, index: u32) void {
    const slab = arena.pages.at(index);
    if (slab.previous == nil) list.* = slab.next else arena.pages.at(slab.previous).next = slab.next;
    if (slab.next != nil) arena.pages.at(slab.next).previous = slab.previous;
}

// --- blocks --------------------------------------------------------------------------------------------------------

fn classOf(len: u32) u8 {
    if (len <= align_bytes) return 0;
    return @intCast(32 - @clz(len - 1) - 6);
}

inline fn classBytes(class: u8) u32 {
    return @as(u32, align_bytes) << @intCast(class);
}

inline fn counts(arena: *Arena, index: u32) *[64]u8 {
    return memory.at([64]u8, arena.counts + index * align_bytes);
}

fn allocSmall(arena: *Arena, len: u32) u32 {
    const class = classOf(len);
    const list = &arena.slabs[class];
    const room = page_bytes / classBytes(class);
    if (list.* == nil) {
        const fresh = arena.pages.take(1) orelse return 0;
        arena.pages.at(fresh).* = .{ .kind = .slab, .class = class, .live = 0, .next = nil, .previous = nil, .len = 0 };
        counts(arena, fresh).* = @splat(0);
        pushSlab(arena, list, fresh);
    }
    const index = list.*;
    const p = arena.pages.at(index);
    const references = counts(arena, index);
    var slot: u32 = 0;
    while (references[slot] != 0) slot += 1; // a slab in the list has room: at most 64 steps
    references[slot] = 1;
    p.live += 1;
    if (p.live == room) unlinkSlab(arena, list, index);
    account(@intCast(classBytes(class)), 1);
    return arena.data + (index << page_shift) + slot * classBytes(class);
}

fn allocRun(arena: *Arena, len: u32) u32 {
    const count = (len + page_bytes - 1) >> page_shift;
    const index = arena.pages.take(count) orelse return 0;
    arena.pages.at(index).* = .{ .kind = .run, .class = 0, .live = 0, .next = count, .previous = 1, .len = len };
    account(@intCast(count << page_shift), 1);
    return arena.data + (index << page_shift);
}

/// A block of at least `len` bytes with one reference, 64-byte aligned; 0 when there is no room or len is out of bounds.
pub fn alloc(len: u32) u32 {
    if (!ready() or len > block_bytes_max) return 0;
    const arena = self();
    lock.acquire(&arena.lock);
    defer lock.release(&arena.lock);
    return if (len <= slab_bytes_max) allocSmall(arena, len) else allocRun(arena, len);
}

const Place = struct { index: u32, slot: u32 };

/// Where a live block starts, or null if `offset` is not the start of one.
fn find(arena: *Arena, offset: u32) ?Place {
    if (offset < arena.data or offset % align_bytes != 0) return null;
    const index = (offset - arena.data) >> page_shift;
    if (index >= arena.pages.count) return null;
    const inside = (offset - arena.data) & (page_bytes - 1);
    const p = arena.pages.at(index);
    switch (p.kind) {
        .run => return if (inside == 0) .{ .index = index, .slot = 0 } else null,
        .slab => {
            const size = classBytes(p.class);
            if (inside % size != 0 or counts(arena, index)[inside / size] == 0) return null;
            return .{ .index = index, .slot = inside / size };
        },
        else => return null,
    }
}

/// One more reference; the new count, or -1.
pub fn retain(offset: u32) i32 {
    if (!ready()) return -1;
    const arena = self();
    lock.acquire(&arena.lock);
    defer lock.release(&arena.lock);
    const place = find(arena, offset) orelse return -1;
    const p = arena.pages.at(place.index);
    if (p.kind == .slab) {
        const count = &counts(arena, place.index)[place.slot];
        if (count.* == small_references_max) return -1;
        count.* += 1;
        return count.*;
    }
    p.previous += 1;
    return @intCast(p.previous);
}

/// One reference less; what remains (0: the block is free again), or -1 for a double free or any other wrong offset.
pub fn release(offset: u32) i32 {
    if (!ready()) return -1;
    const arena = self();
    lock.acquire(&arena.lock);
    defer lock.release(&arena.lock);
    const place = find(arena, offset) orelse return -1;
    const p = arena.pages.at(place.index);
    if (p.kind == .slab) return releaseSmall(arena, place);
    p.previous -= 1;
    if (p.previous > 0) return @intCast(p.previous);
    const count = p.next;
    account(-@as(i32, @intCast(count << page_shift)), -1);
    arena.pages.give(place.index, count);
    return 0;
}

fn releaseSmall(arena: *Arena, place: Place) i32 {
    const p = arena.pages.at(place.index);
    const count = &counts(arena, place.index)[place.slot];
    count.* -= 1;
    if (count.* > 0) return count.*;
    const list = &arena.slabs[p.class];
    const room = page_bytes / classBytes(p.class);
    if (p.live == room) pushSlab(arena, list, place.index);
    p.live -= 1;
    account(-@as(i32, @intCast(classBytes(p.class))), -1);
    if (p.live == 0) {
        unlinkSlab(arena, list, place.index);
        arena.pages.give(place.index, 1);
    }
    return 0;
}

/// Gives the pages behind the first `len` bytes back. 0, or -1 if the block is unknown or smaller than that.
pub fn shrink(offset: u32, len: u32) i32 {
    if (!ready()) return -1;
    const arena = self();
    lock.acquire(&arena.lock);
    defer lock.release(&arena.lock);
    const place = find(arena, offset) orelse return -1;
    const p = arena.pages.at(place.index);
    if (p.kind == .slab) return if (len <= classBytes(p.class)) 0 else -1;
    if (len > p.len) return -1;
    const count = @max(1, (len + page_bytes - 1) >> page_shift);
    const spare = p.next - count;
    arena.pages.trim(place.index, p.next, count);
    p.len = len;
    p.next = count;
    account(-@as(i32, @intCast(spare << page_shift)), 0);
    return 0;
}

/// Bytes that the live block at `offset` occupies; 0 if there is none.
pub fn sizeOf(offset: u32) u32 {
    if (!ready()) return 0;
    const arena = self();
    lock.acquire(&arena.lock);
    defer lock.release(&arena.lock);
    const place = find(arena, offset) orelse return 0;
    const p = arena.pages.at(place.index);
    return if (p.kind == .slab) classBytes(p.class) else p.next << page_shift;
}

/// Whether a range may be given to a job: no part of it is the arena's own metadata.
pub fn isApart(offset: u32, len: u32) bool {
    return !ready() or offset >= self().data or @as(u64, offset) + len <= memory.offsetOf(self());
}

pub fn usedBytes() u32 {
    return if (ready()) @atomicLoad(u32, metric(layout.METRIC_ARENA_BYTES_USED), .monotonic) else 0;
}

pub fn blockCount() u32 {
    return if (ready()) @atomicLoad(u32, metric(layout.METRIC_ARENA_BLOCKS), .monotonic) else 0;
}

pub fn capacityBytes() u32 {
    return if (ready()) self().pages.count << page_shift else 0;
}

/// Walks every page: 0 if all counts, lists and neighbours agree, else 1 + the first page that does not.
pub fn check() i32 {
    if (!ready()) return -1;
    const arena = self();
    lock.acquire(&arena.lock);
    defer lock.release(&arena.lock);
    var index: u32 = 0;
    var used: u32 = 0;
    var blocks: u32 = 0;
    while (index < arena.pages.count) {
        const p = arena.pages.at(index);
        const bad: i32 = @intCast(index + 1);
        switch (p.kind) {
            .free => {
                if (!arena.pages.freeRunIsSound(index)) return bad;
                index += p.len;
            },
            .run => {
                if (p.previous == 0 or p.next == 0 or index + p.next > arena.pages.count) return bad;
                used += p.next << page_shift;
                blocks += 1;
                index += p.next;
            },
            .slab => {
                var live: u16 = 0;
                for (counts(arena, index)) |count| live += @intFromBool(count != 0);
                if (live != p.live or live == 0) return bad;
                used += live * classBytes(p.class);
                blocks += live;
                index += 1;
            },
            else => return bad,
        }
    }
    return if (used == usedBytes() and blocks == blockCount()) 0 else @intCast(arena.pages.count + 1);
}

//! The arena: reference-counted blocks of shared memory for every thread.
//!
//! Nouns: a *page* is 4 KiB; a *run* is a row of pages handed out as one block; a *slab* is one page cut into equal small
//! blocks; a *free block* is 2^order pages in a buddy list. A large block takes ceil(len / 4096) pages: what the power of
//! two leaves over goes back to the buddy lists at once, so a chunk of 1 MiB + 80 bytes wastes 4,016 bytes and not 1 MiB.
//!
//! Metadata is apart from the data, at the arena's start: a header line, then 16 bytes a page, then 64 one-byte reference
//! counts a page (used by slabs only, so mostly never touched). A block's overrun cannot change what the arena believes.
//!
//! Invariants: one lock guards all of it and every critical section is O(number of orders); an offset that is not the start
//! of a live block is refused by retain, release and shrink; `check` walks everything and is used by the tests.
//! Must not know what the blocks are for.

const layout = @import("layout.gen.zig");
const memory = @import("memory.zig");
const lock = @import("lock.zig");

const page_bytes = 4096;
const page_shift = 12;
const orders = 19; // 2^18 pages = 1 GiB
const nil: u32 = 0xFFFF_FFFF;
pub const align_bytes = 64;
pub const block_bytes_max = 64 << 20;
const slab_classes = 6; // 64, 128, ... 2048
const slab_bytes_max = 2048;
const small_references_max = 255;

const Kind = enum(u8) { reserved, free, run, slab };

const Page = extern struct {
    kind: Kind,
    order: u8, // free: log2 of pages; slab: class
    live: u16, // slab: blocks in use
    next: u32, // free and slab: list; run: pages
    previous: u32, // free and slab: list; run: references
    len: u32, // run: bytes asked for
};

const Arena = extern struct {
    lock: u32,
    magic: u32,
    pages: u32,
    data: u32, // offset of page 0
    table: u32, // offset of the Page table
    counts: u32, // offset of the slabs' reference counts
    bytes_used: u32,
    blocks: u32,
    free_lists: [orders]u32,
    slab_lists: [slab_classes]u32, // slabs with room
};

const header_bytes = 192;
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

inline fn page(arena: *Arena, index: u32) *Page {
    return memory.at(Page, arena.table + index * @sizeOf(Page));
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

fn layOut(offset: u32, len: u32) void {
    const arena = memory.at(Arena, offset);
    const pages = (len - header_bytes - page_bytes) / (page_bytes + @sizeOf(Page) + align_bytes);
    const table = offset + header_bytes;
    const counts_offset = table + pages * @sizeOf(Page);
    const data = (counts_offset + pages * align_bytes + page_bytes - 1) / page_bytes * page_bytes;
    arena.* = .{
        .lock = 0,
        .magic = magic,
        .pages = pages,
        .data = data,
        .table = table,
        .counts = counts_offset,
        .bytes_used = 0,
        .blocks = 0,
        .free_lists = @splat(nil),
        .slab_lists = @splat(nil),
    };
    for (0..pages) |i| page(arena, @intCast(i)).* = .{ .kind = .reserved, .order = 0, .live = 0, .next = nil, .previous = nil, .len = 0 };
    freePages(arena, 0, pages);
}

// --- buddy lists ---------------------------------------------------------------------------------------------------

fn push(arena: *Arena, list: *u32, index: u32) void {
    const p = page(arena, index);
    p.next = list.*;
    p.previous = nil;
    if (list.* != nil) page(arena, list.*).previous = index;
    list.* = index;
}

fn unlink(arena: *Arena, list: *u32, index: u32) void {
    const p = page(arena, index);
    if (p.previous == nil) list.* = p.next else page(arena, p.previous).next = p.next;
    if (p.next != nil) page(arena, p.next).previous = p.previous;
}

/// Gives 2^order pages back, merged with their buddies as far as they are free.
fn freeOrder(arena: *Arena, start: u32, start_order: u8) void {
    var index = start;
    var order = start_order;
    while (order + 1 < orders) {
        const size = @as(u32, 1) << @intCast(order);
        const buddy = index ^ size;
        if (buddy + size > arena.pages) break;
        const b = page(arena, buddy);
        if (b.kind != .free or b.order != order) break;
        unlink(arena, &arena.free_lists[order], buddy);
        page(arena, @max(index, buddy)).kind = .reserved;
        index = @min(index, buddy);
        order += 1;
    }
    const p = page(arena, index);
    p.kind = .free;
    p.order = order;
    push(arena, &arena.free_lists[order], index);
}

/// Gives any row of pages back as the fewest aligned powers of two.
fn freePages(arena: *Arena, start: u32, count: u32) void {
    var index = start;
    var left = count;
    while (left > 0) {
        const by_size: u32 = 31 - @clz(left);
        const by_place: u32 = if (index == 0) orders - 1 else @ctz(index);
        const order: u8 = @intCast(@min(by_size, by_place, orders - 1));
        freeOrder(arena, index, order);
        index += @as(u32, 1) << @intCast(order);
        left -= @as(u32, 1) << @intCast(order);
    }
}

fn takePages(arena: *Arena, count: u32) ?u32 {
    var want: u8 = if (count == 1) 0 else @intCast(32 - @clz(count - 1));
    while (want < orders and arena.free_lists[want] == nil) want += 1;
    if (want == orders) return null;
    const index = arena.free_lists[want];
    unlink(arena, &arena.free_lists[want], index);
    page(arena, index).kind = .reserved;
    const size = @as(u32, 1) << @intCast(want);
    if (size > count) freePages(arena, index + count, size - count);
    return index;
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
    const list = &arena.slab_lists[class];
    const room = page_bytes / classBytes(class);
    if (list.* == nil) {
        const fresh = takePages(arena, 1) orelse return 0;
        page(arena, fresh).* = .{ .kind = .slab, .order = class, .live = 0, .next = nil, .previous = nil, .len = 0 };
        counts(arena, fresh).* = @splat(0);
        push(arena, list, fresh);
    }
    const index = list.*;
    const p = page(arena, index);
    const references = counts(arena, index);
    var slot: u32 = 0;
    while (references[slot] != 0) slot += 1; // a slab in the list has room: at most 64 steps
    references[slot] = 1;
    p.live += 1;
    if (p.live == room) unlink(arena, list, index);
    arena.bytes_used += classBytes(class);
    arena.blocks += 1;
    return arena.data + (index << page_shift) + slot * classBytes(class);
}

fn allocRun(arena: *Arena, len: u32) u32 {
    const count = (len + page_bytes - 1) >> page_shift;
    const index = takePages(arena, count) orelse return 0;
    page(arena, index).* = .{ .kind = .run, .order = 0, .live = 0, .next = count, .previous = 1, .len = len };
    arena.bytes_used += count << page_shift;
    arena.blocks += 1;
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
    if (index >= arena.pages) return null;
    const inside = (offset - arena.data) & (page_bytes - 1);
    const p = page(arena, index);
    switch (p.kind) {
        .run => return if (inside == 0) .{ .index = index, .slot = 0 } else null,
        .slab => {
            const size = classBytes(p.order);
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
    const p = page(arena, place.index);
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
    const p = page(arena, place.index);
    if (p.kind == .slab) return releaseSmall(arena, place);
    p.previous -= 1;
    if (p.previous > 0) return @intCast(p.previous);
    const count = p.next;
    arena.bytes_used -= count << page_shift;
    arena.blocks -= 1;
    p.kind = .reserved;
    freePages(arena, place.index, count);
    return 0;
}

fn releaseSmall(arena: *Arena, place: Place) i32 {
    const p = page(arena, place.index);
    const count = &counts(arena, place.index)[place.slot];
    count.* -= 1;
    if (count.* > 0) return count.*;
    const list = &arena.slab_lists[p.order];
    const room = page_bytes / classBytes(p.order);
    if (p.live == room) push(arena, list, place.index);
    p.live -= 1;
    arena.bytes_used -= classBytes(p.order);
    arena.blocks -= 1;
    if (p.live == 0) {
        unlink(arena, list, place.index);
        p.kind = .reserved;
        freeOrder(arena, place.index, 0);
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
    const p = page(arena, place.index);
    if (p.kind == .slab) return if (len <= classBytes(p.order)) 0 else -1;
    if (len > p.len) return -1;
    const count = @max(1, (len + page_bytes - 1) >> page_shift);
    const spare = p.next - count;
    p.len = len;
    p.next = count;
    arena.bytes_used -= spare << page_shift;
    freePages(arena, place.index + count, spare);
    return 0;
}

/// Bytes that the live block at `offset` occupies; 0 if there is none.
pub fn sizeOf(offset: u32) u32 {
    if (!ready()) return 0;
    const arena = self();
    lock.acquire(&arena.lock);
    defer lock.release(&arena.lock);
    const place = find(arena, offset) orelse return 0;
    const p = page(arena, place.index);
    return if (p.kind == .slab) classBytes(p.order) else p.next << page_shift;
}

pub fn usedBytes() u32 {
    return if (ready()) @atomicLoad(u32, &self().bytes_used, .monotonic) else 0;
}

pub fn blockCount() u32 {
    return if (ready()) @atomicLoad(u32, &self().blocks, .monotonic) else 0;
}

pub fn capacityBytes() u32 {
    return if (ready()) self().pages << page_shift else 0;
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
    while (index < arena.pages) {
        const p = page(arena, index);
        const bad: i32 = @intCast(index + 1);
        switch (p.kind) {
            .free => {
                if (p.order >= orders) return bad;
                const size = @as(u32, 1) << @intCast(p.order);
                if (index % size != 0 or index + size > arena.pages) return bad;
                index += size;
            },
            .run => {
                if (p.previous == 0 or p.next == 0 or index + p.next > arena.pages) return bad;
                used += p.next << page_shift;
                blocks += 1;
                index += p.next;
            },
            .slab => {
                var live: u16 = 0;
                for (counts(arena, index)) |count| live += @intFromBool(count != 0);
                if (live != p.live or live == 0) return bad;
                used += live * classBytes(p.order);
                blocks += live;
                index += 1;
            },
            else => return bad,
        }
    }
    return if (used == arena.bytes_used and blocks == arena.blocks) 0 else @intCast(arena.pages + 1);
}

//! Runs of 4 KiB pages: taken, given back, merged, in constant time.
//!
//! Nouns: a *run* is a row of pages, free or taken; a *bin* is a list of free runs of nearly one length (eight bins for each
//! power of two, as in TLSF: Masmano et al., "TLSF: a new dynamic memory allocator for real-time systems", 2004). Not a buddy system: there a
//! chunk of 1 MiB + 80 bytes would need an aligned 2 MiB slot, and what it leaves of it is too short for the next one.
//!
//! Invariants: two free runs never touch; a free run's first and last page have kind `free` and its length; a taken run's
//! last page never has kind `free`. The caller holds the lock. `Page` records lie apart from the pages themselves.

const memory = @import("memory.zig");

pub const page_bytes = 4096;
pub const page_shift = 12;
pub const nil: u32 = 0xFFFF_FFFF;
const bin_count = 160;
const fallback_steps_max = 64;

pub const Kind = enum(u8) { reserved, free, run, slab };

pub const Page = extern struct {
    kind: Kind,
    class: u8, // slab: size class
    live: u16, // slab: blocks in use
    next: u32, // free and slab: list; run: pages
    previous: u32, // free and slab: list; run: references
    len: u32, // free: pages, on the first and on the last page; run: bytes asked for
};

pub const Pages = extern struct {
    count: u32,
    table: u32, // offset of `count` Page records
    bitmap: [bin_count / 32]u32, // bins that have runs
    bins: [bin_count]u32,

    pub inline fn at(self: *const Pages, index: u32) *Page {
        return memory.at(Page, self.table + index * @sizeOf(Page));
    }

    pub fn init(self: *Pages, table: u32, count: u32) void {
        self.* = .{ .count = count, .table = table, .bitmap = @splat(0), .bins = @splat(nil) };
        for (0..count) |i| self.at(@intCast(i)).* = .{ .kind = .reserved, .class = 0, .live = 0, .next = nil, .previous = nil, .len = 0 };
        self.insert(0, count);
    }

    /// The bin that a free run of `pages` belongs to: exact below 8, then by the three bits after the highest.
    fn binOf(pages: u32) u32 {
        if (pages < 8) return pages;
        const log: u32 = 31 - @clz(pages);
        return (log - 2) * 8 + ((pages >> @intCast(log - 3)) & 7);
    }

    /// The first bin all of whose runs have at least `pages`.
    fn binFor(pages: u32) u32 {
        if (pages < 8) return pages;
        const log: u32 = 31 - @clz(pages);
        return binOf(pages + (@as(u32, 1) << @intCast(log - 3)) - 1);
    }

    fn insert(self: *Pages, start: u32, pages: u32) void {
        const bin = binOf(pages);
        const head = self.at(start);
        const tail = self.at(start + pages - 1);
        tail.kind = .free;
        tail.len = pages;
        head.* = .{ .kind = .free, .class = 0, .live = 0, .next = self.bins[bin], .previous = nil, .len = pages };
        if (head.next != nil) self.at(head.next).previous = start;
        self.bins[bin] = start;
        self.bitmap[bin / 32] |= @as(u32, 1) << @intCast(bin % 32);
    }

    fn remove(self: *Pages, start: u32) void {
        const head = self.at(start);
        const bin = binOf(head.len);
        if (head.previous == nil) self.bins[bin] = head.next else self.at(head.previous).next = head.next;
        if (head.next != nil) self.at(head.next).previous = head.previous;
        if (self.bins[bin] == nil) self.bitmap[bin / 32] &= ~(@as(u32, 1) << @intCast(bin % 32));
    }

    fn firstBin(self: *const Pages, from: u32) ?u32 {
        var word = from / 32;
        if (word >= self.bitmap.len) return null;
        var bits = self.bitmap[word] & (~@as(u32, 0) << @intCast(from % 32));
        while (bits == 0) {
            word += 1;
            if (word == self.bitmap.len) return null;
            bits = self.bitmap[word];
        }
        return word * 32 + @ctz(bits);
    }

    /// A free run that is long enough, from the nearest bin; near exhaustion also one of the bin that `pages` itself is in.
    fn search(self: *const Pages, pages: u32) ?u32 {
        if (self.firstBin(binFor(pages))) |bin| return self.bins[bin];
        var start = self.bins[binOf(pages)];
        var steps: u32 = 0;
        while (start != nil and steps < fallback_steps_max) : (steps += 1) {
            if (self.at(start).len >= pages) return start;
            start = self.at(start).next;
        }
        return null;
    }

    /// The first page of a run of exactly `pages`, whose records the caller now owns; null if there is none.
    pub fn take(self: *Pages, pages: u32) ?u32 {
        const start = self.search(pages) orelse return null;
        const whole = self.at(start).len;
        self.remove(start);
        if (whole > pages) self.insert(start + pages, whole - pages);
        self.at(start).kind = .reserved;
        self.at(start + pages - 1).kind = .reserved;
        return start;
    }

    /// Gives a run back, merged with free neighbours.
    pub fn give(self: *Pages, first: u32, pages: u32) void {
        if (pages == 0) return;
        var start = first;
        var end = first + pages;
        self.at(first).kind = .reserved;
        if (start > 0 and self.at(start - 1).kind == .free) {
            start -= self.at(start - 1).len;
            self.remove(start);
        }
        if (end < self.count and self.at(end).kind == .free) {
            self.remove(end);
            end += self.at(end).len;
        }
        self.insert(start, end - start);
    }

    /// Cuts a taken run down to its first `keep` pages.
    pub fn trim(self: *Pages, start: u32, pages: u32, keep: u32) void {
        if (keep == pages) return;
        if (keep > 1) self.at(start + keep - 1).kind = .reserved;
        self.give(start + keep, pages - keep);
    }

    /// Whether the free run at `start` is what the invariants say.
    pub fn freeRunIsSound(self: *const Pages, start: u32) bool {
        const len = self.at(start).len;
        if (len == 0 or start + len > self.count or self.at(start + len - 1).len != len) return false;
        if (start + len < self.count and self.at(start + len).kind == .free) return false;
        var listed = self.bins[binOf(len)];
        while (listed != nil and listed != start) listed = self.at(listed).next;
        return listed == start;
    }
};

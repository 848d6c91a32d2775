//! A lock in shared memory for short critical sections (below a microsecond), held by threads of any worker.
//!
//! Word values: 0 free, 1 taken, 2 taken and somebody sleeps. A waiter spins a little, then sleeps by `memory.atomic.wait32`,
//! because with more threads than cores the holder may have been descheduled. Waiting is not allowed on a browser's page
//! thread; the page never allocates (architecture.md).

const spins_max = 64;

pub fn acquire(word: *u32) void {
    if (@cmpxchgStrong(u32, word, 0, 1, .acquire, .monotonic) == null) return;
    var spins: u32 = 0;
    while (spins < spins_max) : (spins += 1) {
        if (@atomicLoad(u32, word, .monotonic) == 0 and @cmpxchgStrong(u32, word, 0, 1, .acquire, .monotonic) == null) return;
    }
    while (@atomicRmw(u32, word, .Xchg, 2, .acquire) != 0) wait(word, 2);
}

pub fn release(word: *u32) void {
    if (@atomicRmw(u32, word, .Xchg, 0, .release) == 2) notify(word, 1);
}

/// Sleeps while `word` holds `expected`; may return early.
pub fn wait(word: *u32, expected: u32) void {
    _ = asm volatile (
        \\local.get %[word]
        \\local.get %[expected]
        \\i64.const -1
        \\memory.atomic.wait32 0
        \\local.set %[result]
        : [result] "=r" (-> u32),
        : [word] "r" (word),
          [expected] "r" (expected),
        : .{ .memory = true });
}

pub fn notify(word: *u32, count: u32) void {
    _ = asm volatile (
        \\local.get %[word]
        \\local.get %[count]
        \\memory.atomic.notify 0
        \\local.set %[result]
        : [result] "=r" (-> u32),
        : [word] "r" (word),
          [count] "r" (count),
        : .{ .memory = true });
}

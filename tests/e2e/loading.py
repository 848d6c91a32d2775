"""What a page's load costs those who look at it: scripts that measure it from inside (W3C Long Tasks, Layout Instability).

Blocking is what tasks of the main thread take beyond 50 ms each.
"""

from __future__ import annotations

WATCH = """
globalThis.seen = { blockedMs: 0, shift: 0 };
new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) globalThis.seen.blockedMs += Math.max(0, duration - 50);
}).observe({ type: "longtask", buffered: true });
new PerformanceObserver((list) => {
  for (const { value, hadRecentInput } of list.getEntries()) if (!hadRecentInput) globalThis.seen.shift += value;
}).observe({ type: "layout-shift", buffered: true });
"""
SEEN = """
async () => {
  await globalThis.inos.ready;
  const [navigation] = performance.getEntriesByType("navigation");
  return { ...globalThis.seen, usableMs: navigation.domContentLoadedEventEnd, readyMs: performance.now() };
}
"""

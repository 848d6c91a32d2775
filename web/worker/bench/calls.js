/** The worker's end of a bench line: `answer({method(...given) {...}})`; answers go back in the order of the calls. */

/** @param {Record<string, (...given: any[]) => any>} methods */
export function answer(methods) {
  /** @type {Promise<void>} */
  let last = Promise.resolve();
  self.onmessage = ({ data }) => {
    last = last.then(async () => {
      try {
        self.postMessage({ value: await methods[data.method](...data.given) });
      } catch (error) {
        self.postMessage({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
      }
    });
  };
}

/** Milliseconds that `run` took. @param {() => void} run */
export function timed(run) {
  const began = performance.now();
  run();
  return performance.now() - began;
}

/** Milliseconds on the clock that all workers of one page share. */
export const now = () => performance.timeOrigin + performance.now();

/** The clock's step in milliseconds: the smallest difference that it shows within a few milliseconds. */
export function clockStep() {
  let step = Number.POSITIVE_INFINITY;
  let before = performance.now();
  const until = before + 5;
  while (before < until) {
    const after = performance.now();
    if (after > before) step = Math.min(step, after - before);
    before = after;
  }
  return step;
}

/** Sum of 32-bit words, four at a time. @param {Uint32Array} words @param {number} [from] @param {number} [to] a multiple of 4 further */
export function sumOf(words, from = 0, to = words.length) {
  let [a, b, c, d] = [0, 0, 0, 0];
  for (let i = from; i < to; i += 4) {
    a = (a + words[i]) | 0;
    b = (b + words[i + 1]) | 0;
    c = (c + words[i + 2]) | 0;
    d = (d + words[i + 3]) | 0;
  }
  return (a + b + c + d) >>> 0;
}

const pause = new Int32Array(new SharedArrayBuffer(4));

/** Sleep until `at` of `performance.now()`; this worker's thread blocks. @param {number} at */
export function sleepUntil(at) {
  for (let left = at - performance.now(); left > 0; left = at - performance.now()) Atomics.wait(pause, 0, 0, left);
}

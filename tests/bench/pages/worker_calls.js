/** The worker's end of a bench line: `answer({method(...given) {...}})`. */

/** @param {Record<string, (...given: any[]) => any>} methods */
export function answer(methods) {
  self.onmessage = async ({ data }) => {
    try {
      self.postMessage({ value: await methods[data.method](...data.given) });
    } catch (error) {
      self.postMessage({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
  };
}

/** Milliseconds that `run` took. @param {() => void} run */
export function timed(run) {
  const began = performance.now();
  run();
  return performance.now() - began;
}

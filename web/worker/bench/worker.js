// What the bench does inside the real page: Python workers by `inos.spawn`, and stock Pyodide in workers of the same page.
// Evaluated by the driver once per load, so it is a statement and no module of the product.
globalThis.benchWorker ??= (() => {
  /** @type {any} */
  const inos = /** @type {any} */ (globalThis).inos;
  const FIRST_LINE = "import js; at = js.performance.timeOrigin + js.performance.now()\nat";
  const now = () => performance.timeOrigin + performance.now();

  /** Milliseconds from asking until the first line of the source has run. */
  const spawn = async () => {
    const began = now();
    const worker = await inos.spawn(FIRST_LINE, { name: "bench" });
    const ms = (await worker.result()) - began;
    await worker.close();
    return ms;
  };

  /** Milliseconds that a stock loadPyodide takes in a fresh worker, the thread's own start not counted. */
  const stock = async () => {
    const [{ workerUrl }, build] = await Promise.all([
      import("/web/page/boot.js"),
      fetch("/build/pyodide/build.json").then((response) => response.json()),
    ]);
    const worker = new Worker(workerUrl("/bench/boot_worker.js"), { type: "module" });
    const answer = await new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => (data.error ? reject(new Error(data.error)) : resolve(data));
      worker.onerror = (event) => reject(new Error(event.message));
      worker.postMessage({ kind: "stock", imports: [], base: "/build/pyodide/", build });
    });
    worker.terminate();
    return answer.startedMs;
  };

  /** @param {"spawn" | "stock"} what @param {number} count at once */
  const many = (what, count) => Promise.all(Array.from({ length: count }, what === "spawn" ? spawn : stock));

  return { spawn, stock, many };
})();

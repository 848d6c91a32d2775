// What the bench does inside the real page, with `globalThis.inos` and nothing else. Evaluated by the driver once per load,
// so it is a statement and no module of the product.
globalThis.benchVault ??= (() => {
  /** @type {any} */
  const inos = /** @type {any} */ (globalThis).inos;
  /** @type {Map<string, {file: Blob, sha256: string}>} */
  const kinds = new Map();
  const input = document.createElement("input");
  input.type = "file";
  input.id = "bench-data";
  document.body.append(input);

  /** @param {Uint8Array<ArrayBuffer> | ArrayBuffer} bytes */
  const sha256 = async (bytes) =>
    Array.from(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)), (byte) =>
      byte.toString(16).padStart(2, "0"),
    ).join("");

  /** The chosen file, or random bytes as a file. @param {string} kind @param {number} [randomLength] */
  const load = async (kind, randomLength) => {
    let file = /** @type {Blob} */ (input.files?.[0]);
    if (randomLength) {
      const bytes = new Uint8Array(randomLength);
      for (let at = 0; at < randomLength; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536));
      file = new Blob([bytes]);
    }
    kinds.set(kind, { file, sha256: await sha256(await file.arrayBuffer()) });
    return file.size;
  };

  /** MiB/s of `bytes` in `ms`. @param {number} bytes @param {number} ms */
  const rate = (bytes, ms) => bytes / 1048.576 / ms;

  /**
   * Put, get, compare, remove: one run. Stage times are what `onProgress` tells, to about 0.1 s.
   * @param {string} kind
   */
  const run = async (kind) => {
    const { file, sha256: wanted } = /** @type {{file: Blob, sha256: string}} */ (kinds.get(kind));
    const before = await inos.stats();
    /** @type {Record<string, number>} */
    const stages = {};
    let began = performance.now();
    const done = await inos.put(file, {
      name: `bench-${kind}`,
      /** @param {{stage: string}} progress */
      onProgress: ({ stage }) => {
        stages[stage] = performance.now() - began;
      },
    });
    const putMs = performance.now() - began;
    const after = await inos.stats();
    if (done.newChunks !== done.chunks) throw new Error("the vault held some of this already");
    began = performance.now();
    const back = await inos.get(done.root);
    const getMs = performance.now() - began;
    if ((await sha256(back)) !== wanted) throw new Error("what came back is not what was put");
    await inos.remove(done.root);
    return {
      put: rate(file.size, putMs),
      get: rate(file.size, getMs),
      putMs,
      getMs,
      stagesMs: stages,
      storedBytes: done.stored,
      chunks: done.chunks,
      jobs: after.jobsDone - before.jobsDone,
      brainTurns: after.brainTurns - before.brainTurns,
      diskBytesWritten: after.diskBytesWritten - before.diskBytesWritten,
      copyBytesIn: after.copyBytesIn - before.copyBytesIn,
      muscles: after.muscles,
    };
  };

  /** Only put, or only get of what was put last: for the profiled run. @param {string} kind */
  const put = async (kind) => {
    const { file } = /** @type {{file: Blob}} */ (kinds.get(kind));
    const began = performance.now();
    const { root } = await inos.put(file, { name: `profile-${kind}` });
    return { root, ms: performance.now() - began };
  };
  /** @param {string} root */
  const get = async (root) => {
    const began = performance.now();
    await inos.get(root);
    return { ms: performance.now() - began };
  };

  return { load, run, put, get };
})();

/**
 * The rows of the benchmark, in the order they are shown: what each measures, and what the performance document says of it.
 *
 * Nouns: the *seed* is the document's figure; `least` or `most` is that figure in the row's unit (MB/s there are 10^6, ours
 * are MiB/s), compared with the row's value; a *target* is the least ratio to a baseline that we want; *needs* says what the
 * row, or one of its baselines, cannot do without.
 * Invariants: a ratio above 1 means that we are ahead; baselines are named in BASELINES and nowhere else.
 * Must not know how anything is measured.
 */

/** What a row or a baseline needs. @typedef {"libraries" | "server" | "node" | "python" | "cli"} Need */
/** @typedef {{text: string, least?: number, most?: number}} Seed */
/**
 * @typedef {object} CatalogRow
 * @property {string} id
 * @property {string} title
 * @property {string} unit
 * @property {"more" | "less"} better
 * @property {Seed | null} seed
 * @property {string} method one sentence
 * @property {string} section of the performance document
 * @property {Need[]} needs
 * @property {number} seconds roughly, of a full measurement
 * @property {Record<string, number>} [targets] least ratio by baseline
 */

/** What the ratios of a row compare with, where it is somebody else's. */
export const BASELINES = /** @type {const} */ ([
  "libsodium",
  "hash-wasm",
  "brotli-wasm",
  "native",
  "loadPyodide",
  "postMessage",
  "postMessage.transfer",
  "BroadcastChannel",
  "fetch",
  "WebSocket",
  "gzip",
  "raw channel",
]);

const ZERO_COPY = "1. Zero-Copy Operations";
const SIGNALS = "2. Epoch Signaling Latency";
const THROUGHPUT = "3. Throughput Benchmarks";
const LOAD = "4. Concurrent Load Performance";
const COMPRESSION = "6. Compression Performance";
const SUSTAINED = "7. Sustained Load Test";
const REAL_WORLD = "Real-World Performance Metrics";
const SCALE = "Scalability Analysis";
const PIPELINE = "Zero-Copy Pipeline";
const MESH = "5. P2P Mesh Performance";
const START = "Start";

/** MB/s of the document as our MiB/s. @param {number} mb */
const mibOf = (mb) => (mb * 1e6) / 1048576;

const PACED =
  "One way between two workers at 1 kHz, the receiver asleep, both on performance.timeOrigin + now(); postMessage and BroadcastChannel by the same method in turns.";

/** @param {string} size @param {number} bytes @param {string} text @param {number} least @param {boolean} python @returns {CatalogRow} */
const ring = (size, bytes, text, least, python) => ({
  id: `ring.${size}${python ? ".py" : ""}`,
  title: `Ring, ${bytes >= 1048576 ? "1 MiB" : `${bytes / 1024} KiB`} messages${python ? ", Python" : ""}`,
  unit: "msgs/s",
  better: "more",
  seed: { text, least },
  method: python
    ? "Messages from one Python worker to another through a ring in batches; the consumer compares every message, numbers and bytes, with the one that is due."
    : "Messages from one worker to another through a ring; the consumer checks the number of every message and adds up every word of it; the baselines carry the same messages with the same check.",
  section: THROUGHPUT,
  needs: python ? ["python"] : ["server"],
  seconds: 6,
});

/** @param {number} seconds @returns {CatalogRow} */
const sustained = (seconds) => ({
  id: `sustained.${seconds}`,
  title: `${seconds} s with 10 workers`,
  unit: "ops/s",
  better: "more",
  seed: { text: "> 10k ops/s, > 10 MB/s, stable", least: 10_000 },
  method:
    "Ten workers, five producers and five consumers of 1 KiB messages, every message verified; rate of each second, drift of the last third against the middle third, corruption and memory.",
  section: SUSTAINED,
  needs: [],
  seconds: seconds + 2,
});

const RINGS = /** @type {const} */ ([
  ["1k", 1024, "500+ MB/s, > 500k ops/s", 500_000],
  ["10k", 10_240, "800+ MB/s, > 80k ops/s", 80_000],
  ["100k", 102_400, "1000+ MB/s, > 10k ops/s", 10_000],
  ["1m", 1_048_576, "1200+ MB/s, > 1k ops/s", 1_200_000_000 / 1_048_576],
]);

/** @type {CatalogRow[]} */
export const ROWS = [
  {
    id: "sab.read.1m",
    title: "1 MiB to another worker, by pointer",
    unit: "ms",
    better: "less",
    seed: { text: "< 1 ms", most: 1 },
    method:
      "From one worker's signal until another holds 1 MiB and has read its first and last word; then, off the clock, it adds up every word; with that inside the clock, see the notes.",
    section: ZERO_COPY,
    needs: ["server"],
    seconds: 12,
    targets: { postMessage: 20 },
  },
  {
    id: "sab.write.1m",
    title: "1 MiB written for another worker",
    unit: "ms",
    better: "less",
    seed: { text: "< 1 ms", most: 1 },
    method:
      "A worker writes 1 MiB from private memory into shared memory and signals, until the other holds it; the baselines send the same private bytes; the receiver then adds up every word.",
    section: ZERO_COPY,
    needs: ["server"],
    seconds: 12,
  },
  {
    id: "sab.pointer.js",
    title: "One word at any address, JavaScript",
    unit: "ns",
    better: "less",
    seed: { text: "< 1 µs", most: 1000 },
    method:
      "Dependent reads of 32-bit words along a random cycle through 1 MiB of shared memory; the cycle must close.",
    section: ZERO_COPY,
    needs: [],
    seconds: 2,
  },
  {
    id: "sab.pointer.py",
    title: "One word at any address, Python",
    unit: "ns",
    better: "less",
    seed: { text: "< 1 µs", most: 1000 },
    method: "Dependent reads of 32-bit words along a random cycle through shared memory, from a Python worker.",
    section: ZERO_COPY,
    needs: ["python"],
    seconds: 4,
  },
  {
    id: "sab.copy",
    title: "Copy within shared memory",
    unit: "MiB/s",
    better: "more",
    seed: { text: "> 1000 MB/s", least: mibOf(1000) },
    method:
      "1 MiB at a time from shared to shared memory by TypedArray.set in one worker, the copies' words added up afterwards; beside the rate of 1 MiB messages by the baselines.",
    section: ZERO_COPY,
    needs: ["server"],
    seconds: 8,
  },
  {
    id: "epoch.js",
    title: "Signal, JavaScript to JavaScript",
    unit: "µs",
    better: "less",
    seed: { text: "< 10 µs average, < 100 µs max", most: 10 },
    method: `${PACED} Epoch: Atomics.notify to a worker in Atomics.wait.`,
    section: SIGNALS,
    needs: [],
    seconds: 26,
    targets: { postMessage: 2.5 },
  },
  {
    id: "epoch.py",
    title: "Signal, Python to Python",
    unit: "µs",
    better: "less",
    seed: { text: "< 10 µs average, < 100 µs max", most: 10 },
    method: `${PACED} Both ends are Python workers with inos.memory.`,
    section: SIGNALS,
    needs: ["python"],
    seconds: 20,
    targets: { postMessage: 1 / 0.75 },
  },
  {
    id: "epoch.async",
    title: "Signal to a worker that may not block",
    unit: "µs",
    better: "less",
    seed: { text: "< 10 µs average, < 100 µs max", most: 10 },
    method: `${PACED} The receiver stays in its event loop with Atomics.waitAsync, as the brain does.`,
    section: SIGNALS,
    needs: [],
    seconds: 20,
  },
  {
    id: "epoch.ops",
    title: "Signals per second",
    unit: "ops/s",
    better: "more",
    seed: { text: "> 100k ops/s", least: 100_000 },
    method:
      "Two workers answer each other's signal as fast as they can; a signal counts once it was seen and answered.",
    section: SIGNALS,
    needs: [],
    seconds: 6,
  },
  ...RINGS.map(([size, bytes, text, least]) => ring(size, bytes, text, least, false)),
  ...RINGS.map(([size, bytes, text, least]) => ring(size, bytes, text, least, true)),
  {
    id: "load.100",
    title: "100 tasks at once",
    unit: "ops/s",
    better: "more",
    seed: { text: "> 10k ops/s, > 95 % success, 16 MB", least: 10_000 },
    method:
      "100 hashing tasks of 16 KiB always open over at least two muscles in one 16 MiB memory; every answer is compared with its hash, and every task must come back exactly once; the baselines post the same tasks to the same number of workers.",
    section: LOAD,
    needs: [],
    seconds: 8,
  },
  {
    id: "brotli.q6",
    title: "Brotli q6",
    unit: "MiB/s",
    better: "more",
    seed: { text: "> 50 MB/s", least: mibOf(50) },
    method:
      "Brotli q6 of 1 MiB chunks by the kernel and by brotli-wasm, one worker each in one page, slices of 8 MiB in turns; native is Node's zlib on the same chunks; each side decodes the other's streams.",
    section: COMPRESSION,
    needs: ["libraries", "cli"],
    seconds: 40,
    targets: { "brotli-wasm": 2.3, native: 0.85, "brotli-wasm.decode": 1.3, "native.decode": 0.8 },
  },
  {
    id: "brotli.q11.re",
    title: "Re-encoding at q11",
    unit: "%",
    better: "more",
    seed: { text: "+10-20 %", least: 10 },
    method:
      "By how much the stored bytes of the corpus fall when chunks kept at q6 are encoded anew from plaintext at q11.",
    section: COMPRESSION,
    needs: [],
    seconds: 20,
  },
  {
    id: "brotli.q11.over",
    title: "q11 over the q6 output",
    unit: "%",
    better: "more",
    seed: { text: "+10-20 % by a second pass", least: 10 },
    method:
      "By how much the stored bytes of the corpus fall when the q6 streams themselves are compressed again at q11.",
    section: COMPRESSION,
    needs: [],
    seconds: 8,
  },
  {
    id: "gzip",
    title: "Space saved, beside gzip",
    unit: "%",
    better: "more",
    seed: { text: "40-60 %, gzip 20-30 %", least: 40 },
    method:
      "Share of the bytes saved by Brotli q6 and by CompressionStream's gzip on the same 1 MiB chunks; speeds of both in the notes.",
    section: COMPRESSION,
    needs: [],
    seconds: 10,
  },
  {
    id: "blake3",
    title: "BLAKE3",
    unit: "MiB/s",
    better: "more",
    seed: null,
    method:
      "BLAKE3 of 1 MiB messages by the kernel in place and by hash-wasm, one worker each in one page, slices of 8 MiB in turns; equal hashes.",
    section: REAL_WORLD,
    needs: ["libraries"],
    seconds: 6,
    targets: { "hash-wasm": 1.9 },
  },
  {
    id: "seal",
    title: "ChaCha20-Poly1305 seal",
    unit: "MiB/s",
    better: "more",
    seed: { text: "> 100 MB/s", least: mibOf(100) },
    method:
      "Seal of 1 MiB messages, in place by the kernel, from array to array by libsodium, slices of 8 MiB in turns; equal tags.",
    section: REAL_WORLD,
    needs: ["libraries"],
    seconds: 6,
    targets: { libsodium: 2 },
  },
  {
    id: "open",
    title: "ChaCha20-Poly1305 open",
    unit: "MiB/s",
    better: "more",
    seed: { text: "> 100 MB/s", least: mibOf(100) },
    method: "Open of what was sealed in the same pass, by the same two sides; equal plaintext.",
    section: REAL_WORLD,
    needs: ["libraries"],
    seconds: 6,
    targets: { libsodium: 2 },
  },
  {
    id: "vault.put.text",
    title: "Put of text",
    unit: "MiB/s",
    better: "more",
    seed: null,
    method:
      "inos.put of a file of text and binaries on the real page, until it is durable; kernel.q6 is one kernel's Brotli q6 of the same bytes just before and after.",
    section: REAL_WORLD,
    needs: ["node", "libraries"],
    seconds: 40,
    targets: { "1 x kernel.q6": 0.85, "2 x kernel.q6": 0.85 },
  },
  {
    id: "vault.put.random",
    title: "Put of random bytes",
    unit: "MiB/s",
    better: "more",
    seed: null,
    method:
      "inos.put of random bytes until durable, beside min(disk, series): the same bytes to OPFS and flushed once, and seal, hashes and chunker one after another in one kernel.",
    section: REAL_WORLD,
    needs: ["node", "libraries"],
    seconds: 20,
    targets: { "min(disk, series)": 0.6 },
  },
  {
    id: "vault.get",
    title: "Get of text",
    unit: "MiB/s",
    better: "more",
    seed: null,
    method:
      "inos.get of the same file into one buffer, every block checked by name, tag and hash; SHA-256 compared afterwards.",
    section: REAL_WORLD,
    needs: ["node", "libraries"],
    seconds: 10,
    targets: { "vault.put.text": 3 },
  },
  {
    id: "vault.roundtrip",
    title: "Put and get of text",
    unit: "MiB/s",
    better: "more",
    seed: { text: "> 30 MB/s", least: mibOf(30) },
    method: "The bytes of the file over the time of its put and its get together.",
    section: REAL_WORLD,
    needs: ["node", "libraries"],
    seconds: 1,
  },
  {
    id: "vault.folder_10k",
    title: "Folder of small files",
    unit: "files/s",
    better: "more",
    seed: null,
    method:
      "inos.putFolder of 10,000 files of 1 KiB of random bytes in 100 folders, until it is durable; the note is its bytes on the disk over theirs. Quick: 1,000 files.",
    section: REAL_WORLD,
    needs: ["node"],
    seconds: 15,
  },
  {
    id: "vault.shrink",
    title: "Saved while idle",
    unit: "%",
    better: "more",
    seed: null,
    method:
      "Text and binaries put with Brotli q6, then sealed again with q11 by the vault's upkeep: the part of the stored bytes that went; the file is compared afterwards.",
    section: REAL_WORLD,
    needs: ["node"],
    seconds: 40,
  },
  {
    id: "vault.open",
    title: "Opening 100,000 blocks",
    unit: "ms",
    better: "less",
    seed: null,
    method:
      "The brain's part of starting on a vault of 100,000 blocks in 1,000 files: keys, superblocks, the whole log, the index. Quick: 10,000 blocks.",
    section: REAL_WORLD,
    needs: ["node"],
    seconds: 30,
  },
  sustained(10),
  sustained(60),
  sustained(300),
  {
    id: "scale.cores",
    title: "Two kernels beside one",
    unit: "x linear",
    better: "more",
    seed: { text: "linear with cores", least: 0.85 },
    method:
      "The jobs of a put (compress, hash, encrypt 1 MiB chunks) through the job queue with 1, 2 and more muscles; the value is the rate of two over twice the rate of one, other counts are in the details.",
    section: SCALE,
    needs: [],
    seconds: 20,
  },
  {
    id: "scale.memory",
    title: "Memory of ten workers on the same data",
    unit: "MiB",
    better: "less",
    seed: { text: "O(1), shared 16 MB" },
    method:
      "Proportional memory (PSS) that ten workers add when all read one shared 16 MiB, beside ten that were posted a copy each; every worker adds up every word.",
    section: SCALE,
    needs: ["cli"],
    seconds: 30,
  },
  {
    id: "boot.restore",
    title: "Python from the snapshot",
    unit: "ms",
    better: "less",
    seed: null,
    method:
      "From asking a fresh worker until Python runs, restored from the snapshot, beside a stock loadPyodide; warm, in turns.",
    section: START,
    needs: [],
    seconds: 20,
    targets: { loadPyodide: 4 },
  },
  {
    id: "boot.brain",
    title: "Python with the node's imports",
    unit: "ms",
    better: "less",
    seed: null,
    method: "The same until asyncio, msgspec, cbor2 and inos.node are imported, equal on both sides.",
    section: START,
    needs: [],
    seconds: 1,
    targets: { loadPyodide: 2.5 },
  },
  {
    id: "boot.worker",
    title: "Another Python worker",
    unit: "ms",
    better: "less",
    seed: null,
    method:
      "From inos.spawn in the brain to the first line of the source run in the new worker, beside a stock loadPyodide.",
    section: START,
    needs: ["python"],
    seconds: 10,
    targets: { loadPyodide: 1 / 0.35 },
  },
  {
    id: "boot.page",
    title: "The page, second visit",
    unit: "ms",
    better: "less",
    seed: null,
    method:
      "From navigation until the page is mounted and painted, by a restarted browser on the same profile; the first visit with a new profile, and the bytes of both, in the notes.",
    section: START,
    needs: ["cli"],
    seconds: 40,
    targets: { "limit of 1000 ms": 1 },
  },
  {
    id: "mesh.goodput",
    title: "A file from tab to tab",
    unit: "MiB/s",
    better: "more",
    seed: { text: "> 100 MB/s", least: mibOf(100) },
    method:
      "64 MiB of random bytes from one browser to another by inos.fetch, from the first bytes that came until the file is verified and on disk, beside the best raw data channel of 64, 128 and 256 KiB messages between workers of the same two pages, and a download from serve.py.",
    section: MESH,
    needs: ["cli"],
    seconds: 60,
    targets: { "raw channel": 0.85 },
  },
  {
    id: "mesh.hops",
    title: "Look-up in a mesh of 1,000",
    unit: "hops",
    better: "less",
    seed: { text: "O(log n), 3-5 hops", most: 5 },
    method:
      "Hops of 300 look-ups at p99 among 1,000 nodes in the simulator, by the code that runs in the tab; every one ends at the truly closest node. Quick: 100 nodes.",
    section: MESH,
    needs: ["cli"],
    seconds: 20,
  },
  {
    id: "mesh.gossip",
    title: "A message to 1,000 nodes",
    unit: "hops",
    better: "less",
    seed: { text: "O(log n), 3-5 rounds", most: 5 },
    method:
      "Links over which the last nodes get a message, at p99, among 1,000 in the simulator; the copies each node gets are in the notes. Quick: 100 nodes.",
    section: MESH,
    needs: ["cli"],
    seconds: 30,
  },
  {
    id: "mesh.join",
    title: "Four browsers become a mesh",
    unit: "s",
    better: "less",
    seed: null,
    method:
      "From the last of four ready pages until each is linked to each, over the rendezvous server and then in-band.",
    section: MESH,
    needs: ["cli"],
    seconds: 60,
  },
  {
    id: "mesh.replication",
    title: "Copies of a new file",
    unit: "MiB/s",
    better: "more",
    seed: { text: "> 100 MB/s", least: mibOf(100) },
    method:
      "4 MiB of random bytes put in one of four browsers, until two others have verified copies on disk: both copies over the time.",
    section: MESH,
    needs: ["cli"],
    seconds: 1,
  },
  {
    id: "mesh.detect",
    title: "A dead node is noticed",
    unit: "s",
    better: "less",
    seed: null,
    method: "From the SIGKILL of a browser until the others hold its node for dead, the median of all of them.",
    section: MESH,
    needs: ["cli"],
    seconds: 1,
  },
  {
    id: "mesh.repair",
    title: "A lost copy is replaced",
    unit: "s",
    better: "less",
    seed: null,
    method: "From the SIGKILL of a browser that held copies until there are three again.",
    section: MESH,
    needs: ["cli"],
    seconds: 1,
  },
  {
    id: "pipeline",
    title: "Inbox, process, outbox, page",
    unit: "MiB/s",
    better: "more",
    seed: { text: "no copying at any stage, > 1000 MB/s", least: mibOf(1000) },
    method:
      "64 KiB blocks written once into shared memory, hashed in place by a second worker, shown to the page by pointer; copies are counted in the metrics block; the baselines post the blocks along the same three stages.",
    section: PIPELINE,
    needs: [],
    seconds: 8,
  },
];

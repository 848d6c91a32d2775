/**
 * Which tests run inside Pyodide, and why the others do not. The only place that says so.
 *
 * Two groups of about equal length, one thread each.
 */

/** With Hypothesis, which is not among the wheels that run here; what they test has other tests beside them. */
const PROPERTIES = [
  "dht/test_records.py",
  "dht/test_routing.py",
  "gossip/test_machine.py",
  "gossip/test_missed.py",
  "membership/test_contact.py",
  "membership/test_growth.py",
  "membership/test_view.py",
];

/** [path, reason] */
export const LEFT_OUT = [
  ...PROPERTIES.map((file) => [`tests/unit/${file}`, "Hypothesis"]),
  ["tests/unit/bench", "the benchmark's command: subprocesses, never part of a page"],
  ["tests/unit/chaos", "the command that kills browsers, from outside of them"],
  [
    "tests/unit/console/test_scope.py",
    "asyncio.run, which needs a loop that waits; in browsers tests/e2e/test_python_view.py goes through the facades",
  ],
  [
    "tests/unit/console/test_console.py",
    "asyncio.run, and a loop that waits, need CPython; in browsers tests/e2e/test_python_view.py runs the console",
  ],
  ["tests/unit/fuzz", "the targets run on CPython's wheels, with processes of their own"],
  ["tests/unit/host", "tests CPython's adapter on CPython's wheels; the browser's adapter has tests/pyodide/adapter"],
  [
    "tests/unit/links/test_carrier.py",
    "whole nodes on inos_host.disk, which needs os.preadv; the browser's meshes have tests/e2e/test_mesh.py",
  ],
  ["tests/unit/server", "aiohttp and sockets: never runs in a browser"],
  ["tests/unit/setup", "the set-up: subprocesses and files of the machine"],
  [
    "tests/unit/test_replicas.py",
    "whole nodes on inos_host.disk, which needs os.preadv; their parts have tests that run here",
  ],
  [
    "tests/unit/test_rooms.py",
    "whole nodes on inos_host.disk, which needs os.preadv; the browser's rooms have tests/e2e/test_mesh_page.py",
  ],
  [
    "tests/unit/test_streaming.py",
    "on the real disk of inos_host, which needs os.preadv; the browser's has tests/pyodide/adapter",
  ],
  ["tests/unit/test_tidy.py", "reads the checkout's text, runs none of its Python"],
];

/** [test, reason]; what remains of a parametrised test runs. */
export const DESELECTED = [
  ...Array.from({ length: 19 }, (_, index) => [
    `tests/unit/test_node.py::test_random_schedules[${50 * (index + 1)}]`,
    "the same play with other seeds, 3 s and some 15 GB of short-lived arenas each: seeds 0 to 49 run here, all on CPython",
  ]),
  [
    "tests/unit/test_node.py::test_a_file_from_vault_to_vault_survives_reloads",
    "inos_host.disk needs os.preadv, which Pyodide lacks; the browser's disk has tests/pyodide/adapter and brain.test.mjs",
  ],
];

export const GROUPS = [
  [
    "tests/unit/vault",
    "tests/unit/wire",
    "tests/unit/memory",
    "tests/unit/test_ed25519_strict.py",
    "tests/unit/test_tasks.py",
    "tests/unit/gossip",
    "tests/unit/console",
    "tests/unit/test_bucket.py",
  ],
  [
    "tests/unit/reference",
    "tests/unit/membership",
    "tests/unit/dht",
    "tests/unit/links",
    "tests/unit/replication",
    "tests/unit/transfer",
    "tests/unit/test_node.py",
    "tests/unit/test_grants.py",
    "tests/unit/test_repair.py",
    "tests/unit/test_workers.py",
  ],
];

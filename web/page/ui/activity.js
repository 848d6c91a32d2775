/**
 * What is going on, seen from the calls that the interface makes: each is an activity from its start to its end.
 *
 * Nouns: an *activity* is a key of `words.activity` and its parameters; it is *running* until its call has ended.
 * Invariant: a call through `watched` behaves as the node's own; nothing here changes an argument, a result or an error.
 */

/** @typedef {import("./types.js").NodeApi} NodeApi */
/** @typedef {import("./types.js").Activity} Activity */

export class ActivityLog {
  /** @type {Map<number, Activity>} in order of their start */
  #running = new Map();
  #nextId = 1;
  #listener;

  /** @param {(happened: Activity, now: Activity | null) => void} listener */
  constructor(listener) {
    this.#listener = listener;
  }

  /** Something that happened at one moment. @param {Activity} activity */
  note(activity) {
    this.#listener(activity, this.#now());
  }

  /**
   * @template T
   * @param {Activity} activity
   * @param {Promise<T>} call
   * @param {Activity} [after]  what happened when the call succeeded
   * @returns {Promise<T>}
   */
  async during(activity, call, after) {
    const id = this.#nextId++;
    this.#running.set(id, activity);
    this.note(activity);
    let happened = activity;
    try {
      const result = await call;
      if (after) happened = after;
      return result;
    } finally {
      this.#running.delete(id);
      this.note(happened);
    }
  }

  #now() {
    return [...this.#running.values()].at(-1) ?? null;
  }
}

/**
 * The same node, with its calls noted.
 *
 * @param {NodeApi} node
 * @param {ActivityLog} log
 * @param {(root: string) => string | undefined} nameOf
 * @returns {NodeApi}
 */
export function watched(node, log, nameOf) {
  /** @param {string} root @returns {Record<string, string>} */
  const about = (root) => {
    const name = nameOf(root);
    return name ? { name } : {};
  };
  return {
    ready: node.ready,
    state: () => node.state(),
    put: (source, options) => {
      const params = { name: options.name ?? "" };
      return log.during({ key: "put", params }, node.put(source, options), { key: "stored", params });
    },
    putFolder: (items, options) => {
      const params = { name: options.name };
      return log.during({ key: "put", params }, node.putFolder(items, options), { key: "stored", params });
    },
    entries: (root, path) => node.entries(root, path),
    readRange: (root, offset, length, options) => node.readRange(root, offset, length, options),
    countFiles: (root) => node.countFiles(root),
    find: (text) => node.find(text),
    space: () => node.space(),
    exportArchive: (options) => log.during({ key: "export" }, node.exportArchive(options), { key: "exported" }),
    importArchive: (file, options) =>
      log.during({ key: "import" }, node.importArchive(file, options), { key: "imported" }),
    repair: (options) => log.during({ key: "repair" }, node.repair(options)),
    housekeeping: (options) => node.housekeeping(options),
    tidy: () => log.during({ key: "tidy" }, node.tidy()),
    rename: (root, name, where) => node.rename(root, name, where),
    versions: (root) => node.versions(root),
    restore: (root) => node.restore(root),
    forget: (root) => node.forget(root),
    list: () => node.list(),
    share: (root) => log.during({ key: "share", params: about(root) }, node.share(root)),
    remove: (root, where) => log.during({ key: "remove", params: about(root) }, node.remove(root, where)),
    get: (root, options) => log.during({ key: "get", params: about(root) }, node.get(root, options)),
    save: (root, options) => log.during({ key: "save", params: about(root) }, node.save(root, options)),
    fetch: (link, options) => log.during({ key: "fetch" }, node.fetch(link, options), { key: "fetched" }),
    check: (level, options) => log.during({ key: "check" }, node.check(level, options)),
    peers: () => node.peers(),
    mesh: () => node.mesh(),
    setReplication: (copies, root) => node.setReplication(copies, root),
    invite: () => node.invite(),
    answerInvitation: (text) => node.answerInvitation(text),
    takeReply: (text) => node.takeReply(text),
    newRoom: () => node.newRoom(),
    leaveRoom: () => node.leaveRoom(),
    join: (roomLink) => node.join(roomLink),
    room: () => node.room(),
    stats: () => node.stats(),
    metrics: () => node.metrics(),
    on: (event, listener) => node.on(event, listener),
    takeOver: () => node.takeOver(),
    persist: () => node.persist(),
    shareRevocable: (root) => log.during({ key: "share", params: about(root) }, node.shareRevocable(root)),
    links: (root) => node.links(root),
    revoke: (id) => node.revoke(id),
    protection: () => node.protection(),
    setPassphrase: (passphrase, options) => node.setPassphrase(passphrase, options),
    addPasskey: (options) => node.addPasskey(options),
    setAskAlways: (askAlways, options) => node.setAskAlways(askAlways, options),
    removeSlot: (id) => node.removeSlot(id),
    lock: () => node.lock(),
    unlock: (given) => node.unlock(given),
    setIdleLock: (minutes) => node.setIdleLock(minutes),
  };
}

/**
 * Who came and who left between two looks.
 *
 * @param {string[]} before
 * @param {string[]} after
 * @returns {Activity[]}
 */
export function peerChanges(before, after) {
  const left = before.filter((peer) => !after.includes(peer));
  const joined = after.filter((peer) => !before.includes(peer));
  return [
    ...left.map((peer) => ({ key: "peer-left", params: { peer } })),
    ...joined.map((peer) => ({ key: "peer-joined", params: { peer } })),
  ];
}

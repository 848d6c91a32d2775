// What a page does in a chaos run, until it is killed: puts files and folders, replaces and removes them, gives them out and tidies
// up, several at a time, each told to the witness before it begins and once it is acknowledged. The text of a function, run by
// `Tab.begin`. `present` is [[root, name]]; a lane that works on a file takes it out of the list meanwhile.
async ({ seed, firstCall, lanes, calls, present, presentMax, sizeBitsMax, filesOnly }, note) => {
  let state = seed >>> 0 || 1;
  const draw = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 2 ** 32;
  };
  const pick = (list) => list[Math.floor(draw() * list.length)];

  const tell = async (line) => {
    const answer = await fetch("/witness/line", { method: "POST", body: JSON.stringify(line) });
    if (!answer.ok) throw new Error(`the witness answers ${answer.status}`);
  };

  let call = firstCall;
  const files = present.map(([root, name]) => ({ root, name }));
  const takeOne = () => files.splice(Math.floor(draw() * files.length), 1)[0];

  /** A call with its two lines; what `run` answers stands in the second. */
  const told = async (number, begin, run) => {
    await tell({ op: "begin", call: number, ...begin });
    try {
      const answer = await run();
      await tell({ op: "ack", call: number, ...answer });
      return answer;
    } catch (error) {
      await tell({ op: "fail", call: number, code: error?.code ?? String(error) });
      throw error;
    }
  };

  const making = (sizeBits) => ({
    kind: pick(["random", "text"]),
    seed: Math.floor(draw() * 2 ** 31),
    length: Math.floor(2 ** (draw() * sizeBits)),
  });

  const put = async () => {
    const made = making(sizeBitsMax);
    const bytes = lab.make(made);
    const number = call++;
    const name = `file ${number}`;
    const begin = { kind: "put", name, size: made.length, sha256: await lab.sha256(bytes), made };
    const { root } = await told(number, begin, async () => ({
      root: (await globalThis.inos.put(bytes, { name })).root,
    }));
    files.push({ root, name });
  };

  const putFolder = async () => {
    const items = Array.from({ length: 1 + Math.floor(draw() * 30) }, (_, index) => ({
      path: `${pick(["", "a/", "a/b/", "c/"])}${index}.bin`,
      ...making(sizeBitsMax - 5),
    }));
    const made = { kind: "folder", length: items.reduce((sum, item) => sum + item.length, 0), items };
    const number = call++;
    const name = `folder ${number}`;
    const blobs = items.map((item) => ({ path: item.path, file: new Blob([lab.make(item)]) }));
    const { root } = await told(number, { kind: "put", name, made }, async () => {
      return { root: (await globalThis.inos.putFolder(blobs, { name })).root };
    });
    files.push({ root, name });
  };

  const replace = async () => {
    const { root, name } = takeOne();
    const made = making(sizeBitsMax);
    const replaced = await told(call++, { kind: "replace", name, root, made }, async () => {
      return { root: (await globalThis.inos.put(lab.make(made), { name, replaces: root })).root };
    });
    files.push({ root: replaced.root, name });
  };

  const remove = async () => {
    const { root } = takeOne();
    await told(call++, { kind: "remove", root }, () => globalThis.inos.remove(root));
  };

  const share = async () => {
    const file = takeOne();
    await told(call++, { kind: "other", what: "share", root: file.root }, async () => {
      return { link: await globalThis.inos.share(file.root) };
    });
    files.push(file);
  };

  /** Compaction and collection, which a vault of this size would not need for long. */
  const tidy = () => told(call++, { kind: "other", what: "tidy" }, () => globalThis.inos.tidy());

  const step = async () => {
    const drawn = draw();
    if (files.length > lanes && drawn < (files.length > presentMax ? 0.6 : 0.2)) await remove();
    else if (drawn > 0.97) await tidy();
    else if (files.length > 0 && drawn > 0.9) await share();
    else if (!filesOnly && files.length > 0 && drawn > 0.8) await replace();
    else if (!filesOnly && drawn > 0.72) await putFolder();
    else await put();
  };

  const lane = async () => {
    while (call - firstCall < calls) {
      await step();
      note(call);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
};

// What a page does in a chaos run, until it is killed: puts, removes, shares and tidying, several at a time, each told to the witness
// before it begins and once it is acknowledged. The text of a function, run by `Tab.begin`.
async ({ seed, firstCall, lanes, calls, present, presentMax, sizeBitsMax }, note) => {
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

  /** A call with its two lines. */
  const told = async (begin, run) => {
    await tell({ op: "begin", ...begin });
    try {
      await tell({ op: "ack", call: begin.call, ...(await run()) });
    } catch (error) {
      await tell({ op: "fail", call: begin.call, code: error?.code ?? String(error) });
      throw error;
    }
  };

  let call = firstCall;
  const roots = [...present];

  const put = async () => {
    const size = Math.floor(2 ** (draw() * sizeBitsMax));
    const made = { kind: pick(["random", "text"]), seed: Math.floor(draw() * 2 ** 31), length: size };
    const bytes = lab.make(made);
    const number = call++;
    const name = `file ${number}`;
    await told({ call: number, kind: "put", name, size, sha256: await lab.sha256(bytes), made }, async () => {
      const { root } = await globalThis.inos.put(bytes, { name });
      roots.push(root);
      return { root };
    });
  };

  const remove = async () => {
    const [root] = roots.splice(Math.floor(draw() * roots.length), 1);
    await told({ call: call++, kind: "remove", root }, () => globalThis.inos.remove(root));
  };

  const share = async () => {
    const root = pick(roots);
    await told({ call: call++, kind: "other", what: "share", root }, async () => {
      return { link: await globalThis.inos.share(root) };
    });
  };

  /** Compaction and collection, which a vault of this size would not need for long. */
  const tidy = () => told({ call: call++, kind: "other", what: "tidy" }, () => globalThis.inos.tidy());

  const lane = async () => {
    while (call - firstCall < calls) {
      const drawn = draw();
      if (roots.length > 4 && drawn < (roots.length > presentMax ? 0.6 : 0.2)) await remove();
      else if (drawn > 0.96) await tidy();
      else if (roots.length > 0 && drawn > 0.88)
        await share().catch((error) => error.code === "NotFound" || Promise.reject(error));
      else await put();
      note(call);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
};

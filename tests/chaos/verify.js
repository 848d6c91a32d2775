// What a vault holds of what it should: the text of a function. `wanted` is [[root, made, older]], older versions being [root, made];
// answers what is wrong with which.
async (wanted) => {
  const wrong = [];

  const same = async (root, made, options) => {
    const expected = await lab.sha256(lab.make(made));
    const bytes = await globalThis.inos.get(root, options);
    if (bytes.length !== made.length || (await lab.sha256(bytes)) !== expected)
      wrong.push([root, "other bytes", options]);
  };

  const check = async (root, made) => {
    try {
      if (made.kind !== "folder") await same(root, made);
      for (const item of made.items ?? []) await same(root, item, { path: item.path });
    } catch (error) {
      wrong.push([root, error?.code ?? String(error)]);
    }
  };

  for (const [root, made, older] of wanted) {
    await check(root, made);
    if (older.length === 0) continue;
    const known = (await globalThis.inos.versions(root)).map((version) => version.root);
    for (const [before, madeBefore] of older) {
      if (known.includes(before)) await check(before, madeBefore);
      else wrong.push([before, "a version that is not there"]);
    }
  }
  return wrong;
};

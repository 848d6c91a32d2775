// What a vault holds of what it should: the text of a function. `wanted` is [[root, made]]; answers what is wrong with which.
async (wanted) => {
  const wrong = [];
  for (const [root, made] of wanted) {
    const expected = await lab.sha256(lab.make(made));
    try {
      const got = await lab.get(root);
      if (got.length !== made.length || got.sha256 !== expected) wrong.push([root, "other bytes"]);
    } catch (error) {
      wrong.push([root, error?.code ?? String(error)]);
    }
  }
  return wrong;
};

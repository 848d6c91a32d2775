// What the tests do inside a page: seeded data, hashes, jobs. Evaluated by the drivers in front of every call, so it is a
// statement that runs once per page and is no module of the product.
window.lab ??= (() => {
  /** sfc32: 32 random bits per call, the same for the same seed in every browser. */
  const randomWords = (seed) => {
    let [a, b, c, d] = [seed | 0, 0x9e3779b9 | 0, 0x243f6a88 | 0, 1];
    const next = () => {
      const sum = (a + b + d) | 0;
      d = (d + 1) | 0;
      a = b ^ (b >>> 9);
      b = (c + (c << 3)) | 0;
      c = (c << 21) | (c >>> 11);
      c = (c + sum) | 0;
      return sum >>> 0;
    };
    for (let i = 0; i < 12; i++) next();
    return next;
  };

  const random = (seed, length) => {
    const next = randomWords(seed);
    const words = new Uint32Array(Math.ceil(length / 4));
    for (let i = 0; i < words.length; i++) words[i] = next();
    return new Uint8Array(words.buffer, 0, length);
  };

  /** Text-like: words of a seeded vocabulary, frequent ones more often, in sentences and paragraphs. */
  const text = (seed, length) => {
    const next = randomWords(seed);
    const syllables = "ka to re mi sol en ar li vo da pe un is or ta na che ru ble st".split(" ");
    const vocabulary = Array.from({ length: 8192 }, () => {
      let word = "";
      for (let n = 1 + (next() & 3); n > 0; n--) word += syllables[next() % syllables.length];
      const tail = next() % 24;
      return new TextEncoder().encode(word + (tail === 0 ? ".\n" : tail < 3 ? ", " : " "));
    });
    const out = new Uint8Array(length);
    let at = 0;
    while (at < length) {
      const draw = next();
      const word = vocabulary[(draw >>> 16) % (1 + (draw & 8191))]; // small indices are the frequent words
      if (at + word.length > length) {
        out.fill(46, at);
        break;
      }
      out.set(word, at);
      at += word.length;
    }
    return out;
  };

  const fromBase64 = (_seed, _length, base64) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));

  const kinds = { random, text, base64: fromBase64 };
  const make = ({ kind, seed, length, base64 }) => kinds[kind](seed, length, base64);

  const sha256 = async (bytes) => {
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  };

  const violations = [];
  addEventListener("securitypolicyviolation", (event) => {
    violations.push(`CSP ${event.violatedDirective}: ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`);
  });

  const jobs = new Map();
  /** Only plain data leaves: what is returned or thrown is read later, by another call. */
  const begin = (number, script, given) => {
    const job = { notes: [], ended: false, promise: null };
    job.promise = (async () => script(...given, (value) => job.notes.push(value)))().finally(() => {
      job.ended = true;
    });
    job.promise.catch(() => {});
    jobs.set(number, job);
  };

  /** Put made data; answers what put answered, with the data's hash. */
  const put = async (made, name, options = {}) => {
    const bytes = make(made);
    const hash = await sha256(bytes);
    const done = await globalThis.inos.put(bytes, { name, ...options });
    return { ...done, sha256: hash };
  };

  const get = async (rootOrLink) => {
    const bytes = await globalThis.inos.get(rootOrLink);
    return { length: bytes.length, sha256: await sha256(bytes) };
  };

  return { make, sha256, violations, jobs, begin, put, get };
})();

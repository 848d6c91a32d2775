// --- what follows is served by tests/chaos/witness.py only ------------------------------------------------------------
// Every change and flush of a file is told to the witness when it has returned, before the next call: by synchronous requests, in
// the order of the calls. Of a change it is also told that it is about to be made: when the browser dies between the two, whoever
// starts it again looks at the file (`UNSETTLED` in kill.py).
{
  const names = new WeakMap();
  const created = new WeakSet();

  const tell = (call, body) => {
    const request = new XMLHttpRequest();
    request.open("POST", `/witness/disk?${new URLSearchParams(call)}`, false);
    request.send(body);
    if (request.status !== 200) throw new Error(`the witness answers ${request.status}`);
  };

  const { getFileHandle } = FileSystemDirectoryHandle.prototype;
  FileSystemDirectoryHandle.prototype.getFileHandle = async function (name, options) {
    try {
      return await getFileHandle.call(this, name);
    } catch (error) {
      if (error.name !== "NotFoundError" || !options?.create) throw error;
    }
    const entry = await getFileHandle.call(this, name, options);
    created.add(entry);
    return entry;
  };

  const { createSyncAccessHandle } = FileSystemFileHandle.prototype;
  FileSystemFileHandle.prototype.createSyncAccessHandle = async function (...options) {
    const handle = await createSyncAccessHandle.apply(this, options);
    names.set(handle, this.name);
    tell({ op: "open", file: this.name, created: created.has(this) });
    return handle;
  };

  const { write, truncate, flush, close } = FileSystemSyncAccessHandle.prototype;
  Object.assign(FileSystemSyncAccessHandle.prototype, {
    write(bytes, options) {
      const call = { file: names.get(this), offset: options.at };
      tell({ op: "about", change: "write", ...call, length: bytes.length });
      const data = new Uint8Array(bytes); // of shared memory only a copy may be sent
      const length = write.call(this, bytes, options);
      tell({ op: "write", ...call, length }, data);
      return length;
    },
    truncate(size) {
      const call = { file: names.get(this), size };
      tell({ op: "about", change: "truncate", ...call });
      truncate.call(this, size);
      tell({ op: "truncate", ...call });
    },
    flush() {
      flush.call(this);
      tell({ op: "flush", file: names.get(this) });
    },
    close() {
      close.call(this);
      tell({ op: "close", file: names.get(this) });
    },
  });
}

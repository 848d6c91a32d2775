// --- what follows is served by tests/chaos/witness.py only ------------------------------------------------------------
// Every change and flush of a file is told to the witness, in the order of the calls and before the next one: by synchronous
// requests, so that what is not told has not been begun. A change is told before it is made: if the browser dies between the
// two, the next start overwrites what was never there. A flush is told when it has returned.
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
      // Of shared memory only a copy may be sent.
      tell({ op: "write", file: names.get(this), offset: options.at, length: bytes.length }, new Uint8Array(bytes));
      return write.call(this, bytes, options);
    },
    truncate(size) {
      tell({ op: "truncate", file: names.get(this), size });
      return truncate.call(this, size);
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

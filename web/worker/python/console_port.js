/**
 * A console's port in a worker: what the page says goes to Python, what Python says goes to the page.
 *
 * A message is a JSON text and perhaps bytes. `ping` is answered here, as soon as the worker hears anything at all.
 */

/** @typedef {(post: (json: string, bytes?: Uint8Array) => void) => (json: string, bytes?: Uint8Array) => void} Open */

/**
 * @param {MessagePort} port
 * @param {Open} open makes Python's end
 * @param {(run: () => void) => void} enter when Python may be entered
 */
export function servePort(port, open, enter) {
  const toPython = open((json, bytes) => {
    const transfer = bytes ? [bytes.buffer] : [];
    port.postMessage({ json, bytes }, transfer);
  });
  port.onmessage = ({ data }) => {
    if (data.ping !== undefined) port.postMessage({ pong: data.ping });
    else enter(() => toPython(data.json, data.bytes));
  };
}

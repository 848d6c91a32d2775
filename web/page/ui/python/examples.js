/** Examples, each run as it stands by an end-to-end test. */

/** @typedef {{key: keyof typeof import("../../words.js").words.python.titles, place: "node" | "scratch", source: string}} Example */

/** @type {Example[]} */
export const examples = [
  {
    key: "put",
    place: "node",
    source: `text = "Hello from Python. " * 1000
await inos.put(text, name="hello.txt")`,
  },
  {
    key: "share",
    place: "node",
    source: `file = await inos.put("Something to share", name="shared.txt")
await inos.share(file["root"])  # whoever opens this link gets the file`,
  },
  {
    key: "files",
    place: "node",
    source: `[
    {"name": file["name"], "bytes": file["size"], "stored": file["stored"]}
    for file in await inos.list()
]`,
  },
  {
    key: "peers",
    place: "node",
    source: `room = await inos.room()
members = room["members"] if room else []
print(f"{len(members)} linked nodes in this room")
members`,
  },
  {
    key: "publish",
    place: "node",
    source: `def heard(message):
    print("heard:", message.data.decode())

stop = inos.subscribe("hello", heard)
message = await inos.publish("hello", "Is anybody here?")
print("said, as message", message[:8])`,
  },
  {
    key: "epoch",
    place: "node",
    source: `caller = """
from time import perf_counter

def main(ping, pong, rounds):
    began = perf_counter()
    for seen in range(rounds):
        memory.publish(ping)
        memory.wait(pong, seen)
    return (perf_counter() - began) / rounds / 2 * 1e6
"""
echo = """
def main(ping, pong, rounds):
    for seen in range(rounds):
        memory.wait(ping, seen)
        memory.publish(pong)
"""
words = arena.alloc(128)  # two epochs, each on a cache line of its own
memory.write(words.offset, bytes(128))
args = {"ping": words.offset, "pong": words.offset + 64, "rounds": 2000}
other, first = [await inos.spawn(source, args=args) for source in (echo, caller)]
took = await first.result()
for worker in (first, other):
    await worker.close()
arena.release(words)
print(f"{took:.1f} µs from one Python to another")`,
  },
  {
    key: "picture",
    place: "node",
    source: `from struct import pack
from zlib import compress, crc32

size = 160
rows = b"".join(
    b"\\0" + bytes(part for x in range(size) for part in (x * 255 // size, y * 255 // size, (x ^ y) & 255))
    for y in range(size)
)

def chunk(kind, data):
    return pack(">I", len(data)) + kind + data + pack(">I", crc32(kind + data))

head = pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
b"\\x89PNG\\r\\n\\x1a\\n" + chunk(b"IHDR", head) + chunk(b"IDAT", compress(rows)) + chunk(b"IEND", b"")`,
  },
  {
    key: "scratch",
    place: "scratch",
    source: `def primes(limit):
    sieve = bytearray([1]) * limit
    sieve[:2] = 0, 0
    for number in range(2, int(limit**0.5) + 1):
        if sieve[number]:
            sieve[number * number :: number] = bytes(len(range(number * number, limit, number)))
    return [number for number, is_prime in enumerate(sieve) if is_prime]

found = primes(2_000_000)
print(f"{len(found):,} primes below two million")
found[-5:]`,
  },
];

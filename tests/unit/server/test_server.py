"""A real server process, spoken to over real sockets: headers, refusals, the rendezvous, the way it starts and stops."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import zlib

import aiohttp
import brotli
import pytest
from serving import CHECKOUT, ask, assert_secure, start, stop

from inos_host.server.measuring import BODY_BYTES_MAX, MESSAGE_BYTES_MAX
from inos_host.server.sockets import SUBPROTOCOL

ROOM = bytes(range(32))


def port_of(process: subprocess.Popen[str]) -> int:
    line = process.stdout.readline()
    match = re.fullmatch(r"INOS http://127\.0\.0\.1:(\d+)/\n", line)
    assert match, (line, process.stderr.read() if process.poll() is not None else "")
    return int(match.group(1))


@pytest.fixture(scope="module")
def port(root):
    process = start(root, "--port", "0", "--no-open")
    yield port_of(process)
    code, errors = stop(process)
    assert (code, errors) == (0, "")


def test_the_page_has_its_headers_type_and_tag(port, root):
    status, headers, body = ask(port)
    assert (status, body) == (200, (root / "static/index.html").read_bytes())
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert headers["cache-control"] == "no-cache"
    assert headers["vary"] == "Accept-Encoding"
    assert_secure(headers)


@pytest.mark.parametrize("path", ["/", "/web/page/main.js", "/build/kernel.wasm"])
def test_brotli_is_used_where_it_is_taken(port, path):
    _, plain_headers, plain = ask(port, path)
    _, headers, packed = ask(port, path, Accept_Encoding="gzip, br")
    assert headers["content-encoding"] == "br"
    assert len(packed) < len(plain) == len(brotli.decompress(packed))
    assert headers["etag"] != plain_headers["etag"]
    assert "content-encoding" not in plain_headers


def test_a_known_tag_is_answered_with_304_and_all_headers(port):
    _, headers, _ = ask(port, "/web/page/main.js")
    status, again, body = ask(port, "/web/page/main.js", If_None_Match=headers["etag"])
    assert (status, body, again["etag"]) == (304, b"", headers["etag"])
    assert_secure(again)
    assert ask(port, "/web/page/main.js", If_None_Match='"other"')[0] == 200


def test_head_is_get_without_a_body(port):
    _, expected, body = ask(port, "/build/kernel.wasm")
    status, headers, nothing = ask(port, "/build/kernel.wasm", "HEAD")
    assert (status, nothing, headers["content-length"]) == (200, b"", str(len(body)))
    assert headers["content-type"] == expected["content-type"] == "application/wasm"


def test_the_service_worker_may_control_everything(port):
    assert ask(port, "/sw.js")[1]["service-worker-allowed"] == "/"


@pytest.mark.parametrize(
    ("method", "target", "host", "extra", "status"),
    [
        ("GET", "/nothing.html", None, {}, 404),
        ("GET", "/../secret.txt", None, {}, 404),
        ("GET", "/%2e%2e/secret.txt", None, {}, 404),
        ("GET", "/build/kernel.wasm.br", None, {}, 404),
        ("POST", "/", None, {"Content_Length": "0"}, 405),
        ("PUT", "/x.js", None, {"Content_Length": "0"}, 405),
        ("OPTIONS", "/", None, {}, 405),
        ("GET", "/", "evil.example", {}, 421),
        ("GET", "/", "127.0.0.1.evil.example:8000", {}, 421),
        ("GET", "/", None, {"Host": "evil.example"}, 400),
        ("GET", "/", None, {"Transfer_Encoding": "chunked"}, 413),
        ("GET", "/", None, {"Content_Length": "70000"}, 413),
        ("GET", "http://evil.example/index.html", None, {}, 421),
        ("GET", "http://127.0.0.1/index.html", None, {}, 400),
        ("GET", "/", None, {"X_Long": "y" * 9000}, 400),
        ("GET", "/" + "y" * 9000, None, {}, 400),
        ("GET", "/", None, {f"X_{n}": "y" * 1000 for n in range(9)}, 431),
        ("GET", "/rendezvous", None, {}, 426),
    ],
)
def test_refusals_are_short_and_carry_every_header(port, method, target, host, extra, status):
    got, headers, body = ask(port, target, method, host=host, **extra)
    assert got == status
    assert_secure(headers)
    assert len(body) < 200
    assert b"evil" not in body
    assert b"not for anybody" not in body


@pytest.mark.parametrize("raw", [b"\x16\x03\x01\x02\x00\r\n\r\n", b"GARBAGE\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n"])
def test_what_is_not_http_is_answered_in_our_words(port, raw):
    status, headers, _ = ask(port, raw=raw)
    assert status == 400
    assert_secure(headers)


def test_localhost_is_redirected_to_the_one_origin(port):
    status, headers, _ = ask(port, "/a/b.html?c=1", host=f"localhost:{port}")
    assert (status, headers["location"]) == (308, f"http://127.0.0.1:{port}/a/b.html?c=1")
    assert_secure(headers)


def test_the_one_origin_may_be_localhost(root):
    process = start(root, "--host", "localhost", "--port", "0", "--no-open")
    match = re.fullmatch(r"INOS http://localhost:(\d+)/\n", process.stdout.readline())
    port = int(match.group(1))
    status, headers, _ = ask(port, "/?x", host=f"127.0.0.1:{port}")
    assert (status, headers["location"]) == (308, f"http://localhost:{port}/?x")
    assert ask(port, "/", host=f"localhost:{port}")[0] == 200
    assert stop(process)[0] == 0


def test_a_client_that_never_finishes_its_headers_is_dropped(port):
    started = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: 127")
        assert connection.recv(100) == b""
    assert time.monotonic() - started < 15


UPGRADE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec_WebSocket_Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    "Sec_WebSocket_Version": "13",
}


@pytest.mark.parametrize(
    ("origin", "protocol", "status"),
    [
        (None, SUBPROTOCOL, 403),
        ("null", SUBPROTOCOL, 403),
        ("http://evil.example", SUBPROTOCOL, 403),
        ("http://localhost:{port}", SUBPROTOCOL, 403),
        ("https://127.0.0.1:{port}", SUBPROTOCOL, 403),
        ("http://127.0.0.1:{port}/", SUBPROTOCOL, 403),
        ("http://127.0.0.1", SUBPROTOCOL, 403),
        ("http://127.0.0.1:{port}", "", 400),
        ("http://127.0.0.1:{port}", "inos.rendezvous.v2", 400),
        ("http://127.0.0.1:{port}", SUBPROTOCOL, 101),
    ],
)
def test_only_our_origin_with_our_subprotocol_is_upgraded(port, origin, protocol, status):
    headers = dict(UPGRADE)
    if origin is not None:
        headers["Origin"] = origin.format(port=port)
    if protocol:
        headers["Sec_WebSocket_Protocol"] = protocol
    if status == 101:
        lines = ["GET /rendezvous HTTP/1.1", f"Host: 127.0.0.1:{port}"]
        lines += [f"{k.replace('_', '-')}: {v}" for k, v in headers.items()]
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall("\r\n".join([*lines, "", ""]).encode())
            head = connection.recv(4096).decode()
        got = int(head.split(" ")[1])
        fields = {k.lower(): v for k, _, v in (f.partition(": ") for f in head.split("\r\n")[1:])}
    else:
        got, fields, _ = ask(port, "/rendezvous", **headers)
    assert got == status
    assert_secure(fields)


class Client:
    """A rendezvous socket of the tests."""

    def __init__(self, session: aiohttp.ClientSession, port: int) -> None:
        self.session, self.port = session, port

    async def __aenter__(self) -> aiohttp.ClientWebSocketResponse:
        origin = f"http://127.0.0.1:{self.port}"
        self.socket = await self.session.ws_connect(f"{origin}/rendezvous", origin=origin, protocols=[SUBPROTOCOL])
        return self.socket

    async def __aexit__(self, *_: object) -> None:
        await self.socket.close()


async def join(client: aiohttp.ClientWebSocketResponse, room: bytes = ROOM) -> int:
    await client.send_str(json.dumps({"join": room.hex()}))
    answer = await client.receive_json(timeout=5)
    assert answer["joined"] == room.hex()
    return answer["members"]


def test_frames_are_forwarded_unchanged_up_to_the_bound(port):
    async def scenario() -> None:
        async with aiohttp.ClientSession() as session, Client(session, port) as one, Client(session, port) as two:
            assert await join(one) == 1
            assert await join(two) == 2
            for size in (1, 1000, 16 * 1024 - 32):
                frame = ROOM + os.urandom(size)
                await one.send_bytes(frame)
                assert await two.receive_bytes(timeout=5) == frame
            await one.send_bytes(bytes(32) + b"x")
            assert (await one.receive_json(timeout=5))["error"] == "not-member"
            await one.send_bytes(ROOM + bytes(16 * 1024 - 31))
            assert (await one.receive(timeout=5)).type in {aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED}
            assert one.close_code == 1009
            await two.send_str(json.dumps({"leave": ROOM.hex()}))
            assert await two.receive_json(timeout=5) == {"left": ROOM.hex()}

    asyncio.run(scenario())


def test_a_flood_is_told_and_does_not_reach_the_others(port):
    async def scenario() -> None:
        async with aiohttp.ClientSession() as session, Client(session, port) as one, Client(session, port) as two:
            await join(one)
            await join(two)
            for _ in range(100):
                await one.send_bytes(ROOM + b"x")
            assert await one.receive_json(timeout=5) == {"error": "rate"}
            await two.send_str(json.dumps({"join": bytes(32).hex()}))
            received = 0
            while (await two.receive(timeout=5)).type is aiohttp.WSMsgType.BINARY:
                received += 1
            assert 39 <= received <= 60

    asyncio.run(scenario())


def test_who_joins_nothing_is_closed_after_ten_seconds(port):
    async def scenario() -> None:
        async with aiohttp.ClientSession() as session, Client(session, port) as idle:
            started = time.monotonic()
            message = await idle.receive(timeout=15)
            assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 1008)
            assert 9 < time.monotonic() - started < 13

    asyncio.run(scenario())


def test_sockets_from_one_machine_are_bounded(root):
    process = start(root, "--port", "0", "--no-open")
    port = port_of(process)

    async def scenario() -> None:
        async with aiohttp.ClientSession() as session:
            clients = [Client(session, port) for _ in range(64)]
            sockets = [await client.__aenter__() for client in clients]
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await Client(session, port).__aenter__()
            assert refused.value.status == 429
            await sockets[0].close()
            async with Client(session, port) as late:
                await join(late)
            started = time.monotonic()
            code, errors = await asyncio.to_thread(stop, process)
            assert (code, errors) == (0, "")
            assert time.monotonic() - started < 3
            message = await sockets[1].receive(timeout=5)
            assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 1001)
            await asyncio.gather(*(socket.close() for socket in sockets))  # not all have heard of the end yet

    asyncio.run(scenario())


def test_a_client_that_stops_reading_is_cut(port):
    rooms = [number.to_bytes(32) for number in range(1, 31)]

    def stalled(connection: socket.socket) -> None:
        """Upgrade, join every room, and never read again."""
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", port))
        fields = {**UPGRADE, "Origin": f"http://127.0.0.1:{port}", "Sec_WebSocket_Protocol": SUBPROTOCOL}
        lines = ["GET /rendezvous HTTP/1.1", f"Host: 127.0.0.1:{port}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        assert connection.recv(12) == b"HTTP/1.1 101"
        for room in rooms:
            text = json.dumps({"join": room.hex()}).encode()
            connection.sendall(bytes([0x81, 0x80 | len(text), 0, 0, 0, 0]) + text)  # a mask of zeros changes nothing

    async def members(client: aiohttp.ClientWebSocketResponse, room: bytes) -> int:
        count = await join(client, room)
        await client.send_str(json.dumps({"leave": room.hex()}))
        await client.receive_json(timeout=5)
        return count

    async def scenario(slow: socket.socket) -> None:
        stalled(slow)
        async with aiohttp.ClientSession() as session:
            senders = [await Client(session, port).__aenter__() for _ in rooms]
            for sender, room in zip(senders, rooms, strict=True):
                assert await join(sender, room) == 2
            for _ in range(35):  # 17 MiB in all: far beyond what the system buffers and the outbox hold
                for sender, room in zip(senders, rooms, strict=True):
                    await sender.send_bytes(room + bytes(16 * 1024 - 32))
            async with Client(session, port) as probe:
                deadline = time.monotonic() + 10
                while (count := await members(probe, rooms[0])) != 2:  # the sender and the probe
                    assert time.monotonic() < deadline, count
                    await asyncio.sleep(0.2)
            await asyncio.gather(*(sender.close() for sender in senders))

    with socket.socket() as slow:
        asyncio.run(scenario(slow))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(root, number):
    process = start(root, "--port", "0", "--no-open")
    port_of(process)
    process.send_signal(number)
    rest, errors = process.communicate(timeout=5)
    assert (process.returncode, rest, errors) == (0, "", "")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--port", "x"],
        ["--port", "70000"],
        ["--port", "-1"],
        ["--porto", "1"],
        ["extra"],
        ["--host", "no such host"],
        ["--host", "192.0.2.1", "--port", "0"],
    ],
)
def test_a_bad_argument_is_one_line_and_code_2(root, arguments):
    process = start(root, *arguments)
    out, errors = process.communicate(timeout=20)
    assert (process.returncode, out) == (2, "")
    assert re.fullmatch(r"inos: [^\n]+\n", errors), errors


def test_a_taken_port_is_one_line_and_code_2(root, port):
    process = start(root, "--port", str(port), "--no-open")
    out, errors = process.communicate(timeout=10)
    assert (process.returncode, out) == (2, "")
    assert re.fullmatch(rf"inos: cannot listen on 127\.0\.0\.1 port {port}: [^\n]+\n", errors)


def test_a_missing_build_is_one_line_and_code_2(tmp_path):
    process = start(tmp_path, "--port", "0")
    out, errors = process.communicate(timeout=10)
    assert (process.returncode, out) == (2, "")
    assert re.fullmatch(r"inos: [^\n]*run npm start\n", errors)


def test_serve_py_without_its_environment_says_what_to_do(tmp_path):
    (tmp_path / "serve.py").write_bytes((CHECKOUT / "serve.py").read_bytes())
    done = subprocess.run([sys.executable, tmp_path / "serve.py"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(r"inos: [^\n]*run npm start\n", done.stderr)


# --- what measurements compare with (--bench): off unless asked for, our own origin only, bounded ---


@pytest.fixture(scope="module")
def bench_port(root):
    process = start(root, "--port", "0", "--no-open", "--bench")
    yield port_of(process)
    code, errors = stop(process)
    assert (code, errors) == (0, "")


def post(port: int, body: bytes, **headers: str):
    lines = [f"{name}: {value}" for name, value in headers.items()]
    head = "\r\n".join(
        ["POST /bench/sink HTTP/1.1", f"Host: 127.0.0.1:{port}", "Connection: close", *lines, "", ""]
    ).encode()
    return ask(port, raw=head + body)


def ours(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def test_they_are_off_by_default(root):
    process = start(root, "--port", "0", "--no-open")
    try:
        port = port_of(process)
        assert ask(port, "/bench/source?bytes=10")[0] == 404
        assert ask(port, "/bench/sink")[0] == 404
        assert ask(port, "/bench/echo")[0] == 404
        assert post(port, b"abc", Origin=ours(port), **{"Content-Length": "3"})[0] == 405
    finally:
        stop(process)


def test_the_source_gives_as_many_bytes_as_asked_and_always_the_same(bench_port):
    status, headers, body = ask(bench_port, "/bench/source?bytes=100000")
    assert (status, len(body)) == (200, 100_000)
    assert_secure(headers)
    assert ask(bench_port, "/bench/source?bytes=100000")[2] == body
    assert ask(bench_port, "/bench/source?bytes=10")[2] == body[:10]


@pytest.mark.parametrize("text", ["", "0", "-1", "1e3", "x", str(BODY_BYTES_MAX + 1), "9" * 400, "%EF%BC%91"])
def test_the_source_refuses_other_lengths(bench_port, text):
    assert ask(bench_port, f"/bench/source?bytes={text}")[0] == 400


def test_the_sink_answers_the_length_and_tells_the_checksum_later(bench_port):
    body = bytes(range(256)) * 4096
    status, headers, answer = post(bench_port, body, Origin=ours(bench_port), **{"Content-Length": str(len(body))})
    assert (status, json.loads(answer)) == (200, {"bytes": len(body)})
    assert_secure(headers)
    assert json.loads(ask(bench_port, "/bench/sink")[2]) == {"bytes": len(body), "crc32": zlib.crc32(body)}


def test_the_sink_takes_nothing_from_elsewhere_and_nothing_too_large(bench_port):
    assert post(bench_port, b"abc", Origin="http://evil.example", **{"Content-Length": "3"})[0] == 403
    assert post(bench_port, b"abc", **{"Content-Length": "3"})[0] == 403
    assert post(bench_port, b"", Origin=ours(bench_port), **{"Content-Length": str(BODY_BYTES_MAX + 1)})[0] == 413


@pytest.mark.parametrize("length", [0, 1, MESSAGE_BYTES_MAX])
def test_the_echo(bench_port, length):
    async def talk() -> bytes:
        timeout = aiohttp.ClientTimeout(total=30)
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.ws_connect(f"{ours(bench_port)}/bench/echo", origin=ours(bench_port), max_msg_size=0) as channel,
        ):
            await channel.send_bytes(bytes(length))
            return await channel.receive_bytes()

    assert asyncio.run(talk()) == bytes(length)


def test_the_echo_is_for_our_own_origin(bench_port):
    async def talk() -> int:
        async with aiohttp.ClientSession() as session:
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await session.ws_connect(f"{ours(bench_port)}/bench/echo", origin="http://evil.example")
            return refused.value.status

    assert asyncio.run(talk()) == 403
    assert ask(bench_port, "/bench/echo", Origin=ours(bench_port))[0] == 426

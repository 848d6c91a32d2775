"""Serving other devices: the addresses, the certificates, both schemes on one port, what is refused in one line."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import json
import re
import socket
import ssl
import stat
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import pytest
from cryptography import x509
from serving import ask, assert_secure, start, stop

from inos_host.server import announcement, certificates, local_networks
from inos_host.server.certificates import BadCertificate, issue
from inos_host.server.ice import BadIceServer, ice_server
from inos_host.server.origins import BadOrigin, Origins, public_origin
from inos_host.server.sockets import SUBPROTOCOL

RELAY = "turn:relay.example"
ICE = [
    ("stun:stun.example:3478", {"urls": "stun:stun.example:3478"}),
    ("STUN:Stun.Example", {"urls": "stun:stun.example"}),
    ("stuns:[2001:db8::1]:5349", {"urls": "stuns:[2001:db8::1]:5349"}),
    (
        "turn:10.0.0.1:3478?user=ann&secret=w%26rd",
        {"urls": "turn:10.0.0.1:3478", "username": "ann", "credential": "w&rd"},
    ),
    (
        "turns:relay.example?transport=tcp&secret=a=b&user=%C3%A4",
        {"urls": "turns:relay.example?transport=tcp", "username": "\u00e4", "credential": "a=b"},
    ),
    (f"{RELAY}?user=a&secret=b#c", {"urls": RELAY, "username": "a", "credential": "b#c"}),
]
NOT_ICE = [
    "", "stun:", "stun.example:3478", "http://stun.example", "stun://stun.example", "stun:user@stun.example", "stun:a:0",
    "stun:a:65536", "stun:a:03478x", "stun:a?user=a&secret=b", "stun:a b", " stun:a", RELAY, f"{RELAY}?user=a",
    f"{RELAY}?user=a&secret=", f"{RELAY}?user=a&user=b&secret=c", f"{RELAY}?user=a&secret=b&transport=sctp",
    f"{RELAY}?user=a&secret=b&x=y", f"{RELAY}?user=a&secret={'b' * 512}",
]  # fmt: skip
HOME = [ipaddress.ip_address("192.168.1.5")]
NOW = dt.datetime(2027, 1, 1, tzinfo=dt.UTC)


@pytest.fixture
def where(tmp_path, monkeypatch):
    """This user's folder of certificates."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    return certificates.folder()


@contextmanager
def running(root, *arguments):
    process = start(root, "--no-open", "--port", "0", *arguments)
    try:
        line = process.stdout.readline()
        found = re.fullmatch(r"INOS (https?://\S+)/\n", line)
        assert found, (line, process.stderr.read() if process.poll() is not None else "")
        yield found[1], process
    finally:
        ended = stop(process)
    assert ended == (0, "")


# --- addresses -------------------------------------------------------------------------------------------------------


def test_only_addresses_of_local_networks_are_listened_at():
    texts = [
        "8.8.8.8",
        "127.0.0.1",
        "169.254.3.3",
        "192.168.1.5",
        "10.1.1.1",
        "fe80::1",
        "2001:db8::1",
        "fd00::2",
        "172.32.0.1",
    ]
    addresses = [ipaddress.ip_address(text) for text in texts]
    ordered = local_networks.ordered(addresses, [ipaddress.ip_address("192.168.1.5")])
    assert [str(each) for each in ordered] == ["192.168.1.5", "10.1.1.1", "169.254.3.3", "fd00::2"]


# --- certificates ----------------------------------------------------------------------------------------------------


def test_a_certificate_is_used_again_while_it_will_do(where):
    first = issue(where, HOME, ["a.local"], NOW)
    assert issue(where, HOME, ["a.local"], NOW + dt.timedelta(days=300)) == first
    moved = issue(where, [ipaddress.ip_address("10.0.0.7")], ["a.local"], NOW)
    assert moved.fingerprint != first.fingerprint
    assert issue(where, HOME, ["a.local"], NOW) == moved, "at home again with the certificate of elsewhere"
    public = first.public_file.read_bytes()
    renewed = issue(where, HOME, ["a.local"], NOW + dt.timedelta(days=350))
    assert renewed.fingerprint != moved.fingerprint
    assert renewed.public_file.read_bytes() == public, "what was imported still holds"


def test_keys_are_for_their_user_alone(where):
    issued = issue(where, HOME, ["a.local"], NOW)
    assert stat.S_IMODE(where.stat().st_mode) == 0o700
    for name in (certificates.AUTHORITY_FILE, certificates.LEAF_FILE):
        assert stat.S_IMODE((where / name).stat().st_mode) == 0o600
    assert b"PRIVATE" not in issued.public_file.read_bytes()
    (where / certificates.LEAF_FILE).chmod(0o644)
    with pytest.raises(BadCertificate, match="others may read"):
        issue(where, HOME, ["a.local"], NOW)


@pytest.mark.parametrize("content", [b"", b"-----BEGIN PRIVATE KEY-----\n", b"\0" * 100])
def test_a_damaged_file_is_named(where, content):
    issue(where, HOME, ["a.local"], NOW)
    (where / certificates.AUTHORITY_FILE).write_bytes(content)
    with pytest.raises(BadCertificate, match=r"authority\.pem is damaged"):
        issue(where, HOME, ["a.local"], NOW)


def test_a_key_beside_another_certificate_is_damage(where):
    issue(where, HOME, ["a.local"], NOW)
    leaf = certificates._read(where / certificates.LEAF_FILE)
    other = certificates.make_authority(NOW)
    file = where / certificates.LEAF_FILE
    file.write_bytes(certificates.Pair(other.key, leaf.certificate).pem())
    with pytest.raises(BadCertificate, match="damaged"):
        issue(where, HOME, ["a.local"], NOW)


def test_the_authority_speaks_for_local_networks_alone():
    made = certificates.make_authority(NOW).certificate.extensions.get_extension_for_class(x509.NameConstraints)
    assert made.critical
    permitted = made.value.permitted_subtrees
    networks = [each.value for each in permitted if isinstance(each, x509.IPAddress)]
    assert tuple(networks) == local_networks.LOCAL
    assert [each.value for each in permitted if isinstance(each, x509.DNSName)] == ["local", "localhost"]


def test_a_leaf_outside_of_the_constraints_is_refused_by_tls(where, tmp_path):
    """What stands between a stolen authority and the internet."""
    now = dt.datetime.now(dt.UTC)
    authority = certificates.make_authority(now)
    leaf = certificates.make_leaf(authority, HOME, ["bank.example"], now)
    file = tmp_path / "stolen.pem"
    file.write_bytes(leaf.pem(authority.certificate))
    trusting = ssl.create_default_context(
        cadata=authority.certificate.public_bytes(certificates.serialization.Encoding.PEM).decode()
    )
    assert "permitted subtree" in handshake_error(file, trusting, "bank.example")


def handshake_error(file: Path, trusting: ssl.SSLContext, name: str) -> str:
    """Why a client that trusts the authority breaks a handshake off."""
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(file)
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = trusting.wrap_bio(to_client, to_server, server_hostname=name)
    server = serving.wrap_bio(to_server, to_client, server_side=True)
    for end in (client, server, client):
        try:
            end.do_handshake()
        except ssl.SSLWantReadError:
            continue
        except ssl.SSLCertVerificationError as error:
            return error.verify_message
    return ""


# --- what is asked for -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("line", "server"), ICE)
def test_ice_servers(line, server):
    assert ice_server(line) == server


@pytest.mark.parametrize("line", NOT_ICE)
def test_what_is_no_ice_server(line):
    with pytest.raises(BadIceServer) as refused:
        ice_server(line)
    assert "secret=b" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://Inos.Example", "https://inos.example"), ("https://inos.example/", "https://inos.example"),
        ("https://inos.example:443", "https://inos.example"), ("https://a.b:8443", "https://a.b:8443"), ("http://[::1]:80", "http://[::1]"),
        ("inos.example", None), ("ftp://a", None), ("https://a/b", None), ("https://a:70000", None), ("https://u@a", None),
        ("https://", None),
    ],
)  # fmt: skip
def test_public_origins(text, origin):
    if origin is None:
        with pytest.raises(BadOrigin):
            public_origin(text)
    else:
        assert public_origin(text) == origin


def test_a_code_can_be_drawn_in_the_terminal():
    lines = announcement.code("https://192.168.1.5:8000")
    assert len({len(line) for line in lines}) == 1
    assert len(lines) == (len(lines[0]) - 2 + 1) // 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--ice", "stun:"], "--ice, server 1: it must be stun:HOST:PORT"),
        (["--ice", "stun:a", "turn:b?user=c&secret="], "--ice, server 2: a TURN server needs"),
        (["--ice", *["stun:a"] * 9], "--ice takes at most 8"),
        (["--public-origin", "box"], "--public-origin: 'box' is no origin"),
        (["--meet-for", "https://a.example", "box"], "--meet-for: 'box' is no origin"),
        (["--lan", "--host", "8.8.8.8"], "--lan serves local networks, and 8.8.8.8 is in none"),
        (["--tls", "none.pem", "none.key"], "--tls: cannot use none.pem with none.key: No such file"),
        (["--tls", __file__, __file__], "--tls: cannot use"),
        (["--tls", "one.pem"], "argument --tls: expected 2 arguments"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(root, where, arguments, said):
    process = start(root, "--no-open", "--port", "0", *arguments)
    output, errors = process.communicate(timeout=20)
    assert (process.returncode, output) == (2, "")
    assert errors.startswith(f"inos: {said}")
    assert errors.count("\n") == 1


# --- a process of it -------------------------------------------------------------------------------------------------


def test_lan_serves_https_and_sends_http_there(root, where):
    with running(root, "--lan", "--host", "127.0.0.1") as (url, _):
        port = int(url.rpartition(":")[2])
        assert url == f"https://127.0.0.1:{port}"
        status, headers, _ = ask(port, "/a?b", host=f"127.0.0.1:{port}")
        assert (status, headers["location"]) == (308, f"{url}/a?b")
        assert_secure(headers)
        assert ask(port, "/", host="evil.example")[0] == 421
        with (
            socket.create_connection(("127.0.0.1", port)) as silent,
            socket.create_connection(("127.0.0.1", port)) as broken,
        ):
            broken.sendall(b"\x16\x03\x01\x00\x05hello")
            assert len(broken.recv(4096)) < 64, "an alert at most"
            silent.close()
        asyncio.run(look_by_tls(url, where))


async def look_by_tls(url: str, where: Path) -> None:
    trusting = ssl.create_default_context(cafile=str(where / certificates.PUBLIC_FILE))
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trusting)) as session:
        async with session.get(url) as answer:
            assert answer.status == 200
            assert_secure({name.lower(): value for name, value in answer.headers.items()})
        async with session.get(f"{url}/{certificates.PUBLIC_FILE}") as answer:
            assert answer.content_type == "application/x-x509-ca-cert"
            assert await answer.read() == (where / certificates.PUBLIC_FILE).read_bytes()
        ours = {"Origin": url}
        async with session.ws_connect(f"{url}/rendezvous", protocols=[SUBPROTOCOL], headers=ours) as channel:
            await channel.send_str(json.dumps({"join": "00" * 32}))
            assert json.loads((await channel.receive()).data)["members"] == 1
        for other in (url.replace("https", "http"), "https://evil.example"):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await session.ws_connect(f"{url}/rendezvous", protocols=[SUBPROTOCOL], headers={"Origin": other})
            assert refused.value.status == 403


def test_a_certificate_of_ones_own_brings_its_names(root, where, tmp_path):
    authority = certificates.make_authority(dt.datetime.now(dt.UTC))
    leaf = certificates.make_leaf(authority, [], ["box.local"], dt.datetime.now(dt.UTC))
    pem = tmp_path / "mine.pem"
    pem.write_bytes(leaf.pem(authority.certificate))
    with running(root, "--tls", str(pem), str(pem)) as (url, _):
        port = int(url.rpartition(":")[2])
        assert url == f"https://box.local:{port}"
        status, headers, _ = ask(port, "/", host=f"box.local:{port}")
        assert (status, headers["location"]) == (308, f"{url}/")
        assert not where.exists(), "none was made"


def test_behind_a_proxy_the_public_origin_is_ours(root, where):
    given = (
        "--public-origin",
        "https://inos.example",
        "--ice",
        "stun:stun.example:3478",
        "--meet-for",
        "https://a.example",
    )
    with running(root, *given) as (url, process):
        assert url == "https://inos.example"
        port = int(re.search(r":(\d+) for", process.stdout.readline())[1])
        assert ask(port, "/", host="inos.example")[0] == 200
        assert ask(port, "/", host="localhost")[0] == 200, "a proxy must not be sent in a circle"
        assert ask(port, "/", host="evil.example")[0] == 421
        config = json.loads(ask(port, "/config.json", host="inos.example")[2])
        assert config["iceServers"] == [{"urls": "stun:stun.example:3478"}]
        asyncio.run(fill_up(f"http://127.0.0.1:{port}/rendezvous"))


async def fill_up(url: str) -> None:
    """Sockets are counted by who the proxy says it is."""
    async with aiohttp.ClientSession() as session:
        channels = []

        async def join(origin: str, forwarded: str) -> int:
            headers = {"Host": "inos.example", "Origin": origin, "X-Forwarded-For": forwarded}
            try:
                channels.append(await session.ws_connect(url, protocols=[SUBPROTOCOL], headers=headers))
            except aiohttp.WSServerHandshakeError as refused:
                return refused.status
            return 101

        assert await join("https://evil.example", "203.0.113.1") == 403
        assert await join("https://a.example", "203.0.113.9") == 101
        assert [await join("https://inos.example", "6.6.6.6, 203.0.113.1") for _ in range(6)] == [101] * 5 + [429]
        assert await join("https://inos.example", "203.0.113.1, 203.0.113.2") == 101


def test_another_name_is_led_to_the_address_where_that_is_safe():
    origins = Origins("127.0.0.1", 8000, ("127.0.0.1",))
    assert origins.is_alias("localhost:8000")
    assert not Origins("127.0.0.1", 8000, ("127.0.0.1",), public_origin="https://a.example").is_alias("localhost:8000")

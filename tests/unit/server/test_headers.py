"""Which hosts are ours, which encodings a client takes, and that the policy says what the design says."""

from __future__ import annotations

import pytest

from inos_host.server.headers import (
    CONTENT_SECURITY_POLICY,
    accepts_brotli,
    etag_matches,
    host_is_ours,
    host_name,
    is_loopback,
)


@pytest.mark.parametrize("header", ["127.0.0.1", "127.0.0.1:8000", "localhost:8000", "LOCALHOST", "[::1]:8000"])
def test_loopback_hosts_are_ours(header):
    assert host_is_ours(header, "127.0.0.1")


@pytest.mark.parametrize(
    "header",
    [
        "", "evil.example", "evil.example:8000", "127.0.0.1.evil.example", "localhost.evil.example", "127.0.0.1@evil.example",
        "evil.example@127.0.0.1", "127.0.0.1:8000:9", "127.0.0.1:", "127.0.0.1:999999", "127.0.0.2", "0.0.0.0", "2130706433",
        "0x7f.1", "[::1", "::1", "[::ffff:127.0.0.1]", "127.0.0.1 ", " 127.0.0.1", "127.0.0.1,evil.example", "192.168.1.5",
        "localhost.", "loc\u0251lhost", "127.0.0.1/", "127.0.0.1\\evil",
    ],
)  # fmt: skip
def test_other_hosts_are_not(header):
    assert not host_is_ours(header, "127.0.0.1")


def test_the_bound_address_is_ours_and_wildcards_take_addresses_but_no_names():
    assert host_is_ours("192.168.1.5:8000", "192.168.1.5")
    assert not host_is_ours("192.168.1.6:8000", "192.168.1.5")
    assert host_is_ours("192.168.1.5:8000", "0.0.0.0")
    assert host_is_ours("[fe80::1]:8000", "::")
    assert not host_is_ours("evil.example", "0.0.0.0")


def test_host_names_lose_their_port():
    assert host_name("LocalHost:80") == "localhost"
    assert host_name("[::1]:80") == "[::1]"
    assert host_name("a b") is None


@pytest.mark.parametrize(
    ("header", "taken"),
    [
        ("", False), ("gzip", False), ("br", True), ("gzip, deflate, br, zstd", True), ("br;q=0", False), ("br;q=0.5", True),
        ("br; q=0.000", False), ("*", True), ("*;q=0", False), ("br;q=0, *", False), ("brotli", False), ("br;q=x", False),
        ("BR", True), ("identity;q=1, br;q=1.0", True),
    ],
)  # fmt: skip
def test_accept_encoding(header, taken):
    assert accepts_brotli(header) is taken


def test_tags_are_compared_whole():
    assert etag_matches('"a"', '"a"')
    assert etag_matches('W/"a"', '"a"')
    assert etag_matches('"b", "a"', '"a"')
    assert etag_matches("*", '"a"')
    assert not etag_matches("", '"a"')
    assert not etag_matches('"aa"', '"a"')


def test_loopback_addresses():
    assert is_loopback("127.0.0.1")
    assert is_loopback("127.9.9.9")
    assert is_loopback("::1")
    assert not is_loopback("192.0.2.1")
    assert not is_loopback("")


def test_the_policy_allows_nothing_by_default_and_no_eval():
    directives = dict(part.split(" ", 1) for part in CONTENT_SECURITY_POLICY.split("; "))
    assert directives["default-src"] == "'none'"
    assert directives["script-src"] == "'self' 'wasm-unsafe-eval'"
    assert directives["connect-src"] == "'self'"
    assert directives["require-trusted-types-for"] == "'script'"
    assert directives["trusted-types"] == "inos-worker"
    assert "unsafe-inline" not in CONTENT_SECURITY_POLICY
    assert "'unsafe-eval'" not in CONTENT_SECURITY_POLICY
    assert not any("*" in sources or "http" in sources for sources in directives.values())

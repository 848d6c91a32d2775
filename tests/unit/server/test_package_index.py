"""`serve.py --python-index`: what it passes on, and what it does not."""

from __future__ import annotations

import asyncio
import json
import re
from types import SimpleNamespace

import pytest
from serving import ask, assert_secure, start, stop
from tests.package_index import Index, wheel

from inos_host.server.package_index import UNDER_WAY_MAX, BadIndex, PackageIndex, index_address

TINY = "tinypkg-1.0-py3-none-any.whl"
WHERE = f"/python-index/file/tinypkg/{TINY}"


@pytest.fixture(scope="module")
def shared_index():
    made = Index()
    yield made
    made.close()


@pytest.fixture(scope="module")
def port(root, shared_index):
    process = start(root, "--port", "0", "--no-open", "--python-index", f"{shared_index.url}/")
    yield int(re.search(r":(\d+)/", process.stdout.readline())[1])
    assert stop(process) == (0, "")


@pytest.fixture
def index(shared_index):
    """The index with nothing in it, and nothing asked of it yet."""
    shared_index.answers.clear()
    shared_index.asked.clear()
    return shared_index


def files(port, name="tinypkg"):
    status, headers, body = ask(port, f"/python-index/simple/{name}/", Cookie="a=secret", Authorization="Basic secret")
    assert_secure(headers)
    return status, json.loads(body)["files"] if status == 200 else body.decode()


def test_a_pure_wheel_is_passed_on_and_nothing_of_the_request(port, index):
    index.add("tinypkg", (TINY, wheel()), **{"requires-python": ">=3.9", "core-metadata": True})
    assert json.loads(ask(port, "/config.json")[2])["pythonIndex"] == index.url
    status, found = files(port)
    assert status == 200
    assert [(file["filename"], file["url"]) for file in found] == [(TINY, f"http://127.0.0.1:{port}{WHERE}")]
    assert found[0]["requires-python"] == ">=3.9"
    assert "core-metadata" not in found[0]
    status, headers, body = ask(port, WHERE)
    assert (status, headers["content-type"], body) == (200, "application/zip", wheel())
    assert_secure(headers)
    for _, asked in index.asked:
        assert "cookie" not in asked
        assert "authorization" not in asked


def test_only_pure_wheels_with_a_hash_by_https_are_shown(port, index):
    index.add(
        "tinypkg", *[(name, b"x") for name in (TINY, "tinypkg-1.0.tar.gz", "tinypkg-1.0-cp314-cp314-linux_x86_64.whl")]
    )
    good = json.loads(index.answers["/simple/tinypkg/"][2])["files"][0]
    bad = [
        {**good, "hashes": {}},
        {**good, "hashes": {"sha256": "not one"}},
        {**good, "url": "http://example.org/x.whl"},
        {**good, "url": "file:///etc/passwd"},
        {**good, "filename": "../../x-1.0-py3-none-any.whl"},
        {"filename": TINY},
        "no file",
    ]
    index.answer_json("/simple/tinypkg/", {"name": "tinypkg", "files": [good, *bad]})
    assert len(files(port)[1]) == 1


def test_a_wheel_that_is_another_is_not_passed_on(port, index):
    index.add("tinypkg", (TINY, wheel()))
    index.answers[f"/files/{TINY}"] = 200, {}, wheel("evil")
    status, _, body = ask(port, WHERE)
    assert (status, b"not the one" in body) == (502, True)


@pytest.mark.parametrize(
    "path",
    [
        "simple/",
        "simple/tinypkg",
        "simple/Tinypkg/",
        "simple/..%2f..%2fsecret/",
        "simple/a/../b/",
        "simple/http://127.0.0.1/",
        "file/tinypkg/other.txt",
        "file/tinypkg/x-1.0-cp314-cp314-linux.whl",
        "anything",
        "about.json",
    ],
)
def test_nothing_else_is_asked_of_the_index(port, index, path):
    assert ask(port, f"/python-index/{path}")[0] == 404
    assert index.asked == []


def test_other_sites_are_refused(port, index):
    index.add("tinypkg", (TINY, wheel()))
    assert ask(port, "/python-index/simple/tinypkg/", Sec_Fetch_Site="cross-site")[0] == 403
    assert index.asked == []


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ((404, {}, b""), 404),
        ((500, {}, b""), 502),
        ((200, {}, b"<html>"), 502),
        ((200, {}, b"[" * 100_000), 502),
        ((200, {}, b"[]"), 502),
        ((302, {"Location": "http://example.org/"}, b""), 502),
        ((302, {"Location": "/simple/tinypkg/"}, b""), 502),
        ((302, {}, b""), 502),
    ],
)
def test_an_index_that_answers_otherwise(port, index, answer, status):
    index.answers["/simple/tinypkg/"] = answer
    assert files(port)[0] == status


def test_a_redirect_within_bounds_is_followed(port, index):
    index.add("moved", (TINY, wheel()))
    index.answers["/simple/tinypkg/"] = 301, {"Location": "/simple/moved/"}, b""
    assert files(port)[0] == 200


def test_an_index_elsewhere_does_not_lead_to_this_machine(index, monkeypatch):
    index.add("tinypkg", (TINY, wheel()))

    async def status_of(elsewhere):
        made = PackageIndex(index.url)
        if elsewhere:  # its pages come from here, but it does not know
            monkeypatch.setattr(made, "_takes_http", False)
        answer = await made.handle(SimpleNamespace(headers={}), WHERE, "")
        await made.close()
        return answer.status

    assert asyncio.run(status_of(elsewhere=False)) == 200
    index.asked.clear()
    assert asyncio.run(status_of(elsewhere=True)) == 502
    assert index.asked == []


def test_all_that_a_package_needs_may_be_asked_for_at_once(index, monkeypatch):
    async def statuses():
        made = PackageIndex(index.url)
        go_on = asyncio.Event()

        async def held(*_):
            await go_on.wait()
            return SimpleNamespace(status=200)

        monkeypatch.setattr(made, "_found", held)
        asked = [
            asyncio.create_task(made.handle(SimpleNamespace(headers={}), WHERE, "")) for _ in range(UNDER_WAY_MAX + 1)
        ]
        await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
        go_on.set()
        first = [answer.status for answer in await asyncio.gather(*asked)]
        return first, (await made.handle(SimpleNamespace(headers={}), WHERE, "")).status

    assert asyncio.run(statuses()) == ([200] * UNDER_WAY_MAX + [503], 200)


def test_without_the_option_there_is_none(root):
    process = start(root, "--port", "0", "--no-open")
    port = int(re.search(r":(\d+)/", process.stdout.readline())[1])
    assert ask(port, "/python-index/simple/tinypkg/")[0] == 404
    assert b"pythonIndex" not in ask(port, "/config.json")[2]
    assert stop(process) == (0, "")


@pytest.mark.parametrize(
    "address",
    [
        "http://example.org/simple",
        "ftp://example.org",
        "https://",
        "https://a:b@example.org",
        "https://x/?q",
        "x",
        "https://[/",
        "",
        f"https://x/{'a' * 300}",
    ],
)
def test_addresses_that_are_none(address):
    with pytest.raises(BadIndex):
        index_address(address)


def test_a_wrong_address_and_an_index_that_is_gone(root):
    process = start(root, "--port", "0", "--no-open", "--python-index", "http://example.org/simple")
    _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors.count("\n")) == (2, 1)
    gone = Index()
    gone.close()
    process = start(root, "--port", "0", "--no-open", "--python-index", gone.url)
    port = int(re.search(r":(\d+)/", process.stdout.readline())[1])
    assert files(port)[0] == 502
    assert stop(process) == (0, "")


def test_addresses_that_are():
    assert index_address("https://example.org/simple/") == "https://example.org/simple"
    assert index_address("http://[::1]:8080/simple") == "http://[::1]:8080/simple"

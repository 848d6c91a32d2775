"""Whether chaos runs would notice: lost files, files that come back, files of nobody."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.chaos.claims import Claims, acks_in, judge, read_from

MADE = {"kind": "text", "seed": 1, "length": 5}


def row(name: str, **changed: Any) -> dict[str, Any]:
    return {"name": name, "root": f"root of {name}", "size": 5, "lost": False, "shared": False, **changed}


def put(call: int, name: str, *, acked: bool = True) -> list[dict[str, Any]]:
    begin = {"op": "begin", "call": call, "kind": "put", "name": name, "size": 5, "sha256": "", "made": MADE}
    return [begin, {"op": "ack", "call": call, "root": f"root of {name}"}][: 1 + acked]


def remove(call: int, name: str, *, acked: bool = True) -> list[dict[str, Any]]:
    begin = {"op": "begin", "call": call, "kind": "remove", "root": f"root of {name}"}
    return [begin, {"op": "ack", "call": call}][: 1 + acked]


def claims_of(*parts: list[dict[str, Any]]) -> Claims:
    claims = Claims()
    claims.read([json.dumps(line) for part in parts for line in part])
    return claims


def test_what_was_acknowledged_must_be_there() -> None:
    verdict, files = judge(claims_of(put(0, "a"), put(1, "b")), [row("b")])
    assert len(verdict.lost) == 1
    assert "a: acknowledged" in verdict.lost[0]
    assert [file.root for file in files] == ["root of b"]


@pytest.mark.parametrize("changed", [{"lost": True}, {"size": 4}])
def test_what_is_there_must_be_whole(changed: dict[str, Any]) -> None:
    assert judge(claims_of(put(0, "a")), [row("a", **changed)])[0].lost


def test_what_was_not_acknowledged_may_be_there_and_is_then_looked_at() -> None:
    for rows in ([], [row("a")]):
        verdict, files = judge(claims_of(put(0, "a", acked=False)), rows)
        assert (verdict.lost, verdict.wrong) == ([], [])
        assert len(files) == len(rows)


def test_what_was_removed_must_be_gone() -> None:
    claims = claims_of(put(0, "a"), remove(1, "a"))
    assert judge(claims, [])[0].wrong == []
    assert judge(claims_of(put(0, "a"), remove(1, "a")), [row("a")])[0].wrong == ["a: removed, and there again"]


def test_a_removal_that_was_not_acknowledged_may_have_happened_once_and_for_all() -> None:
    claims = claims_of(put(0, "a"), put(1, "b"), remove(2, "a", acked=False), remove(3, "b", acked=False))
    assert judge(claims, [row("b")])[0].lost == []
    after = judge(claims, [row("a")])[0]
    assert "b: acknowledged" in after.lost[0], "it was there at the last start, and nobody asked for its removal since"
    assert after.wrong == ["a: removed, and there again"]


def test_strangers_twins_and_links() -> None:
    assert judge(claims_of(), [row("x")])[0].wrong == ["x: nobody put it"]
    assert "two rows of one name" in judge(claims_of(put(0, "a")), [row("a"), row("a")])[0].wrong
    assert judge(claims_of(put(0, "a")), [row("a", root="another")])[0].wrong
    share = [
        {"op": "begin", "call": 1, "kind": "other", "what": "share", "root": "root of a"},
        {"op": "ack", "call": 1, "link": "#"},
    ]
    assert judge(claims_of(put(0, "a"), share), [row("a")])[0].lost
    assert not judge(claims_of(put(0, "a"), share), [row("a", shared=True)])[0].lost


def test_a_call_that_fails_is_no_chaos_but_a_fault() -> None:
    with pytest.raises(AssertionError, match="StorageLost"):
        claims_of([*put(0, "a", acked=False), {"op": "fail", "call": 0, "code": "StorageLost"}])


OTHER = {"kind": "random", "seed": 2, "length": 7}


def replace(call: int, name: str, *, acked: bool = True) -> list[dict[str, Any]]:
    begin = {"op": "begin", "call": call, "kind": "replace", "name": name, "root": f"root of {name}", "made": OTHER}
    return [begin, {"op": "ack", "call": call, "root": "a newer root"}][: 1 + acked]


def test_what_was_replaced_must_be_new_and_have_its_old_version() -> None:
    claims = claims_of(put(0, "a"), replace(1, "a"))
    verdict, [file] = judge(claims, [row("a", root="a newer root", size=7)])
    assert (verdict.lost, verdict.wrong) == ([], [])
    assert (file.made, file.older) == (OTHER, [("root of a", MADE)])
    assert judge(claims_of(put(0, "a"), replace(1, "a")), [row("a")])[0].wrong == ["a: under another root"]
    assert judge(claims_of(put(0, "a"), replace(1, "a")), [row("a", root="a newer root")])[0].lost


@pytest.mark.parametrize("root", ["root of a", "a newer root"])
def test_a_replacement_that_was_not_acknowledged_may_have_happened_whole(root: str) -> None:
    for size in (5, 7):
        claims = claims_of(put(0, "a"), replace(1, "a", acked=False))
        verdict, [file] = judge(claims, [row("a", root=root, size=size)])
        is_whole = (root, size) in {("root of a", 5), ("a newer root", 7)}
        assert bool(verdict.lost) != is_whole
        assert verdict.wrong == []
        assert file.older == ([] if root == "root of a" else [("root of a", MADE)])


def test_a_line_that_is_being_written_is_read_later(tmp_path: Path) -> None:
    file = tmp_path / "trace"
    file.write_text('{"op": "ack", "call": 1}\n{"op": "a')
    lines, at = read_from(file, 0)
    assert acks_in(lines) == len(lines) == 1
    file.write_text(file.read_text() + 'ck", "call": 2}\n')
    assert read_from(file, at)[0] == ['{"op": "ack", "call": 2}']

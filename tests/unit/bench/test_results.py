"""What the benchmark does with its figures: ratios, targets, changes since an older run, the tables."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).resolve().parents[2] / "bench"
sys.path.insert(0, str(BENCH))

import catalog  # noqa: E402 - the benchmark's folder is no package
import readme_table  # noqa: E402
from rows import judged, missed, ratio_of_runs, result, rounded  # noqa: E402
from table import change, compared, figure, noise, regressions, table, verdict  # noqa: E402

RATE = {
    "id": "ring.1k",
    "unit": "msgs/s",
    "better": "more",
    "seed": {"text": "> 500k", "least": 500_000},
    "method": "m",
}
TIME = {"id": "boot.page", "unit": "ms", "better": "less", "seed": None, "method": "m", "targets": {"cold": 2.0}}
MIB = 1 << 20
ISSUE_IDS = [
    "sab.read.1m",
    "sab.write.1m",
    "sab.pointer.js",
    "sab.pointer.py",
    "sab.copy",
    "epoch.js",
    "epoch.py",
    "epoch.async",
    "epoch.ops",
    "ring.1k",
    "ring.10k",
    "ring.100k",
    "ring.1m",
    "ring.1k.py",
    "ring.10k.py",
    "ring.100k.py",
    "ring.1m.py",
    "load.100",
    "brotli.q6",
    "brotli.q11.re",
    "brotli.q11.over",
    "gzip",
    "seal",
    "open",
    "blake3",
    "vault.put.text",
    "vault.put.random",
    "vault.get",
    "vault.roundtrip",
    "sustained.10",
    "sustained.60",
    "sustained.300",
    "scale.cores",
    "scale.memory",
    "boot.restore",
    "boot.brain",
    "boot.worker",
    "boot.page",
    "pipeline",
    "vault.folder_10k",
    "vault.open",
    "vault.shrink",
    "mesh.goodput",
    "mesh.hops",
    "mesh.gossip",
    "mesh.join",
    "mesh.replication",
    "mesh.detect",
    "mesh.repair",
]


def row(value, samples=None, unit="MiB/s", **more):
    samples = samples or [value]
    made = {"id": "x", "value": value, "unit": unit, "samples": samples, "seed": None, "meets_seed": None}
    return {**made, "ratio": {}, "target": {}, "p50": None, "p99": None, "p999": None, "max": None, "notes": [], **more}


def test_the_catalog_has_exactly_the_rows_that_were_asked_for():
    assert sorted(catalog.ids()) == sorted(ISSUE_IDS)
    for entry in catalog.rows():
        assert entry["better"] in {"more", "less"}
        assert entry["method"].endswith(".")
        assert set(entry["needs"]) <= {"libraries", "server", "node", "python", "cli"}
        assert entry["seed"] is None or not {"least", "most"} <= entry["seed"].keys()
        assert all(least > 0 for least in entry.get("targets", {}).values())


def test_a_ratio_above_one_means_that_we_are_ahead():
    assert ratio_of_runs("more", [10.0, 20.0], [5.0, 10.0]) == 2
    assert ratio_of_runs("less", [10.0, 20.0], [5.0, 10.0]) == 0.5


def test_a_ratio_is_the_median_of_the_runs_own_ratios():
    # A noisy neighbour halved both sides of the second run: the quotient of medians would say 4 or 1.
    assert ratio_of_runs("more", [8.0, 4.0, 8.0], [4.0, 2.0, 4.0]) == 2
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        ratio_of_runs("more", [1.0, 2.0], [1.0])


def test_a_result_says_whether_the_seed_is_reached():
    assert result(RATE, [400_000.0, 600_000.0, 700_000.0], {})["meets_seed"] is True
    assert result(RATE, [400_000.0, 450_000.0, 700_000.0], {})["meets_seed"] is False
    assert result(TIME, [5.0], {})["meets_seed"] is None
    most = {**TIME, "seed": {"text": "< 1", "most": 1}}
    assert result(most, [1.0], {})["meets_seed"] is True
    assert result(most, [1.01], {})["meets_seed"] is False


def test_a_target_is_missed_only_where_its_baseline_was_there():
    made = result(TIME, [10.0], {"cold": [15.0]})
    assert made["ratio"] == {"cold": 1.5}
    assert missed(made) == ["target: 1.50 x cold, wanted 2.00"]
    assert judged(made)["met"] is False
    assert judged(made)["notes"] == missed(made)
    assert judged(result(TIME, [10.0], {"cold": [20.0]}))["met"] is True
    alone = judged(result(TIME, [10.0], {}))
    assert alone["met"] is None
    assert alone["notes"] == []


def test_four_digits_are_kept():
    assert rounded(123_456.7) == 123_500
    assert rounded(0.000123456) == 0.0001235


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (None, "ms", "-"),
        (1_234_567.0, "ops/s", "1.23 M"),
        (512_000.0, "msgs/s", "512 k"),
        (12.0, "ops/s", "12"),
        (12_345.6, "MiB/s", "12,346"),
        (0.02831, "ms", "0.0283"),
    ],
)
def test_figures_as_people_read_them(value, unit, text):
    assert figure(value, unit) == text


def test_the_verdict_puts_the_documents_figure_first():
    assert verdict(row(None)) == "not measured"
    assert verdict(row(None, error="boom")) == "FAILED"
    assert verdict(row(1.0, meets_seed=False, met=True)) == "MISSED"
    assert verdict(row(1.0, meets_seed=True, met=False)) == "target missed"
    assert verdict(row(1.0, meets_seed=True, met=None)) == "met"
    assert verdict(row(1.0, met=True)) == "met"
    assert verdict(row(1.0)) == ""


def test_the_noise_is_half_the_spread():
    assert noise(row(10.0, [9.0, 10.0, 11.0])) == pytest.approx(0.1)
    assert noise(row(10.0, [10.0, 10.0])) == 0


def test_one_run_tells_nothing_of_its_noise():
    assert noise(row(10.0)) == noise(row(None, [])) == 0.25
    assert change(row(6.0), row(10.0), "more")[2] == "same"
    assert change(row(4.0), row(10.0), "more")[2] == "REGRESSION"


@pytest.mark.parametrize(
    ("now", "old", "better", "share", "word"),
    [
        (row(8.0, [8.0] * 3), row(10.0, [10.0] * 3), "more", -0.2, "REGRESSION"),
        (row(12.0, [12.0] * 3), row(10.0, [10.0] * 3), "more", 0.2, "better"),
        (row(12.5, [12.5] * 3), row(10.0, [10.0] * 3), "less", -0.2, "REGRESSION"),
        (row(8.0, [8.0] * 3), row(10.0, [10.0] * 3), "less", 0.25, "better"),
        (row(9.6, [9.6] * 3), row(10.0, [10.0] * 3), "more", -0.04, "same"),
        (row(8.0, [7.0, 8.0, 9.0]), row(10.0, [9.0, 10.0, 11.0]), "more", -0.2, "same"),
        (row(7.0, [6.5, 7.0, 7.5]), row(10.0, [9.0, 10.0, 11.0]), "more", -0.3, "REGRESSION"),
        (row(None), row(10.0), "more", 0.0, "not comparable"),
        (row(10.0), row(None), "more", 0.0, "not comparable"),
    ],
)
def test_a_change_is_one_only_beyond_the_noise_of_both(now, old, better, share, word):
    found, _, called = change(now, old, better)
    assert found == pytest.approx(share)
    assert called == word


def test_comparing_two_measurements():
    now = [row(5.0, [5.0] * 3), row(5.0, id="y", unit="%"), row(1.0, id="new")]
    old = [row(10.0, [10.0] * 3), row(5.0, id="y", unit="MiB/s"), row(1.0, id="gone")]
    better = {"x": "more", "y": "more", "new": "more"}
    text = compared(now, old, better)
    assert "REGRESSION" in text
    assert "-50.0%" in text
    assert "measured in MiB/s before, in % now" in text
    assert "new" not in text
    assert "gone" not in text
    assert regressions(now, old, better) == ["x"]


def test_a_bad_command_line_is_told_before_anything_starts():
    for words in (["--only", "nope"], ["--mib", "0"], ["--runs", "-1"], ["--compare", "/nowhere.json"]):
        done = subprocess.run([sys.executable, BENCH / "run.py", *words], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (2, ""), words
        assert "Traceback" not in done.stderr


def test_the_table_shows_values_latencies_ratios_and_notes():
    latency = {"p50": 5.0, "p99": 20.0, "p999": 80.0, "max": 90.0}
    text = table(
        [
            row(5.0, unit="µs", seed={"text": "< 10 µs"}, ratio={"b": 3.0, "a": 2.0}, target={"a": 1.5}, **latency),
            row(None, id="y", notes=["why not"]),
        ]
    )
    first, spread, second, note = text.splitlines()[1:]
    assert first.index("2.00 x a (>= 1.50)") < first.index("3.00 x b")
    assert "< 10 µs" in first
    assert spread.strip() == "p50 5, p99 20, p99.9 80, max 90 µs"
    assert "not measured" in second
    assert note.strip() == "why not"


# --- the README's table ---

MACHINE = {
    "date": "2026-11-26T05:00:00+00:00",
    "cpu": "A | CPU",
    "cores": 2,
    "memoryMiB": 16_000,
    "system": "Linux x86_64",
    "browser": "Chrome/1",
    "othersCpuShare": 0.04,
}


def results(*rows, quick=False):
    return {"machine": MACHINE, "options": {"quick": quick}, "rows": list(rows)}


def test_the_readmes_table_names_day_machine_figures_and_reasons():
    seed = {"text": "> 50 MB/s", "least": 47}
    good = row(60.0, seed=seed, meets_seed=True, ratio={"gzip": 2.0, "native": 0.9, "other": 5.0})
    bad = row(20.0, id="y", seed=seed, meets_seed=False, notes=["seed > 50 MB/s: MISSED. One core.", "another note"])
    text = readme_table.markdown(results(good, bad), {"x": "Good", "y": "A|B"})
    assert "2026-11-26" in text
    assert "A | CPU, 2 cores, 15 GiB" in text
    assert "| `x` | Good | 60 MiB/s | 0.9 × native, 2 × gzip | > 50 MB/s | reached |" in text
    assert "| `y` | A\\|B | 20 MiB/s |  | > 50 MB/s | missed |" in text
    assert text.endswith("Missed, and why:\n\n* `y` One core.")


def test_the_readme_is_changed_between_its_markers_only():
    readme = f"before\n{readme_table.BEGIN}\nold\n{readme_table.END}\nafter\n"
    once = readme_table.replaced(readme, "new")
    assert once == f"before\n{readme_table.BEGIN}\nnew\n{readme_table.END}\nafter\n"
    assert readme_table.replaced(once, "new") == once
    for broken in ("", readme_table.BEGIN, f"{readme_table.END}\n{readme_table.BEGIN}", readme + readme):
        with pytest.raises(ValueError, match="markers"):
            readme_table.replaced(broken, "new")


def test_rough_or_failed_results_are_not_quoted():
    readme_table.check(results(row(1.0)))
    with pytest.raises(ValueError, match="quick"):
        readme_table.check(results(row(1.0), quick=True))
    with pytest.raises(ValueError, match="failed: x"):
        readme_table.check(results(row(None, error="boom")))


def test_the_readme_of_this_checkout_has_the_markers():
    text = (BENCH.parents[1] / "README.md").read_text("utf-8")
    assert readme_table.replaced(text, "x") != text


def test_native_brotli_answers_for_chunks_and_checks_what_it_decodes(tmp_path):
    data = bytes(range(256)) * ((2 * MIB + 1000) // 256)
    file = tmp_path / "data.bin"
    file.write_bytes(data)
    orders = [{"op": op, "from": 0, "to": 3} for op in ("encode", "decode")]
    done = subprocess.run(
        ["node", BENCH / "native.mjs", file],
        input="".join(json.dumps(order) + "\n" for order in orders),
        capture_output=True,
        text=True,
        check=True,
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer.keys() for answer in answers] == [{"ms"}, {"ms"}]
    assert all(answer["ms"] > 0 for answer in answers)


def test_a_missed_figure_of_the_document_says_why_and_the_readme_quotes_it():
    slow, fast = (result(RATE, [rate], {}, why="It was dark.", notes=["a note"]) for rate in (1.0, 600_000.0))
    assert slow["notes"] == ["seed > 500k: MISSED. It was dark.", "a note"]
    assert fast["notes"] == ["a note"]
    assert readme_table.reasons([slow, fast]) == ["* `ring.1k` It was dark."]

"""One engine on one target, in a process of its own: `python tests/fuzz/child.py ENGINE TARGET SECONDS SEED FINDINGS GROWN`.

guided  atheris (libFuzzer): inputs that reach code not reached before are kept in the folder GROWN and built upon; plain changes
        and the target's own mutator take turns
drawn   Hypothesis: seeds with the target's own mutator, and bytes from nothing; what fails is made smaller

A finding is written into the folder FINDINGS. The last line on stderr (guided) or stdout (drawn) tells the number of executions.
"""

from __future__ import annotations

import random
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "py"), str(ROOT / "tests" / "unit")]

EXAMPLES_AT_ONCE = 500
RSS_MIB_MAX = 1_024


def guided(name: str, seconds: int, seed: int, findings: Path, grown: Path) -> None:
    """Does not return: libFuzzer ends the process."""
    import atheris

    with atheris.instrument_imports(include=["inos"], enable_loader_override=False):
        from tests.fuzz import target as module

        target = module.load(name)

    def mutate(data: bytes, bytes_max: int, seed: int) -> bytes:
        rng = random.Random(seed)
        if rng.random() < 0.4:
            return bytes(atheris.Mutate(data, bytes_max))
        return target.mutate(data, rng)[:bytes_max]

    words = [
        sys.argv[0], f"-max_total_time={seconds}", f"-seed={seed or 1}", f"-max_len={target.bytes_max}", "-timeout=20",
        f"-rss_limit_mb={RSS_MIB_MAX}", f"-artifact_prefix={findings}/{name}-", "-print_final_stats=1", "-verbosity=0",
        str(grown), str(target.corpus),
    ]  # fmt: skip
    atheris.Setup(words, lambda data: module.attempt(target, data), custom_mutator=mutate)
    atheris.Fuzz()


def drawn(name: str, seconds: int, seed: int, findings: Path) -> int:
    """The exit code."""
    import hypothesis
    from hypothesis import strategies as st
    from tests.fuzz import target as module

    target = module.load(name)
    mutated = st.builds(target.mutate, st.sampled_from(target.inputs()), st.randoms(use_true_random=False))
    inputs = st.one_of(
        mutated, mutated, st.builds(target.mutate, mutated, st.randoms(use_true_random=False)), st.binary()
    )
    ends_at, executions, last = time.monotonic() + seconds, 0, b""

    def test(data: bytes) -> None:
        nonlocal executions, last
        executions += 1
        last = data
        module.attempt(target, data)

    settings = hypothesis.settings(
        max_examples=EXAMPLES_AT_ONCE, database=None, deadline=None, suppress_health_check=list(hypothesis.HealthCheck)
    )
    found = 0
    while time.monotonic() < ends_at and not found:
        seed += 1
        try:
            hypothesis.seed(seed)(settings(hypothesis.given(inputs)(test)))()
        except module.Finding as finding:
            found = 1
            (findings / f"{name}-{module.name_of(last)}").write_bytes(last)
            print(finding)
    print(f"stat::number_of_executed_units: {executions}", flush=True)
    return found


def main(arguments: list[str]) -> int:
    """The exit code; 0 means that nothing was found."""
    engine, name, seconds, seed, findings, grown = arguments
    if engine == "guided":
        guided(name, int(seconds), int(seed), Path(findings), Path(grown))
    return drawn(name, int(seconds), int(seed), Path(findings))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

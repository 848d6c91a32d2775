"""Hypothesis here: the same examples every time in CI, new ones elsewhere; no verdicts on speed, which is the machine's."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "inos",
    deadline=None,
    derandomize=os.environ.get("CI", "").lower() in {"1", "true", "yes"},
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("inos")

"""Fail-the-nth, and bits that rot."""

from __future__ import annotations

from inos_sim.bits import RotCampaign
from inos_sim.faults import ERRORS, FaultCampaign

ROTTED = 1_000


def test_every_call_allocation_and_job_may_fail_once_or_for_good() -> None:
    campaign = FaultCampaign()
    tally = campaign.run()
    print(f"{sum(campaign.sites.values())} sites {campaign.sites}, {campaign.runs} runs")
    assert not tally.failures
    assert set(campaign.sites) == set(ERRORS)
    assert all(count > 40 for count in campaign.sites.values())
    # Every site failed once and for good; a disk call in most cases in two ways.
    assert campaign.runs >= 2 * sum(campaign.sites.values())


def test_one_bit_in_each_of_a_thousand_blocks_is_found_and_healed() -> None:
    rot = RotCampaign(ROTTED, seed=3).run()
    assert rot.flipped == ROTTED
    assert rot.ok, rot

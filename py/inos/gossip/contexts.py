"""Key derivation contexts of gossip: hard-coded, never built from input (vault-format 1.3)."""

from __future__ import annotations

from typing import Final

from inos.memory.layout import CONTEXT_PREFIX

RUMOR_IDS: Final = CONTEXT_PREFIX + "gossip rumor ids"  # material: room secret; key of the hash that names rumors
TOPIC_IDS: Final = CONTEXT_PREFIX + "gossip topic ids"  # material: room secret; key of the hash that names topics
TOPIC_SECRET: Final = (
    CONTEXT_PREFIX + "gossip topic secret"
)  # material: room secret || topic's name; root of a key slot

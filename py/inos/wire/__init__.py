"""Encodings that leave the process: deterministic CBOR, links, and the messages between peers.

Invariants: every decoder checks sizes before it looks at contents and raises only ``InosError`` classes. Must not know: what
the bytes mean to the vault or to a peer.
"""

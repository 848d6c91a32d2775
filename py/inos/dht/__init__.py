"""Kademlia over open links: recursive routing with two-hop sight, look-ups on disjoint paths, provider records.

Nouns: a *target* is a 32-byte id of a peer or a block; the *closest* nodes to it are by XOR; a *provider record* says, signed,
that a node holds what a key names.

Must not know: how links are made, what the keys mean.
"""

"""Gossip: one message to everybody, in few hops and few copies (PlumTree), and nobody left behind (anti-entropy).

Nouns: a *topic* is a name under a room; a *rumor* is one published message; links are *eager* (payload) or *lazy* (ids only).

Must not know: how links are made, what the messages mean.
"""

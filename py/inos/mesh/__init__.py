"""The mesh: membership, routing, gossip and replication of one node in one room, put together.

Must not know: the browser, how links are made.
"""

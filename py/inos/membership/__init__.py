"""Membership: which nodes of the mesh we know, which we have links to and why, and which of them live.

Nouns: a *neighbour* is a node with a link; the *active view* is all neighbours, the *passive view* contacts of others; a
*role* is why a link is kept (sibling, bucket, random, partner).

Must not know: how links are made (``Carrier`` is asked), what is routed, gossiped or stored.
"""

"""A mesh in virtual time: thousands of nodes that run the tab's own `inos.mesh`, on a network that one seed draws.

Nouns: a *node* is one tab: its tasks, its mesh, its carrier; a *link* is one end of a connection; the *network* says how long
bytes take and what is cut; a *world* is all nodes under one clock; a *scenario* does something to a world and measures.

Invariants: everything follows from one seed. Must not know: wall clocks (but for ``command``, which says how long it took),
the browser.
"""

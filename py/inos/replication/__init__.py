"""Replication: blocks live on R nodes, and come back to R when one is gone.

Nouns: a *bundle* is the blocks that are kept together; a *holder* has a whole, durable copy of one, the *owner* is whose
blocks they are; a *guest* is a bundle kept for somebody else under a *lease*; *repair* makes new copies; an *audit* asks a holder
for a slice that only the block's bytes can give.

Modules: ``replication`` is what others use; ``placing`` finds holders, ``taking`` is one, ``leaving`` ends copies, ``holdings``
keeps the book, ``audits`` and ``slices`` check it, ``demand`` makes more of what is wanted, ``bundle`` and ``ranking`` are what
all stand on.

Must not know: keys of blocks, how links are made.
"""

"""Replication: blocks live on R nodes, and come back to R when one is gone.

Nouns: a *bundle* is the blocks that are kept together; a *holder* has a whole, durable copy of one, the *owner* is whose
blocks they are; a *guest* is a bundle kept for somebody else under a *lease*; *repair* makes new copies; an *audit* asks a holder
for a slice that only the block's bytes can give.

Modules: ``replication`` is what others use; ``placing`` finds holders, ``taking`` is one, ``leaving`` ends copies, ``holdings``
keeps the book, ``absentees`` looks after holders without a link, ``audits`` and ``slices`` check what holders say, ``demand``
makes more of what is wanted, ``bundle`` and ``ranking`` are what all stand on.

How soon all copies are back after a death was noticed: at once where a survivor is first in the plan, a second later for each
that should have acted and did not; then the bytes travel. With p pairs of source and sink that move b bytes a second each, 5 s
are enough for 4 * p * b lost bytes: eight pairs at 10 MB/s mend 320 MB. A goodbye waits LEFT_GRACE_S first (the page may only be
loading anew), a frozen page QUIET_GRACE_S.

Must not know: keys of blocks, how links are made.
"""

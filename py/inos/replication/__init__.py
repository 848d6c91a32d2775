"""Replication: blocks live on R nodes, and come back to R when one is gone.

Nouns: a *bundle* is the blocks that are kept together; a *holder* has promised, by a *lease*, to keep one; *repair* makes new
copies; an *audit* asks a holder for a slice that only the block's bytes can give.

Must not know: keys of blocks, how links are made.
"""

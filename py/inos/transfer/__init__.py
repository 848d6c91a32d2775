"""Transfer: whole roots from several peers at once, and blocks to whoever may have them.

Nouns: a *root* is the bid of a manifest; a *step* is one block to fetch, with what is known of it; a *source* is a link that
may have blocks of a root; a *request* is one block asked of one link; *held* blocks are in the store.

Must not know: the vault and links (siblings): what it needs of them are the protocols in ``inos.transfer.needs``.
"""

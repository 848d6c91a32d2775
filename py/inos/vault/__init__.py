"""The vault: blocks, manifests, names, key slots and the store that keeps them.

Nouns: a *block* is sealed bytes with a public name (``bid``); a *manifest* lists the blocks of a file; a *key slot* holds
the vault secret under a key of the device or of the person; a *folder* is nested manifests under one root; a *line* is the
history of a file or folder; an *archive* is all of it in one file. The formats are pure functions of bytes: ``contexts``
(key derivation), ``block``, ``manifest``, ``names``, ``keyslots``, ``heads``, ``archive``. Must not know: links, peers,
browsers.
"""

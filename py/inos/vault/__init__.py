"""The vault: blocks, manifests, names, key slots and the store that keeps them.

Nouns: a *block* is sealed bytes with a public name (``bid``); a *manifest* lists the blocks of a file; a *key slot* holds the
vault secret under a key of the device or of the person. The formats are pure functions of bytes: ``contexts`` (key
derivation), ``block``, ``manifest``, ``names``, ``keyslots``. Must not know: links, peers, browsers.
"""

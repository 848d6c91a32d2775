"""Names for ``inos_host`` to import; see ``node_crypto.mjs``."""

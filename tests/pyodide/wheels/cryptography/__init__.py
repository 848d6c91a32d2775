"""As much of ``cryptography`` as ``inos_host`` uses, by Node (``node_crypto.mjs``)."""

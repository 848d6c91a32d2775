"""The development and signalling server: static files with strict headers, and a rendezvous that forwards sealed frames.

Reading order: `headers` (what every response carries), `origins` (which hosts and origins are ours), `static_files` (URL to
bytes), `site` (all of them as one build), `rendezvous` (rooms, pure rules), `sockets` (rooms over WebSockets), `measuring` (for
benchmarks, off by default), `package_index` (passed on if asked for), `app` (one request), `plan` (what the arguments ask for),
`cli` (the process). For other devices: `local_networks`,
`certificates`, `listening` (TLS beside HTTP), `ice`, `announcement`.

Must not know: anything of the vault, of keys or of what frames mean; it could be run by an enemy.
"""

/* Brotli includes it on every Unix-like target and uses nothing of it. */

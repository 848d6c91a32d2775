"""INOS: the sans-IO core of an internet-native operating system.

The same objects run in a browser tab (``inos_web``), in a headless CPython peer (``inos_host``) and in a simulator.
Nothing in this package reads a clock, draws randomness, opens a socket, starts a thread or touches a file: time is an
argument, entropy and everything else outside is a port (``inos.ports``) or an effect that an adapter performs.
"""

__version__ = "0.1.0"

"""INOS on a simulated machine: a disk that forgets, toy kernels, virtual time, and campaigns that crash it everywhere.

The vault's code runs on it unchanged. May import `inos` and `inos_host`; must not know `inos_web`. Everything follows from one
seed, so that what was found can be found again.
"""

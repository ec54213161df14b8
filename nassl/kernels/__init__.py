"""Arithmetic in C++ for CPUs, each source beside the module that calls it.

`loader` compiles a source when it is first needed, into the user's cache. Without a compiler, and
with NASSL_KERNELS=0 in the environment, torch's own operations compute everything: the same
functions, with results that differ by rounding.
"""

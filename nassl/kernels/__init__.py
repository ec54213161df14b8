"""Arithmetic in C++ for CPUs, each source beside the module that calls it.

`loader` compiles a source when it is first needed. Without a compiler torch computes.
"""

"""The contract and the pure rules: no I/O, nothing of ours outside this package, nothing that can fail.

A function here returns a value plus its problems; whoever called decides what the user sees.
"""

"""A gateway to Insightly: clients with tokens of their own share one key, its pace and its quota.

`Gateway` is in the module `gateway`. The module `tokens` needs no extra, for the command line.
"""

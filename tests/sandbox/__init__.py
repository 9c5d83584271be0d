"""The sandbox: does it behave as Insightly is known to?"""

"""Webhooks of Insightly: what a delivery says, where deliveries are kept, who is told of them.

Needs nothing of the server that receives them, and knows nothing of Singer.
"""

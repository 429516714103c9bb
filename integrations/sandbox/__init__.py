"""The sandbox: a pretend provider that ships with Switchboard, for the first run.

A guest in the tree: it imports nothing of the product and the product imports nothing of it. The product
reaches it like any provider, over HTTP, through its toolkit. Django settings configure it:
SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET and BASE_URL.
"""

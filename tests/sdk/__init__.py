"""The official SDKs against the running product: installed beside it, never into it."""

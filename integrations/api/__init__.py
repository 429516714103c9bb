"""The HTTP API, served under /api/v3.1 and /api/v3: a thin door over the same services and queries as the pages."""

"""Addresses that come with a request: we lead nobody to another site (CWE-601)."""

from django.utils.http import url_has_allowed_host_and_scheme


def own_path(text: str) -> str:
    """The address if it is a path of ours; empty for anything else."""
    return text if url_has_allowed_host_and_scheme(text, allowed_hosts=None) else ""

class StartError(Exception):
    """Switchboard cannot start; the message says why and what to do."""

"""What the doors for programs share: who asks with an API key, how often, and waiting for a run's end."""

"""The MCP door: a session's tools, or an owner's, for agents. The rule, the services and the queue do the work."""

"""Provisioning from a file: people, organizations, auth configs and API keys, without a browser."""

from integrations.services.bootstrap.document import Document, read_document
from integrations.services.bootstrap.faults import BootstrapError, Fault
from integrations.services.bootstrap.provision import provision

__all__ = ["BootstrapError", "Document", "Fault", "provision", "read_document"]

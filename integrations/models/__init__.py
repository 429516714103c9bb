from integrations.models.auth_configs import AuthConfig
from integrations.models.catalog import Tool, Toolkit
from integrations.models.connect_links import ConnectLink
from integrations.models.connected_accounts import ConnectedAccount
from integrations.models.connection_requests import ConnectionRequest
from integrations.models.consent_requests import ConsentEvent, ConsentRequest, ConsentRequester
from integrations.models.executions import Execution
from integrations.models.lanes import Lane, Sweep
from integrations.models.policies import Approval, Policy
from integrations.models.tool_sessions import SessionToolkit, ToolSession
from integrations.models.webhooks import Webhook, WebhookAttempt, WebhookDelivery

__all__ = [
    "Approval",
    "AuthConfig",
    "ConnectLink",
    "ConnectedAccount",
    "ConnectionRequest",
    "ConsentEvent",
    "ConsentRequest",
    "ConsentRequester",
    "Execution",
    "Lane",
    "Policy",
    "SessionToolkit",
    "Sweep",
    "Tool",
    "ToolSession",
    "Toolkit",
    "Webhook",
    "WebhookAttempt",
    "WebhookDelivery",
]

accounts = composio.connected_accounts.list(
    user_ids=["user_123"],
    statuses=["ACTIVE"],
)
listed = [account.id for account in accounts.items]

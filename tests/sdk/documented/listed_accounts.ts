const accounts = await composio.connectedAccounts.list({
  userIds: ["user_123"],
  statuses: ["ACTIVE"],
});
const listed = accounts.items.map((account) => account.id);

const result = await composio.tools.execute('GITHUB_GET_REPOS', {
  userId: 'default',
  connectedAccountId: 'ca_specific_account_id',
  version: '20250909_00',
  arguments: { owner: 'composio' }
});

import { Composio } from '@composio/core';
const composio = new Composio({
 apiKey: process.env.COMPOSIO_API_KEY,
});

// 1. Admin connects Slack for the entire organization
async function connectOrganizationToSlack(organizationId: string, adminUserId: string) {
 // Use organization ID as userId in Composio
 const connectionRequest = await composio.toolkits.authorize(organizationId, 'slack');

 // Store the connection request for the admin to complete
 await storeConnectionRequest(organizationId, adminUserId, connectionRequest);

 return connectionRequest.redirectUrl;
}

// 2. Any user in the organization can use the connected tools
async function sendSlackMessage(organizationId: string, channel: string, message: string) {
 return await composio.tools.execute('SLACK_SEND_MESSAGE', {
 userId: organizationId, // organization ID, not individual user ID
 arguments: {
 channel: channel,
 text: message,
 },
 });
}

// 3. Check if organization has required connections
async function getOrganizationTools(organizationId: string) {
 return await composio.tools.get(organizationId, {
 toolkits: ['slack', 'github', 'jira'],
 });
}

// Usage in your API endpoint
app.post('/api/slack/message', async (req, res) => {
 const { channel, message } = req.body;
 const organizationId = req.user.organizationId; // Get from your auth system

 // Verify user has permission to send messages for this organization
 // The userCanSendMessages function is your responsibility - implement it based on your application's permission model (role-based, feature flags, etc.).
 if (!(await userCanSendMessages(req.user.id, organizationId))) {
 return res.status(403).json({ error: 'Insufficient permissions' });
 }

 try {
 const result = await sendSlackMessage(organizationId, channel, message);
 res.json(result.data);
 } catch (error) {
 res.status(500).json({ error: 'Failed to send message' });
 }
});

// ❌ Wrong: Using individual user ID for org-connected tool
const userTools = await composio.tools.get(req.user.id, {
 toolkits: ['slack'], // Fails - Slack is connected at org level
});

// ✅ Correct: Match the ID type to how the tool was connected
const userPersonalTools = await composio.tools.get(req.user.id, {
 toolkits: ['gmail'], // User's personal Gmail
});

const orgSharedTools = await composio.tools.get(req.user.organizationId, {
 toolkits: ['slack', 'jira'], // Organization's shared tools
});

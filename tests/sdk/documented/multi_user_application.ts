import { Composio } from '@composio/core';
const composio = new Composio({
 apiKey: process.env.COMPOSIO_API_KEY,
});

// 1. User initiates GitHub connection
async function connectUserToGitHub(userId: string) {
 const connectionRequest = await composio.toolkits.authorize(userId, 'github');
 return connectionRequest.redirectUrl;
}

// 2. Get user's connected GitHub tools
async function getUserGitHubTools(userId: string) {
 return await composio.tools.get(userId, {
 toolkits: ['github'],
 });
}

// 3. Execute tool for specific user
async function getUserRepos(userId: string) {
 return await composio.tools.execute('GITHUB_LIST_REPOS', {
 userId: userId,
 arguments: {
 per_page: 10,
 },
 });
}

// Usage in your API endpoint
app.get('/api/github/repos', async (req, res) => {
 const userId = req.user.id; // Get from your auth system

 try {
 const repos = await getUserRepos(userId);
 res.json(repos.data);
 } catch (error) {
 res.status(500).json({ error: 'Failed to fetch repos' });
 }
});

// Use your database's user ID (UUID, primary key, etc.)
const userId = user.id; // e.g., "550e8400-e29b-41d4-a716-446655440000"

const tools = await composio.tools.get(userId, {
 toolkits: ['github'],
});

const result = await composio.tools.execute('GITHUB_GET_REPO', {
 userId: userId,
 arguments: { owner: 'example', repo: 'repo' },
});

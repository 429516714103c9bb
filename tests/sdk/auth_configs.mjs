// An organization's own OAuth app with the TypeScript SDK: made, changed, switched off and on, deleted. Prints what came of it as JSON.
import { Composio } from "@composio/core";

const { authConfigs } = new Composio();
const found = {};
const made = await authConfigs.create("github", {
  type: "use_custom_auth",
  name: "From TypeScript",
  authScheme: "OAUTH2",
  credentials: { client_id: "Iv1.ours", client_secret: "the secret", scopes: "repo" },
});
found.id = made.id;
found.made = [made.id, made.authScheme, made.isComposioManaged];
found.listed = (await authConfigs.list({ toolkit: "github", isComposioManaged: false })).items.map((one) => one.id);
found.changed = await authConfigs.update(made.id, { type: "custom", credentials: { client_secret: "the next" } });
await authConfigs.disable(made.id);
found.disabled = (await authConfigs.get(made.id)).status;
await authConfigs.enable(made.id);
found.enabled = (await authConfigs.get(made.id)).status;
found.deleted = await authConfigs.delete(made.id);
try {
  await authConfigs.get(made.id);
} catch (error) {
  found.gone = String(error);
}
console.log(JSON.stringify(found));

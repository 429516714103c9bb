// Runs one of the documented TypeScript snippets as it stands. Prints what it left behind as JSON, after what it printed itself.
// Arguments: its name; what to put in place of the placeholders in it; which of its functions or routes to call afterwards.
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { Composio } from "@composio/core";
import { transformSync } from "esbuild";

const [name, replaced, calls] = [process.argv[2], JSON.parse(process.argv[3]), JSON.parse(process.argv[4])];
const routes = {};
const stored = [];
const route = (method) => (path, handler) => (routes[`${method} ${path}`] = handler);
const user = { id: process.env.SDK_USER, organizationId: process.env.SDK_ORGANIZATION };
Object.assign(globalThis, {
  Composio,
  composio: new Composio(),
  user,
  organization: { id: process.env.SDK_ORGANIZATION },
  req: { user },
  app: { get: route("get"), post: route("post") },
  storeConnectionRequest: async (...request) => stored.push(request),
  userCanSendMessages: async () => true,
});

let text = readFileSync(new URL(`documented/${name}.ts`, import.meta.url), "utf8");
for (const [placeholder, value] of Object.entries(replaced)) text = text.replaceAll(placeholder, value);
const { code } = transformSync(text, { loader: "ts", format: "esm", target: "node20" });
const names = [...code.matchAll(/^(?:const|let|(?:async )?function) (\w+)/gm)].map((found) => found[1]);
const file = new URL(`.${name}-${process.pid}.mjs`, import.meta.url);
writeFileSync(file, `${code}\nexport { ${names.join(", ")} };\n`);
let left;
try {
  left = await import(file);
} finally {
  rmSync(file);
}

const answered = [];
for (const { call, args, request } of calls) {
  if (left[call]) answered.push(plain(await left[call](...args)));
  else answered.push(await asked(routes[call], request));
}
console.log("LEFT " + JSON.stringify({ ...Object.fromEntries(names.map((one) => [one, plain(left[one])])), answered }));

// What a route of the snippet answers.
function asked(handler, request) {
  return new Promise((resolve, reject) => {
    const response = { code: 200, status: (code) => ((response.code = code), response) };
    response.json = (body) => resolve({ code: response.code, body });
    handler(request, response).catch(reject);
  });
}

// A session by its ID; tools, which are long, by their names.
function plain(value) {
  if (Array.isArray(value)) return value.map((one) => one.function?.name ?? one);
  if (value && typeof value === "object") return value.sessionId ?? (value.constructor === Object ? value : undefined);
  return typeof value === "function" ? undefined : value;
}

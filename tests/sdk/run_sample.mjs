// Runs one sample of TypeScript as it stands: the argument is its text.
import { rmSync, writeFileSync } from "node:fs";
import { transformSync } from "esbuild";

const { code } = transformSync(process.argv[2], { loader: "ts", format: "esm", target: "node20" });
const file = new URL(`.sample-${process.pid}.mjs`, import.meta.url);
writeFileSync(file, code);
try {
  await import(file);
} finally {
  rmSync(file);
}

// A browser for a file of tests, a context of its own for each test, and eyes on it.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, test } from "node:test";

export const packages = createRequire(join(process.env.DEPUTY_TEST_BROWSER, "package.json"));
const { chromium } = packages("playwright-core");

const ARGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync"];
const PATIENCE = 40_000; // of one look; what is there is seen at once

let browser;
before(async () => {
  browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ARGS });
});
after(async () => browser.close());

// What no page may do, collected from every page of a context.
async function watch(context, origins) {
  const seen = [];
  await context.exposeBinding("reportBreach", (_, breach) => seen.push("content security policy: " + breach));
  await context.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) => window.reportBreach(`${event.violatedDirective} ${event.blockedURI}`));
  });
  context.on("console", (message) => {
    // Chromium reports every answer of 400 and above; those that a test asks for are looked at by the test.
    const asked = message.text().startsWith("Failed to load resource") && /status of 4\d\d/.test(message.text());
    if (["error", "warning"].includes(message.type()) && !asked) seen.push(`console: ${message.text()}`);
  });
  context.on("weberror", (error) => seen.push(`script: ${error.error()}`));
  context.on("request", (request) => {
    if (!origins.includes(new URL(request.url()).origin)) seen.push(`request to ${request.url()}`);
  });
  context.on("response", (response) => {
    if (response.status() >= 500) seen.push(`${response.status()} of ${response.url()}`);
  });
  return seen;
}

// A test with a page; `options` are those of a browser context (javaScriptEnabled, …).
export function browse(name, world, options, body) {
  test(name, async (t) => {
    const origins = [world().deputy, world().sandbox].filter(Boolean);
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
    context.setDefaultTimeout(PATIENCE);
    const seen = await watch(context, origins);
    try {
      await body(await context.newPage(), context, seen);
      assert.deepEqual(seen, []);
    } finally {
      await context.close();
    }
  });
}

// The operator's pages: `/` and `/docs`.
import assert from "node:assert/strict";
import { after, before } from "node:test";

import { browse } from "./browser.mjs";
import { look } from "./look.mjs";
import { World } from "./world.mjs";

let world;
before(async () => { world = await World.start(); });
after(async () => world.end());

browse("the front page says how the service fares and leads on", () => world, {}, async (page) => {
  await world.customer("Acme Secret Corporation");
  await page.goto(world.deputy + "/");
  await page.getByText("Ready", { exact: true }).waitFor();
  await look(page, "front");
  assert.equal((await page.content()).includes("Acme Secret"), false);
  for (const [name, there] of [["API reference", "/docs"], ["openapi.json", "/openapi.json"], ["Metrics", "/metrics"]]) {
    await page.getByRole("main").getByRole("link", { name }).click();
    await page.waitForURL(world.deputy + there);
    await page.goBack();
  }
});

browse("the reference has every operation, and its links lead somewhere", () => world, {}, async (page) => {
  await page.goto(world.deputy + "/docs");
  const document = await world.api.call("GET", "/openapi.json");
  const wanted = Object.entries(document.paths).flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`));
  const shown = await page.locator("article .path").allInnerTexts();
  assert.deepEqual(shown.sort(), wanted.sort());
  const broken = await page.evaluate(() => [...document.querySelectorAll("a[href^='#']")].map((link) => link.hash)
    .filter((hash) => !document.getElementById(decodeURIComponent(hash.slice(1)))));
  assert.deepEqual(broken, []);
  await page.getByRole("navigation", { name: "Contents" }).getByRole("link", { name: "Make a connection; its external ID" }).click();
  assert.equal(new URL(page.url()).hash, "#createConnection");
  await look(page, "docs", { fullPage: false });
});

browse("these tests see what a page may not do", () => world, {}, async (page, context, seen) => {
  await page.goto(world.deputy + "/");
  await page.evaluate(() => {
    const script = document.createElement("script");
    script.textContent = "window.ran = true";
    document.body.append(script);
    const picture = document.createElement("img");
    picture.src = "https://evil.example/x.png";
    document.body.append(picture);
  });
  await page.waitForFunction(() => document.querySelector("img[src^=https]").complete);
  assert.equal(await page.evaluate(() => window.ran), undefined);
  const missing = await context.newPage();
  await missing.goto("http://127.0.0.1:9/").catch(() => {});
  for (const kind of [/policy: script-src-elem inline/, /policy: img-src https:\/\/evil/, /^console: /, /^request to http:\/\/127.0.0.1:9\//])
    assert.ok(seen.some((one) => kind.test(one)), `${kind} in ${seen}`);
  seen.length = 0;
});

browse("the reference needs no script", () => world, { javaScriptEnabled: false }, async (page) => {
  await page.goto(world.deputy + "/docs");
  await page.getByRole("heading", { name: "Make a tenant" }).waitFor();
  await page.getByRole("link", { name: "Skip to the content" }).focus();
  await page.keyboard.press("Enter");
  await page.waitForURL(/#main$/);
});

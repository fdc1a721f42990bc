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

browse("the reference needs no script", () => world, { javaScriptEnabled: false }, async (page) => {
  await page.goto(world.deputy + "/docs");
  await page.getByRole("heading", { name: "Make a tenant" }).waitFor();
  await page.getByRole("link", { name: "Skip to the content" }).focus();
  await page.keyboard.press("Enter");
  assert.equal(new URL(page.url()).hash, "#main");
});

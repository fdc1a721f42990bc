// Every screen of the connect page in every state that looks different, also those that no story comes through: barriers by axe.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { extname, join, normalize } from "node:path";
import { after, before } from "node:test";

import { browse } from "./browser.mjs";
import { look } from "./look.mjs";

const TYPES = { ".html": "text/html; charset=utf-8", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml" };

let folder, server, origin;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), "deputy-gallery-"));
  execFileSync(process.env.DEPUTY_GALLERY, [folder]);
  server = createServer((request, response) => {
    const path = normalize(new URL(request.url, "http://gallery").pathname);
    try {
      response.setHeader("Content-Type", TYPES[extname(path)]);
      response.end(readFileSync(join(folder, path)));
    } catch {
      response.writeHead(500).end();  // nothing that a screen refers to may be missing
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  origin = `http://127.0.0.1:${server.address().port}`;
});
after(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

browse("no screen has a barrier", () => ({ deputy: origin }), {}, async (page) => {
  const screens = readdirSync(folder).filter((name) => name.endsWith(".html"));
  assert.ok(screens.length > 40, `${screens.length} screens`);
  for (const screen of screens) {
    await page.goto(`${origin}/${screen}`);
    await look(page, "gallery-" + screen.replace(".html", ""), { picture: false });
  }
});

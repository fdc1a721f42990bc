// Looks at a page as it is shown: barriers by axe, nothing cut off, and a picture to look at oneself.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";

import { packages } from "./browser.mjs";

const axe = packages("axe-core").source;
const FOLDER = process.env.DEPUTY_SCREENSHOTS;
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

// The picture is of the whole page, but where that is very long; or there is none.
export async function look(page, name, { fullPage = true, picture = true } = {}) {
  mkdirSync(FOLDER, { recursive: true });
  await page.evaluate(axe);
  const before = page.viewportSize();
  for (const width of [360, 1280])
    for (const colorScheme of ["light", "dark"]) {
      await page.setViewportSize({ width, height: 900 });
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      const where = `${name} at ${width} px, ${colorScheme}`;
      const found = await page.evaluate((values) => axe.run(document, { runOnly: { type: "tag", values }, resultTypes: ["violations"] }), TAGS);
      const barriers = found.violations.map((one) => `${one.id}: ${one.help}: ${one.nodes.map((node) => node.html + " " + node.failureSummary).join(" | ")}`);
      assert.deepEqual(barriers, [], where);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.equal(wide, 0, `${where}: the page scrolls sideways`);
      if (picture) await page.screenshot({ path: join(FOLDER, `${name}-${width}-${colorScheme}.png`), fullPage });
    }
  await page.emulateMedia({ colorScheme: "light", reducedMotion: null });
  await page.setViewportSize(before);
}

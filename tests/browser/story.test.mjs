// From the partner's link to a connected account: by mouse, by keyboard alone, and without scripts. Then the rest of the page.
import assert from "node:assert/strict";
import { after, before } from "node:test";

import { browse } from "./browser.mjs";
import { click, createStack, give, heading, invite, launch, roleName, toConnection, toCreate, toRole } from "./connect.mjs";
import { look } from "./look.mjs";
import { World, trust } from "./world.mjs";

let world;
before(async () => { world = await World.start(); });
after(async () => world.end());

browse("by mouse, and every screen looked at", () => world, { permissions: ["clipboard-read", "clipboard-write"] }, async (page, context) => {
  const { connection, link } = await invite(world, "Acme");
  await world.publish(connection);
  await page.goto(link);
  await heading(page, /asks for$/).waitFor();
  await page.getByText("for Acme").first().waitFor();
  await look(page, "1-ask");

  await toCreate(page);
  assert.equal(await page.locator("#external-id").innerText(), connection.external_id);
  await look(page, "2-create");
  const [console] = await Promise.all([context.waitForEvent("page"), click(page, "link", /Open the stack/)]);
  const arn = await createStack(console, "222222222222");
  await click(console, "button", "Copy");
  await console.getByRole("button", { name: "Copied" }).waitFor();
  await console.close();
  for (const way of ["Terraform", "AWS CLI"]) {
    await click(page, "link", new RegExp("^" + way));
    await look(page, "2-create-" + way.toLowerCase().replace(" ", "-"));
  }

  await toRole(page);
  await look(page, "3-role");
  await page.getByLabel("Role ARN").focus();
  await page.keyboard.press("Control+V");
  assert.equal(await page.getByLabel("Role ARN").inputValue(), arn);
  await click(page, "button", "Check this role");
  await heading(page, "All checks passed").waitFor();
  await look(page, "4-checks");
  await toConnection(page);
  await page.getByText("Active").first().waitFor();
  await look(page, "5-connected");
  assert.equal((await world.api.call("GET", "/v1/connections/" + connection.id)).state, "active");
});

// Presses Tab until the element has the focus, as somebody without a mouse does.
async function tabTo(page, locator) {
  await locator.waitFor();
  for (let presses = 0; presses < 80; ++presses) {
    if (await locator.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press("Tab");
  }
  assert.fail(`Tab does not reach ${locator}`);
}

async function press(page, role, name, key = "Enter") {
  await tabTo(page, page.getByRole(role, { name }).first());
  await page.keyboard.press(key);
}

browse("by keyboard alone", () => world, {}, async (page, context) => {
  const { connection, link } = await invite(world, "Keyboard & Sons");
  await world.publish(connection);
  await page.goto(link);
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to the content");
  await press(page, "link", "Go on to create the role");
  await heading(page, "Create the role").waitFor();
  const opened = context.waitForEvent("page");
  await press(page, "link", /Open the stack/);
  const console = await opened;
  await tabTo(console, console.getByRole("radio").first());
  const globex = console.getByRole("radio", { name: /333333333333/ });
  for (let presses = 0; presses < 10 && !(await globex.isChecked()); ++presses) await console.keyboard.press("ArrowDown");
  await press(console, "button", "Continue");
  await press(console, "checkbox", /I acknowledge/, "Space");
  await press(console, "button", "Create stack");
  const arn = await console.locator("#output-RoleArn").innerText();
  await page.bringToFront();
  await press(page, "link", "I have created the role");
  await heading(page, "Give us the role ARN").waitFor();
  await tabTo(page, page.getByLabel("Role ARN"));
  await page.keyboard.type(arn);
  await page.keyboard.press("Enter");
  await heading(page, "All checks passed").waitFor();
  await press(page, "link", "Go on to the connection");
  await heading(page, /^Connected/).waitFor();
});

browse("without scripts", () => world, { javaScriptEnabled: false }, async (page, context) => {
  const { connection, link } = await invite(world, "Plain HTML Ltd");
  await world.publish(connection);
  await page.goto(link);
  await toCreate(page);
  const target = await page.getByRole("link", { name: /Open the stack/ }).getAttribute("href");
  const console = await context.newPage();
  await console.goto(target);
  await console.getByLabel("The whole launch link").fill(target);
  await click(console, "button", "Open");
  const arn = await createStack(console, "444444444444");
  await toRole(page);
  await give(page, arn);
  await reloadUntil(page, "All checks passed");
  await toConnection(page);
});

// As somebody without scripts waits.
async function reloadUntil(page, name) {
  for (let looks = 0; looks < 200 && !(await heading(page, name).isVisible()); ++looks) await page.reload();
  await heading(page, name).waitFor();
}

browse("without scripts: a failure and its repair, a rotation, and the end", () => world, { javaScriptEnabled: false }, async (page) => {
  const { connection, link } = await invite(world, "Text only");
  const account = "555555555555", arn = await launch(world, connection, account);
  const paste = async () => world.changeTrust(account, roleName(arn), await page.locator("#TRUST_POLICY").innerText());
  await world.changeTrust(account, roleName(arn), trust());
  await page.goto(link);
  await toCreate(page);
  await toRole(page);
  await give(page, arn.slice(0, -roleName(arn).length - 1));
  await page.locator("#role-verdict").getByText(/ARN/).waitFor();
  await give(page, arn);
  await reloadUntil(page, "A check did not pass");
  await page.locator("#check-external_id_required").getByText("Failed").waitFor();
  assert.equal(await page.getByRole("button", { name: /^Copy/ }).count(), 0);  // it would do nothing
  await paste();
  await click(page, "button", "Check again");
  await reloadUntil(page, "All checks passed");
  await toConnection(page);

  await click(page, "link", "Rotate");
  await click(page, "button", "Issue a new external ID");
  await click(page, "button", "Check the new external ID");
  await reloadUntil(page, "The new external ID does not work yet");
  await paste();
  await click(page, "button", "Check again");
  await reloadUntil(page, "All checks passed");
  await click(page, "link", "Go on with the rotation");
  await click(page, "button", "Complete the rotation");
  await paste();
  await click(page, "button", "Check that it is denied");
  await reloadUntil(page, "All checks passed");
  await toConnection(page);

  await click(page, "link", "Disconnect");
  await click(page, "button", "Disconnect");
  await page.locator("#confirm-error").waitFor();
  await page.getByLabel("Yes, disconnect this account for good.").check();
  await click(page, "button", "Disconnect");
  await heading(page, /^Disconnected/).waitFor();
  assert.equal((await world.api.call("GET", "/v1/connections/" + connection.id)).state, "disconnected");
});

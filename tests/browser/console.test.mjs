// The sandbox's stand-in for the AWS console: from a launch link to a stack, a trust policy, and back.
import assert from "node:assert/strict";
import { after, before } from "node:test";

import { browse } from "./browser.mjs";
import { look } from "./look.mjs";
import { ACME, World, trust } from "./world.mjs";

let world, connection, link;
before(async () => {
  world = await World.start();
  ({ connection } = await world.customer("Acme"));
  await world.publish(connection);
  link = (await world.api.call("GET", `/v1/connections/${connection.id}/launch-url`)).url;
});
after(async () => world.end());

async function chooseAcme(page) {
  await page.getByLabel("Acme (222222222222), administrator").check();
  await page.getByRole("button", { name: "Continue" }).click();
}

async function create(page) {
  await page.getByLabel(/I acknowledge/).check();
  await page.getByRole("button", { name: "Create stack" }).click();
  await page.getByText("CREATE_COMPLETE").first().waitFor();
}

async function remove(page) {
  await page.getByRole("button", { name: "Delete stack" }).click();
  await page.getByRole("heading", { name: "Stacks" }).waitFor();
}

browse("a launch link becomes a stack, whose role's ARN can be copied", () => world, { permissions: ["clipboard-read", "clipboard-write"] }, async (page) => {
  await page.goto(link);
  await page.getByRole("heading", { name: "Quick create stack: whose administrator are you?" }).waitFor();
  await look(page, "console-who");
  await chooseAcme(page);
  assert.equal(await page.getByLabel("ExternalId").inputValue(), connection.external_id);
  await page.getByText("View template").click();
  assert.match(await page.locator("pre").innerText(), /AWSTemplateFormatVersion/);
  await look(page, "console-quick-create");
  await page.getByRole("button", { name: "Create stack" }).click();
  await page.getByRole("alert").getByText("InsufficientCapabilitiesException").waitFor();
  await look(page, "console-refused");
  await create(page);
  await look(page, "console-stack");
  await page.getByRole("button", { name: "Copy" }).click();
  await page.getByRole("button", { name: "Copied" }).waitFor();
  assert.match(await page.evaluate(() => navigator.clipboard.readText()), /^arn:aws:iam::222222222222:role\/deputy-/);
  await remove(page);
});

browse("nobody else's external ID fits into the template", () => world, {}, async (page) => {
  await page.goto(link.replace(connection.external_id, "11111111-2222-4333-8444-555555555555"));
  await chooseAcme(page);
  await page.getByLabel(/I acknowledge/).check();
  await page.getByRole("button", { name: "Create stack" }).click();
  await page.getByRole("alert").getByText("as the partner issued it").waitFor();
});

browse("a trust policy can be changed, and a broken one is refused in AWS's words", () => world, {}, async (page) => {
  await world.makeRole(ACME, "by-hand", trust());
  await page.goto(world.sandbox + "/console/");
  await look(page, "console-people");
  await page.getByRole("link", { name: "Acme" }).click();
  await page.getByRole("link", { name: "IAM roles" }).click();
  await look(page, "console-roles");
  await page.getByRole("link", { name: "by-hand" }).click();
  const policy = page.getByLabel("Who may assume the role, and when");
  await policy.fill("{");
  await page.getByRole("button", { name: "Update policy" }).click();
  await page.getByRole("alert").getByText("MalformedPolicyDocument").waitFor();
  await policy.fill(trust(connection.external_id));
  await page.getByRole("button", { name: "Update policy" }).click();
  await page.getByText("The trust policy was updated.").waitFor();
  assert.ok((await policy.inputValue()).includes(connection.external_id));
  await look(page, "console-role");
});

browse("without scripts the link is pasted", () => world, { javaScriptEnabled: false }, async (page) => {
  await page.goto(link);
  await page.getByLabel("The whole launch link").fill(link);
  await page.getByRole("button", { name: "Open" }).click();
  await chooseAcme(page);
  await create(page);
  assert.equal(await page.getByRole("button", { name: "Copy" }).count(), 0);
  await remove(page);
});

browse("a template that is not on the sandbox's S3 is not fetched", () => world, {}, async (page) => {
  await page.goto(`${world.sandbox}/console/quickcreate?as=${ACME}.administrator&region=eu-central-1&stackName=s&templateURL=${encodeURIComponent(world.deputy + "/openapi.json")}`);
  await page.getByRole("alert").getByText("TemplateURL must be a supported URL").waitFor();
});

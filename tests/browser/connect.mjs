// The way through the connect page, as a person goes it.
import assert from "node:assert/strict";

import { ACME } from "./world.mjs";

// A customer with a link to the connect page.
export async function invite(world, name, more = {}) {
  const { tenant, connection } = await world.customer(name);
  const session = await world.api.call("POST", "/v1/connect-sessions", { tenant_id: tenant.id, integration: "log-reader", ...more });
  return { tenant, connection, session, link: session.url };
}

export const heading = (page, name) => page.getByRole("heading", { level: 1, name });
export const click = (page, role, name) => page.getByRole(role, { name }).click();

export async function toCreate(page) {
  await click(page, "link", "Go on to create the role");
  await heading(page, "Create the role").waitFor();
}

export async function toRole(page) {
  await click(page, "link", "I have created the role");
  await heading(page, "Give us the role ARN").waitFor();
}

// A customer with a link, and the page that asks for the role's ARN.
export async function goToRole(page, world, name) {
  const invited = await invite(world, name);
  await page.goto(invited.link);
  await toCreate(page);
  await toRole(page);
  return invited;
}

export async function give(page, arn) {
  await page.getByLabel("Role ARN").fill(arn);
  await click(page, "button", "Check this role");
}

export async function toConnection(page) {
  await heading(page, "All checks passed").waitFor();
  await click(page, "link", "Go on to the connection");
  await heading(page, /^Connected/).waitFor();
}

// Creates the stack in the console's stand-in, as an account's administrator; returns the role's ARN.
export async function createStack(console, account = ACME) {
  await console.getByLabel(new RegExp(`\\(${account}\\)`)).check();
  await click(console, "button", "Continue");
  await console.getByLabel(/I acknowledge/).check();
  await click(console, "button", "Create stack");
  await console.getByText("CREATE_COMPLETE").first().waitFor();
  const arn = await console.locator("#output-RoleArn").innerText();
  assert.match(arn, new RegExp(`^arn:aws:iam::${account}:role/`));
  return arn;
}

// The same without a page to look at, and with the template published first.
export async function launch(world, connection, account = ACME) {
  await world.publish(connection);
  const link = new URL((await world.api.call("GET", `/v1/connections/${connection.id}/launch-url`)).url);
  const asked = new URLSearchParams(link.hash.slice(link.hash.indexOf("?") + 1));
  const fields = { ...Object.fromEntries(asked), region: link.searchParams.get("region"), as: `${account}.administrator`, capability: "CAPABILITY_NAMED_IAM" };
  await world.press("/console/quickcreate", fields);
  const shown = await (await fetch(`${world.sandbox}/console/as/${account}.administrator/stacks/${fields.stackName}?region=${fields.region}`)).text();
  return shown.match(/id="output-RoleArn">([^<]+)</)[1];
}

export async function waitForState(world, connection, state) {
  for (let looks = 0; looks < 500; ++looks) {
    const now = await world.api.call("GET", "/v1/connections/" + connection.id);
    if (now.state === state) return now;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error(`not ${state}`);
}

export const roleName = (arn) => arn.slice(arn.lastIndexOf("/") + 1);

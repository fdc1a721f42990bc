// What goes wrong on the way, what the page says of it, and how it is mended.
import assert from "node:assert/strict";
import { after, before } from "node:test";

import { browse } from "./browser.mjs";
import { click, give, goToRole, heading, invite, launch, roleName, toConnection, toCreate, toRole, waitForState } from "./connect.mjs";
import { look } from "./look.mjs";
import { ACME, MALLORY, World, NEEDS, PARTNER_ROLE, trust } from "./world.mjs";

let world;
before(async () => { world = await World.start(); });
after(async () => world.end());

const atRole = (page, name) => goToRole(page, world, name);

// A role that lets in everybody who names it, and the page that says so.
async function atForgottenCondition(page, name, account) {
  const { connection } = await atRole(page, name);
  const arn = await launch(world, connection, account);
  await world.changeTrust(account, roleName(arn), trust());
  await give(page, arn);
  await heading(page, "A check did not pass").waitFor();
  return { connection, arn };
}

browse("a forgotten condition is found, mended by pasting, and green", () => world, {}, async (page) => {
  const { connection, arn } = await atForgottenCondition(page, "Forgetful", "333333333333");
  const failed = page.locator("#check-external_id_required");
  await failed.getByText("Failed").waitFor();
  await look(page, "4-checks-failed");
  assert.ok((await page.locator("#mend-external_id_required").innerText()).includes(connection.external_id));
  const mend = await page.locator("#TRUST_POLICY").innerText();
  await world.changeTrust("333333333333", roleName(arn), mend);
  await click(page, "button", "Check again");
  await toConnection(page);
});

browse("a door that opens next year is found by reading, and the corrected policy mends it", () => world, {}, async (page) => {
  const { connection } = await atRole(page, "Patient");
  const arn = await launch(world, connection, "444444444444");
  const open = { Effect: "Allow", Principal: { AWS: PARTNER_ROLE }, Action: "sts:AssumeRole", Condition: { DateGreaterThan: { "aws:CurrentTime": "2099-01-01T00:00:00Z" } } };
  const document = JSON.parse(trust(connection.external_id));
  document.Statement.push(open);
  await world.changeTrust("444444444444", roleName(arn), JSON.stringify(document));
  await give(page, arn);
  await heading(page, "A check did not pass").waitFor();
  const mend = await page.locator("#mend-trust_policy").innerText();
  assert.notDeepEqual(JSON.parse(mend), document);
  await world.changeTrust("444444444444", roleName(arn), mend);
  await click(page, "button", "Check again");
  await toConnection(page);
});

browse("what is not a role's ARN gets a precise word at the field", () => world, {}, async (page) => {
  await atRole(page, "Typist");
  for (const [typed, word] of [
    [`arn:aws:iam::${ACME}:user/administrator`, /user/i],
    ["arn:aws:iam::22222222222:role/x", /12 digits/],
    ["my-role", /ARN/],
    [`arn:aws:iam::${ACME}:role/reader `, /space at its end/],
    [` arn:aws:iam::${ACME}:role/reader`, /space at its beginning/],
    [PARTNER_ROLE, /account/i],
    ["", /ARN/],
  ]) {
    await give(page, typed);
    const error = page.locator("#role-verdict");
    await error.getByText(word).waitFor();
    assert.equal(await page.getByLabel("Role ARN").getAttribute("aria-invalid"), "true", typed);
    assert.equal(await page.getByLabel("Role ARN").inputValue(), typed.trim());
  }
  await look(page, "3-role-wrong");
});

browse("an ARN is judged while it is typed", () => world, {}, async (page) => {
  await atRole(page, "Quick");
  await page.getByLabel("Role ARN").pressSequentially(`arn:aws:iam::${ACME}:user/bob`);
  await page.locator("#role-verdict").getByText(/user/i).waitFor();
  assert.equal(await page.getByLabel("Role ARN").getAttribute("aria-invalid"), "true");
  await page.getByLabel("Role ARN").fill(`arn:aws:iam::${ACME}:role/bob`);
  await page.locator("#role-verdict").getByText("The role bob").waitFor();
  assert.equal(await page.getByLabel("Role ARN").getAttribute("aria-invalid"), null);
});

// A live region that is not rendered when something is written into it is not read out by every screen reader.
browse("the verdict's place is there before there is a verdict", () => world, {}, async (page) => {
  await atRole(page, "Listening");
  const verdict = page.locator("#role-verdict");
  assert.equal(await verdict.innerText(), "");
  assert.notEqual(await verdict.evaluate((place) => getComputedStyle(place).display), "none");
  assert.equal((await verdict.boundingBox()).height, 0);
});

browse("a button that copied says so for a while, however often it is pressed", () => world, { permissions: ["clipboard-read", "clipboard-write"] }, async (page) => {
  const { link } = await invite(world, "Copying");
  await page.clock.install();
  await page.goto(link);
  await toCreate(page);
  const copy = page.locator("[data-copy]").first();
  const says = (word) => copy.filter({ hasText: new RegExp("^" + word + " ") }).waitFor();
  await says("Copy");
  for (let press = 0; press < 2; ++press) {
    await copy.click();
    await says("Copied");
  }
  await page.clock.runFor(10_000);
  assert.match(await copy.innerText(), /^Copy\b/);
});

browse("a page that renews itself leaves the focus where it is", () => world, {}, async (page) => {
  const { connection } = await atForgottenCondition(page, "Reading", "555555555555");
  // The same page, as if a check were still running.
  let renewals = 0;
  const renewed = new Promise((resolve) => page.route("**/checks", async (route) => {
    const answer = await route.fetch();
    await route.fulfill({ response: answer, body: (await answer.text()).replace("data-live></div>", "data-live data-running></div>") });
    if (++renewals === 4) resolve();
  }));
  await page.reload();
  const copy = page.locator("#check-external_id_required").getByRole("button", { name: "Copy" });
  await copy.focus();
  await renewed;
  assert.equal(await copy.evaluate((button) => button === document.activeElement), true);
  await page.unroute("**/checks");
  await world.api.text("DELETE", "/v1/connections/" + connection.id);  // the account is free again
});

browse("a blank at the end of what was pasted is said at once, and gone with it", () => world, {}, async (page) => {
  await atRole(page, "Sloppy");
  const arn = `arn:aws:iam::${ACME}:role/reader`;
  await page.getByLabel("Role ARN").fill(arn + " ");
  const verdict = page.locator("#role-verdict");
  await verdict.getByText(/space at its end/).waitFor();
  await page.getByLabel("Role ARN").fill(arn);
  await verdict.getByText(`The role reader in the AWS account ${ACME}.`).waitFor();
});

browse("Mallory gives Acme's role and learns nothing", () => world, {}, async (page) => {
  const { connection } = await invite(world, "Acme");
  const arn = await launch(world, connection, ACME);
  const words = [];
  await atRole(page, "Mallory");
  for (const role of [arn, `arn:aws:iam::${ACME}:role/no-such-role`]) {
    await give(page, role);
    await heading(page, "A check did not pass").waitFor();
    words.push((await page.locator(".check .message").allInnerTexts()).join("\n"));
    assert.equal((await page.content()).includes(connection.external_id), false);
    await click(page, "link", "Give another role ARN");
  }
  assert.equal(words[0].replaceAll(arn, "ROLE"), words[1].replaceAll(`arn:aws:iam::${ACME}:role/no-such-role`, "ROLE"));
});

browse("a role of Mallory's own account cannot stand in for the one that was named", () => world, {}, async (page) => {
  await world.api.call("PUT", "/v1/integrations/log-reader", NEEDS);
  const tenant = await world.api.call("POST", "/v1/tenants", { name: "Bound" });
  await world.api.call("POST", "/v1/connections", { tenant_id: tenant.id, integration: "log-reader", account_id: ACME });
  const session = await world.api.call("POST", "/v1/connect-sessions", { tenant_id: tenant.id, integration: "log-reader" });
  await page.goto(session.url);
  await toCreate(page);
  await toRole(page);
  const verdict = page.locator("#role-verdict");
  const word = `This connection is for the AWS account ${ACME}; the role is in ${MALLORY}.`;
  await page.getByLabel("Role ARN").fill(`arn:aws:iam::${MALLORY}:role/x`);
  await verdict.getByText(word).waitFor();  // while it is typed
  await click(page, "button", "Check this role");
  await page.locator("[aria-invalid=true]").waitFor();
  await verdict.getByText(word).waitFor();
  await look(page, "3-role-other-account");
});

browse("where the role has a fixed name nothing is pasted: it is looked for until it is there", () => world, {}, async (page) => {
  await world.api.call("PUT", "/v1/integrations/named-reader", { ...NEEDS, role_name: "LogLoaderReader" });
  const tenant = await world.api.call("POST", "/v1/tenants", { name: "Unhurried" });
  const connection = await world.api.call("POST", "/v1/connections", { tenant_id: tenant.id, integration: "named-reader" });
  const session = await world.api.call("POST", "/v1/connect-sessions", { tenant_id: tenant.id, integration: "named-reader" });
  await page.goto(session.url);
  await toCreate(page);
  await toRole(page);
  await page.getByLabel("AWS account ID").fill("55555555555");
  await click(page, "button", "Find and check the role");
  await page.locator("#account-error").getByText(/12 digits/).waitFor();
  await look(page, "3-role-lookup-wrong");
  await page.getByLabel("AWS account ID").fill("555555555555");
  await click(page, "button", "Find and check the role");
  await heading(page, "Waiting for AWS").waitFor();
  const arn = await launch(world, connection, "555555555555");  // only now
  assert.equal(arn, "arn:aws:iam::555555555555:role/LogLoaderReader");
  await toConnection(page);
});

browse("an account that is another customer's waits for the partner, who releases it", () => world, {}, async (page) => {
  const first = await invite(world, "First come");
  await world.api.call("PUT", `/v1/connections/${first.connection.id}/role`, { role_arn: await launch(world, first.connection, "777777777777") });
  await waitForState(world, first.connection, "active");
  const { connection } = await atRole(page, "Second come");
  await give(page, await launch(world, connection, "777777777777"));
  await page.getByText(/is now being verified by/).first().waitFor();
  await look(page, "4-checks-in-review");
  await world.api.call("POST", `/v1/connections/${connection.id}/release`);
  await page.reload();
  await toConnection(page);
});

browse("AWS in trouble is not taken for a failure", () => world, {}, async (page) => {
  const { connection } = await atRole(page, "Stormy");
  const arn = await launch(world, connection, MALLORY);
  await world.misbehave({ kind: "throttle", service: "sts", operation: "AssumeRole", per_second: 0 });
  await give(page, arn);
  await heading(page, "Not clear yet").waitFor();
  await look(page, "4-checks-inconclusive");
  await world.misbehave();
  await click(page, "button", "Check again");
  await toConnection(page);
});

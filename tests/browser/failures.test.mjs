// What can be wrong with a role, check by check: what the page says of it, and how it is mended with what the page gives.
import assert from "node:assert/strict";
import { after, before } from "node:test";

import { browse } from "./browser.mjs";
import { click, give, goToRole, heading, launch, roleName, toConnection, toCreate, toRole, waitForState } from "./connect.mjs";
import { look } from "./look.mjs";
import { ACME, MALLORY, NEEDS, policy, trust, World } from "./world.mjs";

// AWS does not do that. Should it, or somebody in between, the credentials are not used.
const confused = { role: undefined };
const saysAnotherAccount = (asked, answer) =>
  asked.includes("Action=GetCallerIdentity") && confused.role && answer.includes(`assumed-role/${confused.role}/`)
    ? answer.replaceAll(ACME, "999999999999") : answer;

let strict, misled;  // the first one's partner takes no role that grants too much
before(async () => {
  strict = await World.start({ DEPUTY_VERIFICATION__EXCESS: "fail" });
  misled = await World.start({}, { change: saysAnotherAccount });
});
after(async () => { await strict.end(); await misled.end(); });

// A customer who gives a role that a stack has made and somebody has changed since, and the page that says no.
async function atFailure(page, name, account, spoil, of = strict) {
  const { connection } = await goToRole(page, of, name);
  const arn = await launch(of, connection, account);
  await spoil(roleName(arn), connection);
  await give(page, arn);
  await heading(page, "A check did not pass").waitFor();
  return { connection, arn };
}

async function says(page, check, state, word) {
  const shown = page.locator("#check-" + check);
  await shown.getByText(state, { exact: true }).waitFor();
  await shown.getByText(word).waitFor();
}

async function mended(page) {
  await click(page, "button", "Check again");
  await toConnection(page);
}

browse("a wrong external ID is denied like no role at all, and the whole policy mends it", () => strict, {}, async (page) => {
  const wrong = "0b5e51f2-0000-4000-8000-5f1d2c3b4a59";  // of another product's page, say
  const { connection, arn } = await atFailure(page, "Mistaken", ACME, (role) => strict.changeTrust(ACME, role, trust(wrong)));
  await says(page, "role_assumable", "Failed", /does not have exactly this connection's external ID/);
  await look(page, "4-checks-denied");
  const mend = await page.locator("#TRUST_POLICY").innerText();
  assert.ok(mend.includes(connection.external_id));
  assert.equal(mend.includes(wrong), false);
  await strict.changeTrust(ACME, roleName(arn), mend);
  await mended(page);
});

browse("a role that is not there yet is created, and found by checking again", () => strict, {}, async (page) => {
  const { connection } = await goToRole(page, strict, "Hasty");
  const name = "made-later";
  await give(page, `arn:aws:iam::${MALLORY}:role/${name}`);
  await heading(page, "A check did not pass").waitFor();
  await says(page, "role_assumable", "Failed", /the role does not exist/);
  await strict.makeRole(MALLORY, name, await page.locator("#TRUST_POLICY").innerText());
  strict.grant(MALLORY, name, "reads-logs", JSON.stringify(NEEDS.policy));
  await mended(page);
  assert.equal((await waitForState(strict, connection, "active")).account_id, MALLORY);
  await strict.api.text("DELETE", "/v1/connections/" + connection.id);  // the account is free again
});

browse("an external ID with a wildcard is found, and the exact one mends it", () => strict, {}, async (page) => {
  const { connection, arn } = await atFailure(page, "Generous", "333333333333", async (role, { external_id }) => {
    const loose = JSON.parse(trust(external_id));
    loose.Statement[0].Condition = { StringLike: { "sts:ExternalId": external_id.slice(0, 8) + "*" } };
    await strict.changeTrust("333333333333", role, JSON.stringify(loose));
  });
  await page.locator("#check-external_id_required").getByText("Passed", { exact: true }).waitFor();
  await says(page, "external_id_exact", "Failed", /without wildcards/);
  await look(page, "4-checks-wildcard");
  const condition = JSON.parse(`{${await page.locator("#mend-external_id_exact").innerText()}}`);
  assert.deepEqual(condition, { Condition: { StringEquals: { "sts:ExternalId": connection.external_id } } });
  await strict.changeTrust("333333333333", roleName(arn), await page.locator("#TRUST_POLICY").innerText());
  await mended(page);
});

// The first try is let in, the denials are seen, and then the right external ID is denied too: they prove nothing.
browse("a role that is changed while it is checked is not clear, and checked again", () => strict, {}, async (page) => {
  const { connection } = await goToRole(page, strict, "Busy");
  const arn = await launch(strict, connection, "444444444444");
  await strict.misbehave({ kind: "late", service: "sts", operation: "AssumeRole", delay_ms: 700 });
  await give(page, arn);
  await page.locator("#check-external_id_required").getByText("Passed", { exact: true }).waitFor();
  await strict.changeTrust("444444444444", roleName(arn), trust("0b5e51f2-0000-4000-8000-5f1d2c3b4a59"));
  await heading(page, "Not clear yet").waitFor();
  await strict.misbehave();
  await says(page, "role_still_assumable", "Not clear yet", /it was changed during the check/);
  await says(page, "external_id_required", "Not clear yet", /the denial proves nothing/);
  await look(page, "4-checks-changed");
  await strict.changeTrust("444444444444", roleName(arn), trust(connection.external_id));
  await mended(page);
});

browse("a permission that is missing is named, and the statement to add mends it", () => strict, {}, async (page) => {
  const { arn } = await atFailure(page, "Sparing", "555555555555", (role) => strict.withdraw("555555555555", role, "deputy-permissions"));
  await says(page, "permissions", "Failed", /not allowed what the integration needs/);
  await look(page, "4-checks-missing");
  const mend = await page.locator("#mend-permissions").innerText();
  for (const action of ["logs:DescribeLogGroups", "s3:ListAllMyBuckets"]) assert.ok(mend.includes(action), action);
  strict.grant("555555555555", roleName(arn), "what-was-missing", mend);
  await mended(page);
});

browse("a role that may do far more than was asked for is not taken until it may not", () => strict, {}, async (page) => {
  const { arn } = await atFailure(page, "Lavish", "777777777777", (role) =>
    strict.grant("777777777777", role, "everything", JSON.stringify(policy({ Effect: "Allow", Action: "*", Resource: "*" }))));
  await says(page, "permissions", "Failed", /far more than the integration needs/);
  await page.locator("#check-permissions").getByText("everything", { exact: true }).waitFor();  // which policy it is
  await look(page, "4-checks-excess");
  strict.withdraw("777777777777", roleName(arn), "everything");
  await mended(page);
});

browse("where proof is required, a role that may not read itself is told what to allow", () => strict, {}, async (page) => {
  await strict.api.call("PUT", "/v1/integrations/proved-reader", { ...NEEDS, require_proof: true });
  const tenant = await strict.api.call("POST", "/v1/tenants", { name: "Discreet" });
  const connection = await strict.api.call("POST", "/v1/connections", { tenant_id: tenant.id, integration: "proved-reader" });
  const session = await strict.api.call("POST", "/v1/connect-sessions", { tenant_id: tenant.id, integration: "proved-reader" });
  const arn = await launch(strict, connection, MALLORY);
  strict.withdraw(MALLORY, roleName(arn), "deputy-self-read");
  await page.goto(session.url);
  await toCreate(page);
  await toRole(page);
  await give(page, arn);
  await heading(page, "A check did not pass").waitFor();
  await says(page, "trust_policy", "Failed", /takes only roles whose trust policy was read and proved safe/);
  strict.grant(MALLORY, roleName(arn), "deputy-self-read", await page.locator("#mend-trust_policy").innerText());
  await mended(page);
  await page.getByText("Proved", { exact: true }).first().waitFor();
});

browse("credentials that belong to another account are not taken; another role is", () => misled, {}, async (page) => {
  const { connection } = await atFailure(page, "Misled", ACME, (role) => { confused.role = role; }, misled);
  await says(page, "account_matches", "Failed", /do not belong to the account and role of the ARN/);
  await look(page, "4-checks-other-account");
  await click(page, "link", "Give another role ARN");
  const name = "another-one";
  const other = await misled.makeRole(ACME, name, trust(connection.external_id));
  misled.grant(ACME, name, "reads-logs", JSON.stringify(NEEDS.policy));
  await give(page, other);
  await toConnection(page);
});

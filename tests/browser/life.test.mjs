// What comes after connecting: use, rotation, newer permissions, suspension and the end. Every screen is looked at.
import assert from "node:assert/strict";
import { after, before } from "node:test";

import { browse } from "./browser.mjs";
import { click, heading, invite, launch, roleName, toConnection, waitForState } from "./connect.mjs";
import { look } from "./look.mjs";
import { ACME, MALLORY, NEEDS, World, trust } from "./world.mjs";

let world, strict, patient;  // the second one's partner gives no time to take the old external ID out
before(async () => {
  world = await World.start();
  strict = await World.start({ DEPUTY_ROTATION__RETIRE_AFTER: "0s" });
  // A page renews itself each second: it has several in which to see that a role is waited for.
  patient = await World.start({ DEPUTY_VERIFICATION__PROPAGATION_WINDOW: "5s" });
});
after(async () => { await world.end(); await strict.end(); await patient.end(); });

// A customer whose connection is active, and its page.
async function connected(page, name, account, of = world) {
  const invited = await invite(of, name);
  const arn = await launch(of, invited.connection, account);
  await of.api.call("PUT", `/v1/connections/${invited.connection.id}/role`, { role_arn: arn });
  await waitForState(of, invited.connection, "active");
  await page.goto(invited.link);
  await heading(page, /^Connected/).waitFor();
  return { ...invited, arn };
}

browse("every use is shown, with how to find it in the own account", () => world, {}, async (page) => {
  const { connection } = await connected(page, "Acme", ACME);
  await page.getByText("Nobody yet.").waitFor();
  const issued = await world.issue(connection, "<b>nightly</b> report");
  await page.reload();
  await page.getByText("<b>nightly</b> report").waitFor();
  await page.getByText(issued.access_key_id).first().waitFor();
  assert.equal((await page.content()).includes(issued.secret_access_key), false);
  await page.getByText("Find these calls in CloudTrail").first().click();
  await look(page, "5-connected-used");
});

browse("the external ID is rotated by the customer, step by step", () => world, {}, async (page) => {
  const { connection, arn } = await connected(page, "Rotating", "333333333333");
  await click(page, "link", "Rotate");
  await look(page, "6-rotate");
  await click(page, "button", "Issue a new external ID");
  await page.getByText("Waiting for you").waitFor();
  await look(page, "6-rotate-awaiting");
  const both = await page.locator("#TRUST_POLICY").innerText();
  assert.ok(both.includes(connection.external_id));
  await world.changeTrust("333333333333", roleName(arn), both);
  await click(page, "button", "Check the new external ID");
  await heading(page, "All checks passed").waitFor();
  await click(page, "link", "Go on with the rotation");
  await page.getByText("Ready to complete").waitFor();
  await look(page, "6-rotate-ready");
  await click(page, "button", "Complete the rotation");
  await page.getByText("Old one to be removed").waitFor();
  await look(page, "6-rotate-retiring");
  const one = await page.locator("#TRUST_POLICY").innerText();
  assert.equal(one.includes(connection.external_id), false);
  await world.changeTrust("333333333333", roleName(arn), one);
  await click(page, "button", "Check that it is denied");
  await toConnection(page);
  const now = await world.api.call("GET", "/v1/connections/" + connection.id);
  assert.equal(now.rotation, null);
  assert.ok(one.includes(now.external_id));
});

// A rotation whose next external ID the role accepts too.
async function readyToComplete(page, role, account, of) {
  await click(page, "link", "Rotate");
  await click(page, "button", "Issue a new external ID");
  await page.getByText("Waiting for you").waitFor();
  await of.changeTrust(account, role, await page.locator("#TRUST_POLICY").innerText());
  await click(page, "button", "Check the new external ID");
  await heading(page, "All checks passed").waitFor();
  await click(page, "link", "Go on with the rotation");
  await page.getByText("Ready to complete").waitFor();
}

browse("a rotation whose external ID was not put into the role waits, and can be cancelled or gone on with", () => world, {}, async (page) => {
  const { connection, arn } = await connected(page, "Forgetting", "777777777777");
  for (const way of ["cancel", "go on"]) {
    await click(page, "link", "Rotate");
    await click(page, "button", "Issue a new external ID");
    await click(page, "button", "Check the new external ID");
    await heading(page, "The new external ID does not work yet").waitFor();
    assert.equal((await world.api.call("GET", "/v1/connections/" + connection.id)).state, "active");
    if (way === "go on") break;
    await look(page, "6-rotate-forgotten");
    const { rotation } = await world.api.call("GET", "/v1/connections/" + connection.id);
    assert.ok((await page.content()).includes(rotation.next_external_id));
    await click(page, "link", "Back to the rotation");
    await click(page, "button", "Cancel the rotation");
    await heading(page, /^Connected/).waitFor();
    assert.equal((await page.content()).includes(rotation.next_external_id), false);  // it must not be pasted now
  }
  const both = await page.locator("#TRUST_POLICY").innerText();
  assert.ok(both.includes(connection.external_id));
  await world.changeTrust("777777777777", roleName(arn), both);
  await click(page, "button", "Check again");
  await click(page, "link", "Go on with the rotation");
  await click(page, "button", "Complete the rotation");
  await page.getByText("Old one to be removed").waitFor();

  await click(page, "button", "Check that it is denied");
  await heading(page, "The old external ID still works").waitFor();
  await page.getByText(/Take it out by .+ UTC; after that the connection is suspended/).waitFor();
  await look(page, "6-rotate-old-forgotten");
  await world.changeTrust("777777777777", roleName(arn), await page.locator("#TRUST_POLICY").innerText());
  await click(page, "button", "Check again");
  await toConnection(page);
  const now = await waitForState(world, connection, "active");
  assert.equal(now.rotation, null);
  assert.notEqual(now.external_id, connection.external_id);
  await world.api.text("DELETE", "/v1/connections/" + connection.id);  // the account is free again
});

browse("a rotation is not completed once the role has lost the new external ID, and is once it has it again", () => world, {}, async (page, context) => {
  const { connection, arn } = await connected(page, "Undoing", "777777777777");
  await readyToComplete(page, roleName(arn), "777777777777", world);
  const both = await world.api.call("GET", "/v1/connections/" + connection.id);
  await world.changeTrust("777777777777", roleName(arn), trust(connection.external_id));
  const other = await context.newPage();  // a colleague's, say
  await other.goto(page.url().replace("/rotate", "/connected"));
  await click(other, "button", "Check now");
  await heading(other, "The new external ID does not work yet").waitFor();
  const mend = await other.locator("#TRUST_POLICY").innerText();
  assert.ok(mend.includes(both.rotation.next_external_id));

  await click(page, "button", "Complete the rotation");
  await page.getByText("The connection was changed in the meantime, so nothing was done. This is how it stands now.").waitFor();
  await page.getByText("Waiting for you").waitFor();
  await look(page, "6-rotate-refused");
  assert.equal((await world.api.call("GET", "/v1/connections/" + connection.id)).external_id, connection.external_id);
  await world.changeTrust("777777777777", roleName(arn), mend);
  await click(page, "button", "Check the new external ID");
  await click(page, "link", "Go on with the rotation");
  await click(page, "button", "Complete the rotation");
  await page.getByText("Old one to be removed").waitFor();
  assert.equal((await world.api.call("GET", "/v1/connections/" + connection.id)).external_id, both.rotation.next_external_id);
});

browse("a role that loses the new external ID as it is put in use is suspended, and mended by pasting", () => strict, {}, async (page) => {
  const { connection, arn } = await connected(page, "Reverting", "333333333333", strict);
  await readyToComplete(page, roleName(arn), "333333333333", strict);
  await strict.changeTrust("333333333333", roleName(arn), trust(connection.external_id));
  await click(page, "button", "Complete the rotation");
  await waitForState(strict, connection, "suspended");
  await page.goto(page.url().replace("/rotate", "/connected"));
  await heading(page, /^Suspended/).waitFor();
  await click(page, "link", "See the checks and what to do");
  await page.locator("#check-role_assumable").getByText("Failed").waitFor();
  const mend = await page.locator("#TRUST_POLICY").innerText();
  assert.equal(mend.includes(connection.external_id), false);
  await strict.changeTrust("333333333333", roleName(arn), mend);
  await click(page, "button", "Check again");
  await toConnection(page);
  assert.equal((await waitForState(strict, connection, "active")).rotation, null);
});

browse("an old external ID that stays beyond its time suspends the connection until it is taken out", () => strict, {}, async (page) => {
  const { connection, arn } = await connected(page, "Overdue", "444444444444", strict);
  await readyToComplete(page, roleName(arn), "444444444444", strict);
  await click(page, "button", "Complete the rotation");
  await waitForState(strict, connection, "suspended");
  await page.goto(page.url().replace("/rotate", "/checks"));
  await heading(page, "A check did not pass").waitFor();
  const failed = page.locator("#check-previous_external_id_denied");
  await failed.getByText("Failed").waitFor();
  await failed.getByText(/the time to remove it is over/).waitFor();
  await look(page, "6-rotate-overdue");
  await strict.changeTrust("444444444444", roleName(arn), await page.locator("#TRUST_POLICY").innerText());
  await click(page, "button", "Check again");
  await toConnection(page);
  assert.equal((await waitForState(strict, connection, "active")).rotation, null);
});

browse("a role that was deleted suspends the connection, which comes back with the role", () => patient, {}, async (page) => {
  const { connection, arn } = await connected(page, "Tidying", "555555555555", patient);
  const role = roleName(arn);
  for (const name of ["deputy-permissions", "deputy-self-read"]) patient.withdraw("555555555555", role, name);
  patient.awsOf("555555555555", "iam", "delete-role", "--role-name", role);
  await click(page, "button", "Check now");
  await heading(page, "Waiting for AWS").waitFor();  // it may be a role that is just being made anew
  await heading(page, "A check did not pass").waitFor();
  await page.locator("#check-role_assumable").getByText(/the role does not exist/).waitFor();
  await page.goto(page.url().replace("/checks", "/connected"));
  await heading(page, /^Suspended/).waitFor();
  await look(page, "5-suspended-deleted");
  await assert.rejects(patient.issue(connection, "nightly report"), /409|403/);
  await click(page, "link", "See the checks and what to do");
  await patient.makeRole("555555555555", role, await page.locator("#TRUST_POLICY").innerText());
  patient.grant("555555555555", role, "reads-logs", JSON.stringify(NEEDS.policy));
  await click(page, "button", "Check again");
  await toConnection(page);
  await patient.issue(connection, "nightly report");
});

browse("a loosened role is suspended, shown as such, and comes back once it is mended", () => world, {}, async (page) => {
  const { connection, arn } = await connected(page, "Drifting", "444444444444");
  await world.changeTrust("444444444444", roleName(arn), trust());
  await click(page, "button", "Check now");
  await heading(page, "A check did not pass").waitFor();
  await page.goto(`${world.deputy}/connect/${new URL(page.url()).pathname.split("/")[2]}/connected`);
  await heading(page, /^Suspended/).waitFor();
  await look(page, "5-suspended");
  await click(page, "link", "See the checks and what to do");
  await world.changeTrust("444444444444", roleName(arn), await page.locator("#TRUST_POLICY").innerText());
  await click(page, "button", "Check again");
  await toConnection(page);
  await waitForState(world, connection, "active");
});

browse("newer permissions are put into the role by updating its stack, and proved", () => world, {}, async (page, context) => {
  const { connection, arn } = await connected(page, "Growing", MALLORY);
  const more = structuredClone(NEEDS);
  more.policy.Statement.push({ Sid: "ReadEvents", Effect: "Allow", Action: "logs:FilterLogEvents", Resource: "*" });
  await world.api.call("PUT", "/v1/integrations/log-reader", more);
  await page.reload();
  await click(page, "link", "See the difference");
  const [download] = await Promise.all([page.waitForEvent("download"), click(page, "link", /^Download/)]);
  // Said before it is done, it is found out.
  await click(page, "button", "I have updated the role");
  await heading(page, "A check did not pass").waitFor();
  await page.locator("#check-permissions").getByText("Failed").waitFor();

  const console = await context.newPage();
  await console.goto(world.sandbox + "/console/");
  await click(console, "link", /Mallory/);
  await console.goto(console.url() + "?region=eu-central-1");
  await console.getByRole("cell").getByRole("link").filter({ hasText: connection.id.slice(-8) }).click();
  await click(console, "link", "Update stack");
  await look(console, "console-update-template");
  await console.getByLabel("Template file").setInputFiles(await download.path());
  await console.waitForFunction(() => document.getElementById("template").value.includes("logs:FilterLogEvents"));
  await click(console, "button", "Next");
  assert.equal(await console.getByLabel("ExternalId", { exact: true }).inputValue(), connection.external_id);
  await look(console, "console-update");
  await console.getByLabel(/I acknowledge/).check();
  await click(console, "button", "Submit");
  await console.getByText("UPDATE_COMPLETE").first().waitFor();
  assert.equal(await console.locator("#output-RoleArn").innerText(), arn);
  await look(console, "console-updated");
  await console.close();

  await click(page, "button", "Check again");
  await toConnection(page);
  const now = await waitForState(world, connection, "active");
  assert.equal(now.integration_version, (await world.api.call("GET", "/v1/integrations/log-reader")).version);
  await world.api.call("PUT", "/v1/integrations/log-reader", NEEDS);
});

browse("newer permissions are shown by their difference; disconnecting asks once and is final", () => world, {}, async (page) => {
  const { connection, link } = await connected(page, "Leaving", "555555555555");
  const more = structuredClone(NEEDS);
  more.policy.Statement.push({ Sid: "ReadEvents", Effect: "Allow", Action: "logs:FilterLogEvents", Resource: "*" });
  await world.api.call("PUT", "/v1/integrations/log-reader", more);
  await page.reload();
  await click(page, "link", "See the difference");
  await page.getByText("logs:FilterLogEvents").first().waitFor();
  await look(page, "7-update");
  await click(page, "link", "Not now");
  await click(page, "link", "Disconnect");
  await click(page, "button", "Disconnect");
  await page.locator("#confirm-error").waitFor();
  await look(page, "8-disconnect");
  await page.getByLabel("Yes, disconnect this account for good.").check();
  await click(page, "button", "Disconnect");
  await heading(page, /^Disconnected/).waitFor();
  await look(page, "8-disconnected");
  assert.equal((await world.api.call("GET", "/v1/connections/" + connection.id)).state, "disconnected");
  await page.goto(link);
  await heading(page, /^Disconnected/).waitFor();
});

// The link and the session behind it: two tabs, back, reload, the end in the middle, strangers, hostile names.
import assert from "node:assert/strict";
import { after, before } from "node:test";

import { browse } from "./browser.mjs";
import { click, give, heading, invite, launch, toConnection, toCreate, toRole } from "./connect.mjs";
import { look } from "./look.mjs";
import { ACME, PARTNER_ROLE, World } from "./world.mjs";

let world, later;  // of the second one the clock is moved
before(async () => { world = await World.start(); later = await World.start(); });
after(async () => { await world.end(); await later.end(); });

browse("two tabs are two tenants, and never mix", () => world, {}, async (page, context) => {
  const acme = await invite(world, "Acme"), globex = await invite(world, "Globex");
  const other = await context.newPage();
  await page.goto(acme.link);
  await other.goto(globex.link);
  for (const tab of [page, other]) await toCreate(tab);
  assert.equal(await page.locator("#external-id").innerText(), acme.connection.external_id);
  assert.equal(await other.locator("#external-id").innerText(), globex.connection.external_id);
  await page.reload();
  assert.equal(await page.locator("#external-id").innerText(), acme.connection.external_id);
  for (const tab of [page, other]) await toRole(tab);
  await give(page, await launch(world, acme.connection));
  await give(other, await launch(world, globex.connection, "333333333333"));
  await toConnection(page);
  await toConnection(other);
  for (const [tab, mine, others] of [[page, acme, globex], [other, globex, acme]]) {
    const shown = await tab.content();
    assert.ok(shown.includes(mine.connection.id) && shown.includes(mine.tenant.name));
    assert.equal(shown.includes(others.connection.id) || shown.includes(others.connection.external_id), false);
  }
});

browse("back and reload are harmless at every step", () => world, {}, async (page) => {
  const { connection, link } = await invite(world, "Restless");
  await page.goto(link);
  await page.reload();
  await toCreate(page);
  await page.reload();
  await page.goBack();
  await heading(page, /asks for$/).waitFor();
  await page.goForward();
  await toRole(page);
  await page.reload();
  await give(page, await launch(world, connection, "444444444444"));
  await heading(page, "All checks passed").waitFor();
  await page.reload();
  await toConnection(page);
  await page.reload();
  await page.goBack();
  await heading(page, "All checks passed").waitFor();
  await page.goBack();
  await heading(page, "Give us the role ARN").waitFor();
  assert.equal((await world.api.call("GET", "/v1/connections/" + connection.id)).state, "active");
  await page.goto(link);  // the link goes on working, and leads to where one is
  await heading(page, /^Connected/).waitFor();
});

browse("the partner ends the session in the middle", () => world, {}, async (page) => {
  const { session, link } = await invite(world, "Ended");
  await page.goto(link);
  await toCreate(page);
  await world.api.text("DELETE", "/v1/connect-sessions/" + session.id);
  await click(page, "link", "I have created the role");
  await heading(page, "This link was ended").waitFor();
  await look(page, "trouble-ended");
  await page.goto(link);
  await heading(page, "This link was ended").waitFor();
});

browse("the session ends while one is away: what was done is kept, and a new link goes on", () => later, {}, async (page) => {
  const { tenant, connection, link } = await invite(later, "Slow");
  await page.goto(link);
  await toCreate(page);
  const shown = await page.locator("#external-id").innerText();
  await toRole(page);
  later.moveDeputysClock(31);
  await give(page, `arn:aws:iam::${ACME}:role/too-late`);
  await heading(page, "This link is over").waitFor();
  await look(page, "trouble-expired");
  assert.equal((await later.api.call("GET", "/v1/connections/" + connection.id)).state, "awaiting_role");
  const again = await later.api.call("POST", "/v1/connect-sessions", { tenant_id: tenant.id, integration: "log-reader" });
  await page.goto(again.url);
  await toCreate(page);
  assert.equal(await page.locator("#external-id").innerText(), shown);
});

browse("a guessed link, and somebody else's session, lead nowhere", () => world, {}, async (page, context) => {
  const acme = await invite(world, "Acme"), mallory = await invite(world, "Mallory");
  // Of a secret's form, so that it is compared.
  await page.goto(acme.link.slice(0, -4) + (acme.link.endsWith("aaaa") ? "bbbb" : "aaaa"));
  await heading(page, "This link does not work").waitFor();
  await look(page, "trouble-link");
  await page.goto(mallory.link);
  await heading(page, /asks for$/).waitFor();
  for (const place of ["", "/ask", "/create", "/role", "/checks", "/connected", "/rotate", "/update", "/disconnect", "/template?format=cloudformation", "/report"]) {
    const answer = await context.request.get(`${world.deputy}/connect/${acme.session.id}${place}`);
    assert.equal(answer.status(), 404, place);
    const text = await answer.text();
    assert.equal(text.includes(acme.connection.external_id) || text.includes("Acme"), false, place);
  }
});

browse("a form without its token, or with another session's, does nothing", () => world, {}, async (page, context) => {
  const acme = await invite(world, "Acme"), globex = await invite(world, "Globex");
  const tokens = [];
  for (const one of [acme, globex]) {
    await page.goto(one.link);
    await toCreate(page);
    await toRole(page);
    tokens.push(await page.locator("input[name=csrf]").first().inputValue());
  }
  const form = { role_arn: `arn:aws:iam::${ACME}:role/x`, connection: acme.connection.id };
  const url = `${world.deputy}/connect/${acme.session.id}/role`;
  for (const csrf of [undefined, "", "x", tokens[1]]) {
    const answer = await context.request.post(url, { form: csrf === undefined ? form : { ...form, csrf }, headers: { Origin: world.deputy } });
    assert.equal(answer.status(), 403);
  }
  const foreign = await context.request.post(url, { form: { ...form, csrf: tokens[0] }, headers: { Origin: "https://evil.example" } });
  assert.equal(foreign.status(), 403);
  assert.equal((await world.api.call("GET", "/v1/connections/" + acme.connection.id)).state, "awaiting_role");
});

browse("a form acts on the connection that its page showed, whatever another tab turned to", () => world, {}, async (page, context) => {
  const { connection, link } = await invite(world, "Twofold");
  await page.goto(link);
  await toCreate(page);
  await toRole(page);
  await give(page, await launch(world, connection, "777777777777"));
  await toConnection(page);
  const other = await context.newPage();
  await other.goto(page.url());
  await click(page, "link", "Disconnect");
  await page.getByLabel("Yes, disconnect this account for good.").check();
  await click(other, "button", "Connect another AWS account");
  await heading(other, /asks for$/).waitFor();
  await click(page, "button", "Disconnect");
  await page.getByText("That page was about another connection than the one that is shown here, so nothing was done.").waitFor();
  await look(page, "1-ask-notice");
  const now = await world.api.call("GET", `/v1/connections?tenant_id=${connection.tenant_id}`);
  assert.deepEqual(now.items.map((one) => one.state).sort(), ["active", "awaiting_role"]);
});

browse("what cannot be done is said, and how to go on", () => world, {}, async (page, context) => {
  const { session, connection, link } = await invite(world, "Clumsy");
  await page.goto(link);
  await toCreate(page);
  await toRole(page);
  const csrf = await page.locator("input[name=csrf]").first().inputValue();
  await page.locator("input[name=csrf]").first().evaluate((input) => { input.value = "0"; });
  await give(page, `arn:aws:iam::${ACME}:role/x`);
  await heading(page, "Please send that again").waitFor();
  await look(page, "trouble-stale");
  await page.goto(`${world.deputy}/connect/${session.id}/nothing`);
  await heading(page, "There is nothing here").waitFor();
  await look(page, "trouble-nothing");
  // One form in a loop, as a script would send it.
  const form = { csrf, connection: connection.id, role_arn: PARTNER_ROLE };
  let answer;
  for (let sent = 0; sent < 80 && answer?.status() !== 429; ++sent)
    answer = await context.request.post(`${world.deputy}/connect/${session.id}/role`, { form, headers: { Origin: world.deputy } });
  assert.equal(answer.status(), 429);
  assert.match(await answer.text(), /One moment, please/);
  assert.ok(Number(answer.headers()["retry-after"]) > 0);
  await page.goto(`${world.deputy}/connect/${session.id}/role`);  // to look goes on
  await heading(page, "Give us the role ARN").waitFor();
  assert.equal((await world.api.call("GET", "/v1/connections/" + connection.id)).state, "awaiting_role");
});

browse("a double click begins one check", () => world, {}, async (page, context) => {
  const { connection, link } = await invite(world, "Impatient");
  await page.goto(link);
  await toCreate(page);
  await toRole(page);
  await page.getByLabel("Role ARN").fill(await launch(world, connection, "555555555555"));
  const runs = async () => (await world.api.call("GET", `/v1/connections/${connection.id}/verifications`)).items;
  // Slow enough that every further click comes while the first one's check runs.
  await world.misbehave({ kind: "late", service: "sts", operation: "AssumeRole", delay_ms: 700 });
  const sent = await page.locator("form", { has: page.getByLabel("Role ARN") }).evaluate((form) => [form.action, Object.fromEntries(new FormData(form))]);
  await page.getByRole("button", { name: "Check this role" }).dblclick();
  // And once more as a browser sends it that does not let go of the first.
  const answers = await Promise.all([1, 2, 3].map(() => context.request.post(sent[0], { form: sent[1], headers: { Origin: world.deputy }, maxRedirects: 0 })));
  for (const answer of answers) assert.match(answer.headers().location, /\/checks$/);
  await heading(page, "Checking the role").waitFor();
  await page.locator("#check-role_assumable").getByText("Passed", { exact: true }).waitFor();  // so it has begun
  assert.equal((await runs()).length, 1);
  await toConnection(page);
  const [run] = await runs();
  assert.equal(run.outcome, "passed");

  await page.getByRole("button", { name: "Check now" }).dblclick();
  await heading(page, "All checks passed").waitFor();
  const all = await runs();
  assert.equal(all.length, 2);
  assert.deepEqual(all.map((each) => each.outcome), ["passed", "passed"]);
  const journal = await world.api.call("GET", "/v1/journal?limit=200");
  const given = journal.items.filter((entry) => entry.act === "connection.role_given" && entry.subject === connection.id);
  assert.equal(given.length, 1);
  await world.misbehave();
});

const HOSTILE = ["\"><script>alert(1)</script><img src=x onerror=alert(1)>", "{{TENANT}}${7*7}<%= 1 %>'--", "שלום عربي & Söhne", "🦊".repeat(40), "x".repeat(150)];

browse("hostile names are only text", () => world, {}, async (page) => {
  page.on("dialog", (dialog) => assert.fail("a dialog opened: " + dialog.message()));
  for (const [index, name] of HOSTILE.entries()) {
    const { link } = await invite(world, name);
    await page.goto(link);
    await page.getByText(name.slice(0, 40)).first().waitFor();
    assert.equal(await page.locator("img[src=x]").count(), 0);
    if (index === 0 || index === 3) await look(page, "hostile-" + index);
    await page.setViewportSize({ width: 360, height: 900 });
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360, name);
    await toCreate(page);
    await page.getByText(name.slice(0, 40)).first().waitFor();
  }
});

browse("the page is what its headers say", () => world, {}, async (page) => {
  const { link } = await invite(world, "Acme");
  const answers = [];
  page.on("response", (answer) => answers.push(answer));
  await page.goto(link);
  await heading(page, /asks for$/).waitFor();
  const pages = answers.filter((answer) => answer.request().resourceType() === "document" && answer.status() === 200);
  assert.ok(pages.length > 0);
  for (const answer of pages) {
    const headers = answer.headers();
    assert.match(headers["content-security-policy"], /default-src 'none'/);
    assert.match(headers["content-security-policy"], /frame-ancestors 'none'/);
    assert.doesNotMatch(headers["content-security-policy"], /unsafe|\*/);
    assert.equal(headers["referrer-policy"], "no-referrer");
    assert.equal(headers["cache-control"], "no-store");
    assert.match(headers["x-robots-tag"] ?? "", /noindex/);
  }
  // Over the wire: every answer from the link on, style sheets, script and logo included, header fields too.
  const sizes = await Promise.all(answers.map((answer) => answer.request().sizes()));
  const bytes = sizes.reduce((sum, size) => sum + size.responseHeadersSize + size.responseBodySize, 0);
  assert.ok(answers.length > 4 && bytes > 10_000, `${answers.length} answers, ${bytes} bytes`);
  assert.ok(bytes < 30_000, `the first screen is ${bytes} bytes`);
  console.log(`first screen: ${bytes} bytes over the wire in ${answers.length} answers`);
  const cookies = await page.context().cookies();
  assert.equal(cookies.length, 1);
  assert.equal(cookies[0].httpOnly, true);
  assert.equal(cookies[0].sameSite, "Lax");
});

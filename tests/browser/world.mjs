// A sandbox and a Deputy, each a process of the binary under test, on ports that the system chooses.
import { execFileSync, spawn } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { createServer, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const BINARY = process.env.DEPUTY_BINARY;
export const REGION = "eu-central-1";
export const PARTNER_ROLE = "arn:aws:iam::111111111111:role/deputy-broker";
export const ACME = "222222222222";
export const MALLORY = "666666666666";
const BUCKET = "deputy-templates";
const ALLOW_ALL = policy({ Effect: "Allow", Action: "*", Resource: "*" });

export function policy(...statements) {
  return { Version: "2012-10-17", Statement: statements };
}

// A trust policy; without an external ID it asks for none.
export function trust(externalId) {
  const statement = { Effect: "Allow", Principal: { AWS: PARTNER_ROLE }, Action: ["sts:AssumeRole", "sts:TagSession"] };
  if (externalId) statement.Condition = { StringEquals: { "sts:ExternalId": externalId } };
  return JSON.stringify(policy(statement));
}

function administrator(id, name) {
  const user = { name: "administrator", access_key_id: "AKIATEST" + id, secret_access_key: "secret-of-" + id, policies: { all: ALLOW_ALL } };
  return { id, name, users: [user] };
}

function seed() {
  const partner = administrator("111111111111", "Log Loader Inc");
  partner.buckets = [BUCKET];
  partner.roles = [{
    name: "deputy-broker",
    trust_policy: policy({ Effect: "Allow", Principal: { AWS: "arn:aws:iam::111111111111:user/administrator" }, Action: "sts:AssumeRole" }),
    policies: { reach: policy({ Effect: "Allow", Action: ["sts:AssumeRole", "sts:TagSession", "iam:GetRole"], Resource: "*" }) },
  }];
  return { accounts: [partner, administrator(ACME, "Acme"), administrator("333333333333", "Globex"), administrator("444444444444", "Initech"), administrator("555555555555", "Hooli"), administrator("777777777777", "Umbrella"), administrator(MALLORY, "Mallory")] };
}

class Program {
  constructor(args, options) {
    this.output = "";
    this.child = spawn(BINARY, args, { stdio: ["ignore", "pipe", "pipe"], ...options });
    this.ended = new Promise((resolve) => this.child.on("exit", resolve));
    this.waiting = [];
    for (const stream of [this.child.stdout, this.child.stderr])
      createInterface({ input: stream }).on("line", (line) => {
        this.output += line + "\n";
        this.waiting = this.waiting.filter((wait) => !wait());
      });
  }
  // The first match of the pattern in what it prints.
  says(pattern) {
    return new Promise((resolve, reject) => {
      const look = () => {
        const found = this.output.match(pattern);
        if (found) resolve(found);
        return Boolean(found);
      };
      if (look()) return;
      this.waiting.push(look);
      this.ended.then(() => reject(new Error(`ended before it said ${pattern}:\n${this.output}`)));
    });
  }
  async end() {
    this.child.kill("SIGTERM");
    await this.ended;
  }
}

// Stands between Deputy and the sandbox, for what AWS should never say: `change` is given what was asked and what is
// answered, and gives back what Deputy hears. What is asked goes on byte by byte, since it is signed.
async function standBetween(sandbox, change) {
  const all = async (stream) => {
    const pieces = [];
    for await (const piece of stream) pieces.push(piece);
    return Buffer.concat(pieces).toString();
  };
  const server = createServer(async (asked, answer) => {
    const body = await all(asked);
    const onward = request(sandbox + asked.url, { method: asked.method, headers: asked.headers });
    onward.on("error", () => answer.destroy());
    onward.on("response", async (got) => {
      const { "content-length": _, ...headers } = got.headers;
      answer.writeHead(got.statusCode, headers);
      answer.end(change(body, await all(got)));
    });
    onward.end(body);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

// Calls of Deputy's API as the partner's backend.
class Api {
  constructor(url, key) {
    this.url = url;
    this.key = key;
  }
  async send(method, path, body) {
    const headers = { Authorization: "Bearer " + this.key };
    if (body !== undefined) headers["Content-Type"] = "application/json";
    return fetch(this.url + path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  }
  async text(method, path, body) {
    const answer = await this.send(method, path, body);
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text;
  }
  async call(method, path, body) {
    const text = await this.text(method, path, body);
    return text ? JSON.parse(text) : null;
  }
}

export const NEEDS = {
  description: "Reads your CloudWatch Logs",
  policy: policy(
    { Sid: "FindLogGroups", Effect: "Allow", Action: "logs:DescribeLogGroups", Resource: "*" },
    { Sid: "ListBuckets", Effect: "Allow", Action: "s3:ListAllMyBuckets", Resource: "*" }),
  reasons: { FindLogGroups: "to find the log groups of your applications", ListBuckets: "to offer your buckets as archives" },
};

export class World {
  static async start(settings = {}, { change } = {}) {
    const world = new World();
    world.folder = mkdtempSync(join(tmpdir(), "deputy-browser-"));
    world.clock = join(world.folder, "clock");
    writeFileSync(world.clock, Buffer.alloc(8));
    const file = join(world.folder, "seed.json");
    writeFileSync(file, JSON.stringify(seed()));
    world.sandboxProgram = new Program(["sandbox", "--listen", "127.0.0.1:0", "--seed", file]);
    world.sandbox = (await world.sandboxProgram.says(/listening on (http:\S+)/))[1];
    if (change) world.between = await standBetween(world.sandbox, change);
    const aws = change ? "http://127.0.0.1:" + world.between.address().port : world.sandbox;
    const home = join(world.folder, "deputy");
    const key = execFileSync(BINARY, ["init", "--dir", home], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).trim();
    writeFileSync(join(world.folder, "aws"), `[default]\nrole_arn = ${PARTNER_ROLE}\nsource_profile = user\nregion = ${REGION}\n` +
      "[profile user]\naws_access_key_id = AKIATEST111111111111\naws_secret_access_key = secret-of-111111111111\n");
    const env = {
      PATH: process.env.PATH, HOME: world.folder, AWS_CONFIG_FILE: join(world.folder, "aws"), AWS_ENDPOINT_URL: aws, AWS_EC2_METADATA_DISABLED: "true",
      DEPUTY_SERVER__LISTEN: "127.0.0.1:0", DEPUTY_AWS__REGION: REGION, DEPUTY_AWS__PARTNER_PRINCIPAL: PARTNER_ROLE,
      DEPUTY_VERIFICATION__PROPAGATION_WINDOW: "1s", DEPUTY_VERIFICATION__MIN_INTERVAL: "0s", DEPUTY_VERIFICATION__PER_TENANT_PER_HOUR: "1000",
      DEPUTY_CONNECT__TEMPLATE_URL: `https://${BUCKET}.s3.${REGION}.amazonaws.com/{connection}.yaml`,
      LD_PRELOAD: process.env.DEPUTY_TEST_CLOCK, DEPUTY_TEST_CLOCK_FILE: world.clock,
      DEPUTY_CONNECT__CONSOLE_URL: world.sandbox + "/console", ...settings,
    };
    world.deputyProgram = new Program(["serve"], { cwd: home, env });
    world.deputy = "http://127.0.0.1:" + (await world.deputyProgram.says(/listening on 127\.0\.0\.1:(\d+)/))[1];
    world.api = new Api(world.deputy, key);
    return world;
  }
  async end() {
    if (this.deputyProgram) await this.deputyProgram.end();
    this.between?.close();
    this.between?.closeAllConnections();
    await this.sandboxProgram.end();
    rmSync(this.folder, { recursive: true });
  }

  // Deputy's alone: the sandbox and the browser stay where they are.
  moveDeputysClock(minutes) {
    const seconds = Buffer.alloc(8);
    seconds.writeBigInt64LE(BigInt(minutes * 60));
    const file = openSync(this.clock, "r+");  // in place: the process has it mapped
    writeSync(file, seconds);
    closeSync(file);
  }

  // One press of a button of the console's stand-in, as somebody's administrator.
  async press(path, fields) {
    const answer = await fetch(this.sandbox + path, {
      method: "POST", redirect: "manual", headers: { Origin: this.sandbox, "Content-Type": "application/x-www-form-urlencoded" }, body: new URLSearchParams(fields).toString(),
    });
    if (answer.status !== 303) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  }
  async changeTrust(account, role, document) {
    await this.press(`/console/as/${account}.administrator/roles/${role}`, { trust: document });
  }
  grant(account, role, name, document) {
    this.awsOf(account, "iam", "put-role-policy", "--role-name", role, "--policy-name", name, "--policy-document", document);
  }
  withdraw(account, role, name) {
    this.awsOf(account, "iam", "delete-role-policy", "--role-name", role, "--policy-name", name);
  }
  async makeRole(account, name, document) {
    await this.press(`/console/as/${account}.administrator/roles`, { name, trust: document });
    return `arn:aws:iam::${account}:role/${name}`;
  }
  async misbehave(...disturbances) {
    const answer = await fetch(this.sandbox + "/_sandbox/misbehaviour", { method: "PUT", body: JSON.stringify({ disturbances }), headers: { "Content-Type": "application/json" } });
    if (!answer.ok) throw new Error(`misbehaviour: ${answer.status} ${await answer.text()}`);
  }

  // The AWS CLI of an account's administrator: the partner's, if no other is named.
  aws(...args) { return this.awsOf("111111111111", ...args); }
  awsOf(account, ...args) {
    const env = { PATH: process.env.PATH, HOME: this.folder, AWS_ACCESS_KEY_ID: "AKIATEST" + account, AWS_SECRET_ACCESS_KEY: "secret-of-" + account, AWS_DEFAULT_REGION: REGION, AWS_REQUEST_CHECKSUM_CALCULATION: "when_required" };
    return execFileSync("/usr/bin/aws", ["--endpoint-url", this.sandbox, ...args], { env, encoding: "utf8" });
  }

  // A tenant with a connection whose template is where launch links look for it.
  async customer(name, integration = "log-reader") {
    await this.api.call("PUT", "/v1/integrations/" + integration, NEEDS);
    const tenant = await this.api.call("POST", "/v1/tenants", { name });
    const connection = await this.api.call("POST", "/v1/connections", { tenant_id: tenant.id, integration });
    return { tenant, connection };
  }
  // Credentials for the partner's workload.
  async issue(connection, reason) {
    await this.api.call("PUT", "/v1/workloads/log-loader", { grants: [{ integration: "*", tenants: "*", may: [] }] });
    const key = await this.api.call("POST", "/v1/keys", { role: "workload", workload: "log-loader" });
    return new Api(this.deputy, key.secret).call("POST", `/v1/connections/${connection.id}/credentials`, { reason });
  }
  async publish(connection) {
    if (!this.published) {
      const open = policy({ Effect: "Allow", Principal: "*", Action: "s3:GetObject", Resource: `arn:aws:s3:::${BUCKET}/*` });
      this.aws("s3api", "put-bucket-policy", "--bucket", BUCKET, "--policy", JSON.stringify(open));
      this.published = true;
    }
    const file = join(this.folder, connection.id + ".yaml");
    writeFileSync(file, await this.api.text("GET", `/v1/connections/${connection.id}/template?format=cloudformation`));
    this.aws("s3api", "put-object", "--bucket", BUCKET, "--key", connection.id + ".yaml", "--body", file);
  }
}

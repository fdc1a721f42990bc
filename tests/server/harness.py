"""A real Deputy and a real sandbox, each a process of the binary under test, started and stopped by the test that needs them."""

import json
import os
import pty
import re
import select
import shutil
import signal
import ssl
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request

import boto3

BINARY = os.environ["DEPUTY_BINARY"]
REGION = "eu-central-1"
PARTNER_ROLE = "arn:aws:iam::111111111111:role/deputy-broker"
ALLOW_ALL = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


# What the integration `log-reader` of the tests asks for.
NEEDS = {"Version": "2012-10-17", "Statement": [
    {"Sid": "Read", "Effect": "Allow", "Action": ["logs:FilterLogEvents", "logs:DescribeLogGroups"], "Resource": "*"},
    {"Sid": "List", "Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}]}
SELF_READ = ["iam:GetRole", "iam:GetRolePolicy", "iam:ListRolePolicies", "iam:ListAttachedRolePolicies"]


def trust(*external_ids):
    statement = {"Effect": "Allow", "Principal": {"AWS": PARTNER_ROLE}, "Action": ["sts:AssumeRole", "sts:TagSession"]}
    if external_ids:
        statement["Condition"] = {"StringEquals": {"sts:ExternalId": list(external_ids)}}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def customer(account, **more):
    user = {"name": "administrator", "access_key_id": "AKIATEST" + account, "secret_access_key": "secret-of-the-administrator-of-" + account,
            "policies": {"all": ALLOW_ALL}}
    return {"id": account, "users": [user], **more}


def seed():
    partner = {
        "id": "111111111111",
        "users": [{"name": "platform", "access_key_id": "AKIATEST111111111111", "secret_access_key": "secret-of-the-platform-user-00000000",
                   "policies": {"all": ALLOW_ALL}}],
        "roles": [{"name": "deputy-broker",
                   "trust_policy": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
                                    "Principal": {"AWS": "arn:aws:iam::111111111111:user/platform"}}]},
                   "policies": {"reach-customers": {"Version": "2012-10-17", "Statement": [
                       {"Effect": "Allow", "Action": ["sts:AssumeRole", "sts:TagSession", "iam:GetRole"], "Resource": "*"}]}}}]}
    streams = [{"name": "web-1", "events": [{"timestamp": 1767225600000, "message": "GET /cart 200"}]}]
    acme = customer("222222222222", buckets=["acme-invoices", "acme-assets"],
                    log_groups=[{"name": "/acme/webshop", "region": REGION, "streams": streams}])
    return {"accounts": [partner, acme, customer("333333333333")]}


def make_pair(folder, days=1):
    """A certificate for this machine, signed by itself, as tls.pem with tls.key; returns the certificate's file."""
    names = [os.path.join(folder, name) for name in ("tls.pem", "tls.key")]
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", str(days),
                    "-subj", "/CN=deputy test", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                    "-out", names[0] + ".new", "-keyout", names[1] + ".new"], check=True, capture_output=True)
    os.chmod(names[1] + ".new", 0o600)
    for name in reversed(names):
        os.replace(name + ".new", name)
    return names[0]


class Process:
    """A process whose output is collected, and waited for line by line."""

    def __init__(self, arguments, environment=None, folder=None, **more):
        self.process = subprocess.Popen(arguments, env=environment, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **more)
        self.lines = []
        self.changed = threading.Condition()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            with self.changed:
                self.lines.append(line)
                self.changed.notify_all()
        with self.changed:
            self.lines.append(None)
            self.changed.notify_all()

    def output(self):
        with self.changed:
            return "".join(line for line in self.lines if line)

    def wait_for(self, pattern, seconds=20):
        end = time.monotonic() + seconds
        with self.changed:
            seen = 0
            while True:
                for line in self.lines[seen:]:
                    if line is None:
                        raise AssertionError("the process ended:\n" + "".join(l for l in self.lines if l))
                    if match := re.search(pattern, line):
                        return match
                seen = len(self.lines)
                if not self.changed.wait(timeout=max(0.0, end - time.monotonic())) and time.monotonic() >= end:
                    raise AssertionError(f"{pattern!r} did not come:\n" + "".join(l for l in self.lines if l))

    def end(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(how)
        status = self.process.wait(timeout=30)
        self.reader.join(timeout=10)
        self.process.stdout.close()
        return status


def on_terminal(arguments, environment, until=None, seconds=120):
    """Everything that the command writes to a terminal, within so many seconds; it is interrupted once `until` was written."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen([BINARY, *arguments], stdout=theirs, stderr=theirs, stdin=subprocess.DEVNULL, env=environment)
    os.close(theirs)
    written = bytearray()
    end = time.monotonic() + seconds
    try:
        while True:
            left = end - time.monotonic()
            if left <= 0 or not select.select([ours], [], [], left)[0]:
                raise AssertionError(f"{arguments} did not end within {seconds} s; at last it wrote {bytes(written[-1000:])!r}")
            try:
                part = os.read(ours, 65536)
            except OSError:
                break
            if not part:
                break
            written += part
            if until and until.encode() in written[-len(part) - 4 * len(until):]:
                process.send_signal(signal.SIGINT)
                until = None
        process.wait(timeout=30)
    finally:
        os.close(ours)
        if process.poll() is None:
            process.kill()
            process.wait()
    return written.decode()


class Sandbox:
    def __init__(self, folder, accounts=None):
        seed_file = os.path.join(folder, "seed.json")
        with open(seed_file, "w") as file:
            json.dump(accounts or seed(), file)
        self.process = Process([BINARY, "sandbox", "--listen", "127.0.0.1:0", "--seed", seed_file])
        self.url = self.process.wait_for(r"listening on (http://\S+)").group(1)

    def client(self, service, account="222222222222", credentials=None):
        """A boto3 client of an account's administrator, or with given credentials (access key, secret, token)."""
        names = {"111111111111": "secret-of-the-platform-user-00000000"}
        key, secret, token = credentials or ("AKIATEST" + account, names.get(account, "secret-of-the-administrator-of-" + account), None)
        return boto3.session.Session(aws_access_key_id=key, aws_secret_access_key=secret, aws_session_token=token,
                                     region_name=REGION).client(service, endpoint_url=self.url)

    def partner_session(self):
        got = self.client("sts", "111111111111").assume_role(RoleArn=PARTNER_ROLE, RoleSessionName="deputy")["Credentials"]
        return {"AWS_ACCESS_KEY_ID": got["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": got["SecretAccessKey"], "AWS_SESSION_TOKEN": got["SessionToken"]}

    def misbehave(self, *disturbances):
        body = json.dumps({"disturbances": list(disturbances)}).encode()
        urllib.request.urlopen(urllib.request.Request(self.url + "/_sandbox/misbehaviour", data=body, method="PUT",
                                                      headers={"Content-Type": "application/json"})).read()


class Answer:
    def __init__(self, status, headers, text):
        self.status, self.headers, self.text = status, headers, text
        try:
            self.body = json.loads(text)
        except ValueError:
            self.body = None

    def __repr__(self):
        return f"{self.status} {self.text}"


class Deputy:
    """An installation: `deputy init` made it, `start` serves it."""

    def __init__(self, folder, sandbox):
        self.folder = os.path.join(folder, "deputy")
        self.sandbox = sandbox
        made = subprocess.run([BINARY, "init", "--dir", self.folder], capture_output=True, text=True, check=True)
        self.admin_key = made.stdout.strip()
        self.settings = {"DEPUTY_SERVER__LISTEN": "127.0.0.1:0", "DEPUTY_AWS__REGION": REGION,
                         "DEPUTY_VERIFICATION__PROPAGATION_WINDOW": "1s", "DEPUTY_VERIFICATION__MIN_INTERVAL": "0s",
                         "DEPUTY_VERIFICATION__PER_TENANT_PER_HOUR": "1000"}
        self.process = None
        self.url = None
        self.trust = None  # with TLS: who trusts its certificate
        self.logs = ""

    def environment(self, **more):
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "DEPUTY_")) or name.startswith("DEPUTY_TEST_")}
        return {**clean, "HOME": self.folder, "AWS_ENDPOINT_URL": self.sandbox.url, "AWS_EC2_METADATA_DISABLED": "true",
                **self.settings, **more}

    def start(self):
        self.process = Process([BINARY, "serve"], self.environment(**self.sandbox.partner_session()), self.folder)
        scheme = "https" if "DEPUTY_SERVER__TLS_CERT_FILE" in self.settings else "http"
        self.url = scheme + "://127.0.0.1:" + self.process.wait_for(r"listening on 127\.0\.0\.1:(\d+)").group(1)

    def use_tls(self):
        """From the next start on; returns the certificate's file."""
        certificate = make_pair(self.folder)
        self.settings.update(DEPUTY_SERVER__TLS_CERT_FILE=certificate, DEPUTY_SERVER__TLS_KEY_FILE=os.path.join(self.folder, "tls.key"))
        self.trust = ssl.create_default_context(cafile=certificate)
        return certificate

    def stop(self, how=signal.SIGTERM):
        status = self.process.end(how)
        self.logs += self.process.output()
        self.process = None
        return status

    def command(self, *arguments, key=None, text_in=None):
        environment = self.environment(DEPUTY_URL=self.url or "", DEPUTY_KEY=key or self.admin_key)
        return subprocess.run([BINARY, *arguments], env=environment, cwd=self.folder, capture_output=True, text=True, input=text_in, timeout=60)

    def call(self, method, path, body=None, key=None, headers=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, method=method, headers={
            "Authorization": "Bearer " + (key or self.admin_key), **({"Content-Type": "application/json"} if data else {}), **(headers or {})})
        try:
            with urllib.request.urlopen(request, timeout=30, context=self.trust) as answer:
                return Answer(answer.status, answer.headers, answer.read().decode())
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.headers, error.read().decode())

    def must(self, method, path, body=None, key=None):
        answer = self.call(method, path, body, key)
        if answer.status >= 300:
            raise AssertionError(f"{method} {path}: {answer}")
        return answer.body


class ServerTest(unittest.TestCase):
    """Each test has a folder, a sandbox and a served Deputy of its own."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="deputy-server-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.sandbox = Sandbox(self.folder)
        self.addCleanup(self.sandbox.process.end)
        self.deputy = Deputy(self.folder, self.sandbox)
        self.deputy.start()
        self.addCleanup(lambda: self.deputy.process and self.deputy.stop())

    def define_integration(self, **more):
        return self.deputy.must("PUT", "/v1/integrations/log-reader", {
            "description": "Reads your CloudWatch Logs", "policy": NEEDS,
            "reasons": {"Read": "to show your logs", "List": "to offer archives"}, **more})

    def connect(self, tenant_name="Acme"):
        self.define_integration()
        tenant = self.deputy.must("POST", "/v1/tenants", {"name": tenant_name})
        return self.deputy.must("POST", "/v1/connections", {"tenant_id": tenant["id"], "integration": "log-reader"})

    def give_role(self, connection, role_arn):
        self.deputy.must("PUT", f"/v1/connections/{connection['id']}/role", {"role_arn": role_arn})

    def launch(self, connection, account="222222222222"):
        """Launches the connection's template in the customer's account; returns the role's ARN."""
        template = self.deputy.call("GET", f"/v1/connections/{connection['id']}/template?format=cloudformation").text
        cloudformation = self.sandbox.client("cloudformation", account)
        name = "deputy-" + connection["id"].replace("_", "-")
        cloudformation.create_stack(StackName=name, TemplateBody=template, Capabilities=["CAPABILITY_NAMED_IAM"])
        outputs = cloudformation.describe_stacks(StackName=name)["Stacks"][0]["Outputs"]
        return next(output["OutputValue"] for output in outputs if output["OutputKey"] == "RoleArn")

    def make_role(self, name, trust_policy, account="222222222222", readable=False, needs=NEEDS):
        """A role made by hand, with what the integration needs; `readable`: the partner may read it."""
        iam = self.sandbox.client("iam", account)
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust_policy)["Role"]["Arn"]
        if needs:
            iam.put_role_policy(RoleName=name, PolicyName="needs", PolicyDocument=json.dumps(needs))
        if readable:
            own = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": SELF_READ, "Resource": arn}]}
            iam.put_role_policy(RoleName=name, PolicyName="self-read", PolicyDocument=json.dumps(own))
        return arn

    def state(self, connection):
        return self.deputy.must("GET", f"/v1/connections/{connection['id']}")["state"]

    def wait_for_state(self, connection, *states, seconds=20):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            now = self.deputy.must("GET", f"/v1/connections/{connection['id']}")
            if now["state"] in states:
                return now
            time.sleep(0.02)
        raise AssertionError(f"still {now['state']}, not {states}: {self.verification(connection)}")

    def verification(self, connection):
        items = self.deputy.must("GET", f"/v1/connections/{connection['id']}/verifications?limit=1")["items"]
        return items[0] if items else None

    def verify(self, connection, seconds=20):
        """Verifies now and waits for the outcome."""
        started = self.deputy.must("POST", f"/v1/connections/{connection['id']}/verifications")
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            now = self.deputy.must("GET", f"/v1/connections/{connection['id']}/verifications/{started['id']}")
            if now["status"] == "done":
                return now
            time.sleep(0.02)
        raise AssertionError(f"not done: {now}")

    def active_connection(self):
        connection = self.connect()
        self.give_role(connection, self.launch(connection))
        return self.wait_for_state(connection, "active")

    def workload_key(self, **grant):
        grants = [{"integration": "log-reader", "tenants": "*", "may": [], **grant}]
        self.deputy.must("PUT", "/v1/workloads/log-loader", {"grants": grants})
        return self.deputy.must("POST", "/v1/keys", {"role": "workload", "workload": "log-loader"})["secret"]

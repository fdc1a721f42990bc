"""The partner's own credentials from every source, by the commands that use them: a sandbox is STS, small servers here are ECS and EC2."""

import base64
import http.server
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import threading
import time
import unittest

import boto3
from botocore import UNSIGNED
from botocore.config import Config

from harness import BINARY, PARTNER_ROLE, REGION, Deputy, Process, Sandbox, seed, trust

EXTERNAL_ID = "4f6c1b1e-2a7d-4c55-9b0e-7d1f0a3c9e42"
ROLES = "/latest/meta-data/iam/security-credentials/"


class Service:
    """An HTTP server whose `answer(method, path, headers)` gives status and body."""

    def __init__(self, answer):
        class Handler(http.server.BaseHTTPRequestHandler):
            def respond(self):
                status, body = answer(self.command, self.path, self.headers)
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body.encode())

            do_GET = do_PUT = do_POST = respond

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Issuer:
    """An OpenID Connect provider, as a Kubernetes cluster is one: its key and the tokens that it signs."""

    name = "oidc.example.com/id/A"
    subject = "system:serviceaccount:deputy:broker"

    def __init__(self, folder):
        self.key = os.path.join(folder, "issuer.key")
        subprocess.run(["openssl", "genrsa", "-out", self.key, "2048"], check=True, capture_output=True)
        self.pem = subprocess.run(["openssl", "rsa", "-in", self.key, "-pubout"], check=True, capture_output=True, text=True).stdout

    def token(self, **claims):
        now = int(time.time())
        parts = [{"alg": "RS256", "kid": "k1"},
                 {"iss": "https://" + self.name, "sub": self.subject, "aud": ["sts.amazonaws.com"], "iat": now, "exp": now + 600, **claims}]

        def encoded(data):
            return base64.urlsafe_b64encode(data).decode().rstrip("=")

        text = ".".join(encoded(json.dumps(part).encode()) for part in parts)
        signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", self.key], input=text.encode(), check=True, capture_output=True).stdout
        return text + "." + encoded(signature)

    def trusted_by_the_partner(self):
        """The sandbox's usual accounts, where the partner's role is for the issuer's subject too."""
        accounts = seed()
        partner = accounts["accounts"][0]
        partner["oidc_providers"] = [{"url": "https://" + self.name, "client_ids": ["sts.amazonaws.com"], "keys": {"k1": self.pem}}]
        partner["roles"][0]["trust_policy"]["Statement"].append({
            "Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
            "Principal": {"Federated": f"arn:aws:iam::111111111111:oidc-provider/{self.name}"},
            "Condition": {"StringEquals": {self.name + ":aud": "sts.amazonaws.com", self.name + ":sub": self.subject}}})
        return accounts


class BaseCredentials(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="deputy-base-")
        cls.issuer = Issuer(cls.folder)
        cls.sandbox = Sandbox(cls.folder, cls.issuer.trusted_by_the_partner())
        cls.role = cls.sandbox.client("iam").create_role(RoleName="reader", AssumeRolePolicyDocument=trust(EXTERNAL_ID))["Role"]["Arn"]

    @classmethod
    def tearDownClass(cls):
        cls.sandbox.process.end()
        shutil.rmtree(cls.folder, ignore_errors=True)

    def setUp(self):
        self.home = tempfile.mkdtemp(dir=self.folder)
        self.deputy = Deputy(self.home, self.sandbox)
        os.mkdir(os.path.join(self.deputy.folder, ".aws"))

    def write(self, name, text):
        path = os.path.join(self.deputy.folder, ".aws", name)
        with open(path, "w") as file:
            file.write(text)
        return path

    def run_command(self, *arguments, **environment):
        return subprocess.run([BINARY, *arguments], env=self.deputy.environment(**environment), cwd=self.deputy.folder, capture_output=True,
                              text=True, timeout=60)

    def serve_with(self, answer):
        service = Service(answer)
        self.addCleanup(service.close)
        return service

    def session(self):
        got = self.sandbox.partner_session()
        return {"AccessKeyId": got["AWS_ACCESS_KEY_ID"], "SecretAccessKey": got["AWS_SECRET_ACCESS_KEY"], "Token": got["AWS_SESSION_TOKEN"],
                "Expiration": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3000))}

    def assert_used(self, source, **environment):
        """`config check` names the source, prints no secret, and `verify` works with what it gives."""
        checked = self.run_command("config", "check", **environment)
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)
        self.assertRegex(checked.stdout, rf"(?m)^  {source} +used: access key `ASIA[A-Z0-9]+`, ")
        self.assertIn("the configuration can be used", checked.stdout)
        for secret in ("sandbox/", "secret-of-the-platform-user"):  # its tokens begin so
            self.assertNotIn(secret, checked.stdout + checked.stderr)
        verified = self.run_command("verify", "--role-arn", self.role, "--external-id", EXTERNAL_ID, "--region", REGION, "--output", "json",
                                    **environment)
        self.assertEqual((verified.returncode, json.loads(verified.stdout)["outcome"]), (0, "passed"), verified.stdout)
        return checked.stdout

    def test_the_environment(self):
        said = self.assert_used("environment", **self.sandbox.partner_session(), AWS_CONTAINER_CREDENTIALS_FULL_URI="http://127.0.0.1:1/")
        self.assertRegex(said, r"(?m)^  container +not asked: environment comes first$")

    def test_a_role_of_a_profile(self):
        self.write("config", f"[profile deputy]\nregion = {REGION}\nrole_arn = {PARTNER_ROLE}\nsource_profile = platform\n")
        self.write("credentials", "[platform]\naws_access_key_id = AKIATEST111111111111\n"
                                  "aws_secret_access_key = secret-of-the-platform-user-00000000\n")
        said = self.assert_used("shared files", AWS_PROFILE="deputy")
        self.assertRegex(said, r"(?m)^  environment +not there: AWS_ACCESS_KEY_ID is not set$")
        self.assertIn("customers' credentials last an hour at most", said)

    def test_a_process(self):
        session = self.session()
        document = {"Version": 1, **session, "SessionToken": session.pop("Token")}
        program = self.write("get credentials", f"#!/bin/sh\ncat <<'END'\n{json.dumps(document)}\nEND\n")
        os.chmod(program, stat.S_IRWXU)
        self.write("config", f"[default]\ncredential_process = '{program}'\n")
        self.assert_used("shared files")

    def web_identity(self, **claims):
        return {"AWS_WEB_IDENTITY_TOKEN_FILE": self.write("web-identity-token", self.issuer.token(**claims)), "AWS_ROLE_ARN": PARTNER_ROLE,
                "AWS_ROLE_SESSION_NAME": "pod-7"}

    def test_a_web_identity(self):
        self.assert_used("web identity", **self.web_identity())

    def test_the_service_runs_on_a_web_identity(self):
        environment = self.web_identity()
        self.deputy.sandbox = type("NoSession", (), {"url": self.sandbox.url, "partner_session": lambda self: environment})()
        self.deputy.start()
        self.assertEqual(self.deputy.call("GET", "/readyz").status, 200)
        self.assertEqual(self.deputy.stop(), 0)

    def test_a_web_identity_that_sts_does_not_take(self):
        for claims, why in (({"exp": int(time.time()) - 1}, "ExpiredTokenException"), ({"aud": "others"}, "InvalidIdentityToken"),
                            ({"sub": "system:serviceaccount:deputy:other"}, "AccessDenied")):
            environment = self.web_identity(**claims)
            checked = self.run_command("config", "check", **environment)
            self.assertEqual(checked.returncode, 1, checked.stdout)
            self.assertRegex(checked.stdout, rf"(?m)^  web identity +broken: sts:AssumeRoleWithWebIdentity of {PARTNER_ROLE}: `{why}` ")
            with open(environment["AWS_WEB_IDENTITY_TOKEN_FILE"]) as file:
                self.assertNotIn(file.read(), checked.stdout + checked.stderr)

    def test_awss_own_clients_assume_a_role_with_a_web_identity(self):
        token = self.issuer.token()
        sts = boto3.client("sts", region_name=REGION, endpoint_url=self.sandbox.url, config=Config(signature_version=UNSIGNED))
        got = sts.assume_role_with_web_identity(RoleArn=PARTNER_ROLE, RoleSessionName="pod-7", WebIdentityToken=token)
        self.assertEqual((got["SubjectFromWebIdentityToken"], got["Provider"], got["Audience"]),
                         (self.issuer.subject, "https://" + self.issuer.name, "sts.amazonaws.com"))
        credentials = got["Credentials"]
        session = self.sandbox.client("sts", credentials=(credentials["AccessKeyId"], credentials["SecretAccessKey"], credentials["SessionToken"]))
        self.assertEqual(session.get_caller_identity()["Arn"], "arn:aws:sts::111111111111:assumed-role/deputy-broker/pod-7")
        for claims, error in (({"exp": 1}, sts.exceptions.ExpiredTokenException), ({"aud": "others"}, sts.exceptions.InvalidIdentityTokenException)):
            with self.assertRaises(error):
                sts.assume_role_with_web_identity(RoleArn=PARTNER_ROLE, RoleSessionName="pod-7", WebIdentityToken=self.issuer.token(**claims))
        with_cli = subprocess.run(["/usr/bin/aws", "sts", "assume-role-with-web-identity", "--role-arn", PARTNER_ROLE, "--role-session-name", "cli",
                                   "--web-identity-token", token, "--region", REGION, "--endpoint-url", self.sandbox.url, "--output", "json"],
                                  env=self.deputy.environment(), capture_output=True, text=True, timeout=60)
        self.assertEqual(with_cli.returncode, 0, with_cli.stderr)
        self.assertTrue(json.loads(with_cli.stdout)["AssumedRoleUser"]["Arn"].endswith("assumed-role/deputy-broker/cli"))

    def give_endless_program(self):
        """A credential_process that never ends by itself; returns the pipe that has its process ID once it has begun."""
        began, hold = (os.path.join(self.home, name) for name in ("began", "hold"))
        for name in (began, hold):
            os.mkfifo(name)
        program = self.write("slow", f"#!/bin/sh\necho $$ > '{began}'\nread never < '{hold}'\n")
        os.chmod(program, stat.S_IRWXU)
        self.write("config", f"[default]\ncredential_process = '{program}'\n")
        return began

    def test_a_slow_process_does_not_hold_up_the_end(self):
        """It has begun, and would never end by itself; nor does the service wait for it when it is told to stop."""
        began = self.give_endless_program()
        process = Process([BINARY, "serve"], self.deputy.environment(), self.deputy.folder)
        with open(began) as file:
            child = int(file.read())
        self.assertEqual(process.end(signal.SIGTERM), 0, process.output())
        self.assertIn("stopped before it listened", process.output())
        with self.assertRaises(ProcessLookupError):
            os.kill(child, 0)

    def test_a_silent_sts_does_not_hold_up_the_end(self):
        silent = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(silent.close)
        environment = self.deputy.environment(**self.sandbox.partner_session(), AWS_ENDPOINT_URL=f"http://127.0.0.1:{silent.getsockname()[1]}")
        process = Process([BINARY, "serve"], environment, self.deputy.folder)
        asking, _ = silent.accept()
        self.addCleanup(asking.close)
        self.assertEqual(process.end(signal.SIGTERM), 0, process.output())
        self.assertIn("stopped before it listened", process.output())

    def test_a_container(self):
        token = self.write("token", "the-token")
        session = self.session()
        service = self.serve_with(lambda method, path, headers: (200, json.dumps(session))
                                  if (method, path, headers["Authorization"]) == ("GET", "/v1/credentials", "the-token") else (403, "{}"))
        self.assert_used("container", AWS_CONTAINER_CREDENTIALS_FULL_URI=service.url + "/v1/credentials",
                         AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=token)

    def test_an_instance(self):
        session = {"Code": "Success", "Type": "AWS-HMAC", **self.session()}

        def answer(method, path, headers):
            if (method, path) == ("PUT", "/latest/api/token"):
                return 200, "metadata-token"
            if headers["X-aws-ec2-metadata-token"] != "metadata-token":
                return 401, ""
            return {ROLES: (200, "deputy-broker"), ROLES + "deputy-broker": (200, json.dumps(session))}.get(path, (404, ""))

        service = self.serve_with(answer)
        self.assert_used("instance metadata", AWS_EC2_METADATA_DISABLED="false", AWS_EC2_METADATA_SERVICE_ENDPOINT=service.url)

    def test_the_service_runs_on_a_profile(self):
        self.write("config", f"[default]\nregion = {REGION}\nrole_arn = {PARTNER_ROLE}\ncredential_source = Environment\n")
        environment = {"AWS_PROFILE": "default", "AWS_ACCESS_KEY_ID": "AKIATEST111111111111",
                       "AWS_SECRET_ACCESS_KEY": "secret-of-the-platform-user-00000000"}
        # The environment comes first: its keys are a user's, and no principal that customers trust.
        refused = self.run_command("serve", **environment)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("not those of a role", refused.stderr)
        self.write("config", f"[default]\nregion = {REGION}\nrole_arn = {PARTNER_ROLE}\nsource_profile = platform\n"
                             "[profile platform]\ncredential_process = /bin/false\n")
        broken = self.run_command("serve")
        self.assertEqual(broken.returncode, 3)
        self.assertIn("profile `platform`, `credential_process`: the process ended with status 1", broken.stderr)
        self.write("credentials", "[platform]\naws_access_key_id = AKIATEST111111111111\n"
                                  "aws_secret_access_key = secret-of-the-platform-user-00000000\n")
        self.deputy.sandbox = type("NoSession", (), {"url": self.sandbox.url, "partner_session": lambda self: {}})()
        self.deputy.start()
        self.assertEqual(self.deputy.call("GET", "/readyz").status, 200)
        self.assertEqual(self.deputy.stop(), 0)

    def test_a_broken_source_is_a_finding_and_no_other_steps_in(self):
        self.write("config", "[default]\nsso_session = corporate\n")
        service = self.serve_with(lambda *_: (200, json.dumps(self.session())))
        checked = self.run_command("config", "check", AWS_CONTAINER_CREDENTIALS_FULL_URI=service.url)
        self.assertEqual(checked.returncode, 1)
        self.assertRegex(checked.stdout, r"(?m)^  shared files +broken: profile `default`: `sso_session` is not supported.*export-credentials")
        self.assertRegex(checked.stdout, r"(?m)^  container +not asked: shared files comes first$")

    def test_metadata_that_are_switched_off_are_no_fault(self):
        service = self.serve_with(lambda *_: (403, ""))
        checked = self.run_command("config", "check", AWS_EC2_METADATA_DISABLED="false", AWS_EC2_METADATA_SERVICE_ENDPOINT=service.url)
        self.assertEqual(checked.returncode, 0, checked.stdout)
        self.assertRegex(checked.stdout, r"(?m)^  instance metadata +not there: the metadata service gives no tokens \(403\): it is switched off")

    def test_without_any_it_says_why_and_does_not_wait_long(self):
        begun = time.monotonic()
        # An address that nobody answers at: a documentation network.
        checked = self.run_command("config", "check", AWS_EC2_METADATA_DISABLED="false", AWS_EC2_METADATA_SERVICE_ENDPOINT="http://192.0.2.1")
        self.assertLess(time.monotonic() - begun, 20)
        self.assertEqual(checked.returncode, 0, checked.stdout)
        for source in ("environment", "shared files", "web identity", "container", "instance metadata"):
            self.assertRegex(checked.stdout, rf"(?m)^  {source} +not there: ")
        self.assertTrue(checked.stdout.endswith("note: there are none here: the service starts only where there are some\n"
                                                "the configuration can be used on a machine that has AWS credentials\n"), checked.stdout)

    def test_shared_files_that_cannot_be_used_are_told_with_every_source(self):
        self.write("config", "[default]\nregion = eu-central-1\n[broken\n")
        for more, told in (({}, "config, line 3"), ({"AWS_PROFILE": "nope"}, "config, line 3"), ({"AWS_CONFIG_FILE": "/none", "AWS_PROFILE": "nope"}, "profile `nope`")):
            for place in ({}, {"AWS_ENDPOINT_URL": ""}):  # read for the endpoint too, or not
                checked = self.run_command("config", "check", **more, **place)
                self.assertEqual(checked.returncode, 1, checked.stdout)
                self.assertRegex(checked.stdout, r"(?m)^  environment +not there: ")
                self.assertRegex(checked.stdout, rf"(?m)^  shared files +broken: .*{told}")
                self.assertRegex(checked.stdout, r"(?m)^  instance metadata +not asked: shared files comes first")
        # The environment wins, and still nothing starts with such a file.
        checked = self.run_command("config", "check", AWS_ENDPOINT_URL="", AWS_PROFILE="nope", AWS_CONFIG_FILE="/none", **self.sandbox.partner_session())
        self.assertEqual(checked.returncode, 1, checked.stdout)
        self.assertTrue(checked.stdout.startswith("profile `nope` (AWS_PROFILE) is neither in "), checked.stdout)
        self.assertRegex(checked.stdout, r"(?m)^  environment +used: ")
        self.assertNotIn("can be used", checked.stdout)

    def test_a_process_that_the_check_did_not_wait_for_is_not_called_broken(self):
        began = self.give_endless_program()
        process = Process([BINARY, "config", "check"], self.deputy.environment(), self.deputy.folder)
        with open(began) as file:
            file.read()
        self.assertEqual(process.end(signal.SIGTERM), 3, process.output())
        self.assertRegex(process.output(), r"(?m)^  shared files +not known: the check was stopped$")
        self.assertNotIn("broken", process.output())


if __name__ == "__main__":
    unittest.main()

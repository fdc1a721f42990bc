"""AWS clients as they are get a customer's credentials from Deputy: AWS CLI, boto3, the SDK for JavaScript."""

import json
import os
import shutil
import stat
import struct
import subprocess
import tempfile
import threading
import time
import unittest
import unittest.mock

from harness import BINARY, REGION, ServerTest

HERE = os.path.dirname(os.path.abspath(__file__))
# Node looks for packages beside the program: it is copied to where they are installed.
JAVASCRIPT = os.environ["DEPUTY_TEST_JAVASCRIPT"]
ACME = {"buckets": ["acme-assets", "acme-invoices"], "logs": ["GET /cart 200"]}
GLOBEX = {"buckets": ["globex-archive"], "logs": ["reactor at 98 %"]}
OTHER_ACCOUNT = "333333333333"


class Program:
    """One of clients/customers.*: runs on, and goes through its customers when it is told to."""

    def __init__(self, command, endpoint, profiles, environment):
        self.process = subprocess.Popen([*command, endpoint, REGION, *profiles], env=environment, text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.errors = []
        self.reader = threading.Thread(target=lambda: self.errors.extend(self.process.stderr), daemon=True)
        self.reader.start()

    def look(self):
        self.process.stdin.write("look\n")
        self.process.stdin.flush()
        too_long = threading.Timer(60, self.process.kill)
        too_long.start()
        line = self.process.stdout.readline()
        too_long.cancel()
        if not line:
            raise AssertionError("the program ended:\n" + "".join(self.errors))
        return json.loads(line)

    def end(self):
        self.process.stdin.close()
        self.process.wait(timeout=30)
        self.reader.join(timeout=10)
        self.process.stdout.close()
        self.process.stderr.close()


class SdkTest(ServerTest):
    def setUp(self):
        super().setUp()
        self.home = os.path.join(self.folder, "home")
        os.mkdir(self.home)
        self.connection = self.active_connection()
        self.key = self.workload_key()

    def environment(self, **more):
        """Of a workload: no AWS credentials in it, and no AWS_ENDPOINT_URL, which these versions know or not."""
        given = self.deputy.environment(HOME=self.home, DEPUTY_URL=self.deputy.url, **more)
        del given["AWS_ENDPOINT_URL"]
        return given

    def container(self, **more):
        return self.environment(AWS_CONTAINER_CREDENTIALS_FULL_URI=f"{self.deputy.url}/v1/credentials/{self.connection['id']}", **more)

    def program(self, language, environment, *profiles):
        if language == "boto3":
            command = ["/usr/bin/python3", "-B", os.path.join(HERE, "clients", "customers.py")]
        else:
            shutil.copy(os.path.join(HERE, "clients", "customers.mjs"), JAVASCRIPT)
            command = ["node", os.path.join(JAVASCRIPT, "customers.mjs")]
        program = Program(command, self.sandbox.url, profiles, environment)
        self.addCleanup(program.end)
        return program

    def aws(self, environment, *arguments):
        return subprocess.run(["/usr/bin/aws", "--endpoint-url", self.sandbox.url, "--region", REGION, "--output", "json", *arguments],
                              env=environment, capture_output=True, text=True, timeout=60)

    def list_with_cli(self, environment, *options):
        listed = self.aws(environment, *options, "s3api", "list-buckets", "--query", "Buckets[].Name")
        self.assertEqual(listed.returncode, 0, listed.stderr)
        read = self.aws(environment, *options, "logs", "filter-log-events", "--log-group-name", "/acme/webshop", "--query", "events[].message")
        self.assertEqual(read.returncode, 0, read.stderr)
        return {"buckets": json.loads(listed.stdout), "logs": json.loads(read.stdout)}

    def see(self, seen, expected):
        self.assertNotIn("error", seen, seen)
        self.assertEqual({name: seen[name] for name in expected}, expected)
        return seen["key"]

    def second_customer(self):
        s3, logs = self.sandbox.client("s3", OTHER_ACCOUNT), self.sandbox.client("logs", OTHER_ACCOUNT)
        s3.create_bucket(Bucket=GLOBEX["buckets"][0], CreateBucketConfiguration={"LocationConstraint": REGION})
        logs.create_log_group(logGroupName="/globex/plant")
        logs.create_log_stream(logGroupName="/globex/plant", logStreamName="1")
        logs.put_log_events(logGroupName="/globex/plant", logStreamName="1", logEvents=[{"timestamp": int(time.time() * 1000), "message": GLOBEX["logs"][0]}])
        connection = self.connect("Globex")
        self.give_role(connection, self.launch(connection, OTHER_ACCOUNT))
        return self.wait_for_state(connection, "active")

    def write_profile(self, connection, name, *options):
        written = subprocess.run([BINARY, "profile", connection["id"], "--name", name, *options], env=self.environment(), capture_output=True, text=True)
        self.assertEqual(written.returncode, 0, written.stderr)

    def token_file(self, token):
        path = os.path.join(self.home, "token")
        replacement = path + ".new"
        with open(replacement, "w", opener=lambda name, flags: os.open(name, flags, stat.S_IRUSR | stat.S_IWUSR)) as file:
            file.write(token)
        os.replace(replacement, path)
        return path


class Container(SdkTest):
    """AWS_CONTAINER_CREDENTIALS_FULL_URI with a token, or the file of one."""

    def test_aws_cli(self):
        self.assertEqual(self.list_with_cli(self.container(AWS_CONTAINER_AUTHORIZATION_TOKEN=self.key)), ACME)

    def test_boto3(self):
        program = self.program("boto3", self.container(AWS_CONTAINER_AUTHORIZATION_TOKEN=self.key))
        self.see(program.look()[""], ACME)

    def test_javascript_with_a_token(self):
        program = self.program("javascript", self.container(AWS_CONTAINER_AUTHORIZATION_TOKEN=self.key))
        self.see(program.look()[""], ACME)

    def test_javascript_with_a_file_of_the_token(self):
        program = self.program("javascript", self.container(AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=self.token_file(self.key)))
        self.see(program.look()[""], ACME)

    def test_a_refusal_reaches_the_user(self):
        environment = self.container(AWS_CONTAINER_AUTHORIZATION_TOKEN="dpk_workload_" + "x" * 40)
        refused = self.aws(environment, "s3api", "list-buckets")
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("401", refused.stderr)
        self.assertNotIn("dpk_workload_", refused.stderr)
        seen = self.program("javascript", environment).look()[""]
        self.assertIn("error", seen)


class Tls(SdkTest):
    """The same over https, for what knows it."""

    def setUp(self):
        super().setUp()
        self.deputy.stop()
        self.certificate = self.deputy.use_tls()
        self.deputy.start()

    def test_javascript_with_a_file_of_the_token(self):
        environment = self.container(AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=self.token_file(self.key), NODE_EXTRA_CA_CERTS=self.certificate)
        self.assertTrue(environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"].startswith("https://"))
        self.see(self.program("javascript", environment).look()[""], ACME)

    def test_javascript_refuses_a_certificate_that_it_does_not_trust(self):
        seen = self.program("javascript", self.container(AWS_CONTAINER_AUTHORIZATION_TOKEN=self.key)).look()[""]
        self.assertIn("error", seen)

    def test_credential_process_in_boto3(self):
        self.write_profile(self.connection, "acme", "--region", REGION)
        environment = self.environment(DEPUTY_KEY=self.key, DEPUTY_CA_FILE=self.certificate)
        self.see(self.program("boto3", environment, "acme").look()["acme"], ACME)


class Profiles(SdkTest):
    """credential_process: several customers in one program."""

    def setUp(self):
        super().setUp()
        self.write_profile(self.connection, "acme", "--key-file", self.token_file(self.key))
        self.write_profile(self.second_customer(), "globex")

    def test_aws_cli(self):
        self.assertEqual(self.list_with_cli(self.environment(), "--profile", "acme"), ACME)
        with_key = self.environment(DEPUTY_KEY=self.key)
        listed = self.aws(with_key, "--profile", "globex", "s3api", "list-buckets", "--query", "Buckets[].Name")
        self.assertEqual(json.loads(listed.stdout), GLOBEX["buckets"], listed.stderr)
        refused = self.aws(self.environment(), "--profile", "globex", "s3api", "list-buckets")
        self.assertIn("DEPUTY_KEY", refused.stderr)

    def test_two_customers_in_one_program_in_boto3(self):
        self.two_customers("boto3")

    def test_two_customers_in_one_program_in_javascript(self):
        self.two_customers("javascript")

    def two_customers(self, language):
        seen = self.program(language, self.environment(DEPUTY_KEY=self.key), "acme", "globex").look()
        self.assertNotEqual(self.see(seen["acme"], ACME), self.see(seen["globex"], GLOBEX))

    def test_a_path_with_a_space_works_in_every_client(self):
        folder = os.path.join(self.home, "my tools (x)")
        os.mkdir(folder)
        os.symlink(BINARY, os.path.join(folder, "deputy"))
        os.environ["PATH"], before = folder + os.pathsep + os.environ["PATH"], os.environ["PATH"]
        self.addCleanup(os.environ.__setitem__, "PATH", before)
        spaced = os.path.join(folder, "key file")
        shutil.copy(self.token_file(self.key), spaced)
        self.write_profile(self.connection, "spaced", "--key-file", spaced)
        with open(os.path.join(self.home, ".aws", "config")) as file:
            self.assertIn(f'"{folder}/deputy" credentials', file.read())
        self.assertEqual(self.list_with_cli(self.environment(), "--profile", "spaced"), ACME)
        for language in ("boto3", "javascript"):
            self.see(self.program(language, self.environment(), "spaced").look()["spaced"], ACME)


class MovedClock(SdkTest):
    """Everybody's clock (client's, Deputy's, the sandbox's) is moved while the client runs: its credentials near their end, and it refreshes them.

    botocore does so from 15 minutes before the end, the JavaScript SDK from 5 minutes."""

    def setUp(self):
        descriptor, self.clock_file = tempfile.mkstemp()
        os.close(descriptor)
        self.addCleanup(os.remove, self.clock_file)
        self.move_clock(0)
        moved = {"LD_PRELOAD": os.environ["DEPUTY_TEST_CLOCK"], "DEPUTY_TEST_CLOCK_FILE": self.clock_file}
        patch = unittest.mock.patch.dict(os.environ, moved)
        patch.start()
        self.addCleanup(patch.stop)
        super().setUp()

    def environment(self, **more):
        return {**super().environment(**more), "DEPUTY_TEST_CLOCK_FILE": self.clock_file}

    def move_clock(self, minutes):
        with open(self.clock_file, "r+b") as file:
            file.write(struct.pack("q", minutes * 60))

    def refreshes(self, program, minutes, profile=""):
        first = self.see(program.look()[profile], ACME)
        self.move_clock(minutes - 2)
        self.assertEqual(self.see(program.look()[profile], ACME), first)
        self.move_clock(minutes)
        self.see_others_than(first, program, profile)

    def see_others_than(self, first, program, profile=""):
        """The JavaScript SDK fetches the new ones while it still uses the old ones: a later look shows them."""
        for _ in range(20):
            if self.see(program.look()[profile], ACME) != first:
                return
        self.fail("the credentials are still those from before")

    def test_boto3_refreshes_from_the_container_endpoint(self):
        self.refreshes(self.program("boto3", self.container(AWS_CONTAINER_AUTHORIZATION_TOKEN=self.key)), 46)

    def test_boto3_refreshes_with_credential_process(self):
        self.write_profile(self.connection, "acme")
        self.refreshes(self.program("boto3", self.environment(DEPUTY_KEY=self.key), "acme"), 46, "acme")

    def test_javascript_refreshes_from_the_container_endpoint(self):
        self.refreshes(self.program("javascript", self.container(AWS_CONTAINER_AUTHORIZATION_TOKEN=self.key)), 56)

    def test_javascript_refreshes_with_credential_process(self):
        self.write_profile(self.connection, "acme")
        self.refreshes(self.program("javascript", self.environment(DEPUTY_KEY=self.key), "acme"), 56, "acme")

    def test_javascript_reads_the_token_file_again(self):
        old, new = (self.deputy.must("POST", "/v1/keys", {"role": "workload", "workload": "log-loader"}) for _ in range(2))
        program = self.program("javascript", self.container(AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=self.token_file(old["secret"])))
        first = self.see(program.look()[""], ACME)
        self.token_file(new["secret"])
        self.assertEqual(self.deputy.call("DELETE", f"/v1/keys/{old['id']}").status, 204)
        self.move_clock(56)
        self.see_others_than(first, program)


if __name__ == "__main__":
    unittest.main()

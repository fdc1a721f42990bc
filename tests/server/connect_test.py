"""From an empty database to credentials, through the HTTP API of a real process, with real AWS clients."""

import json
import subprocess
import unittest

import harness
from harness import PARTNER_ROLE, ServerTest, trust


class Connect(ServerTest):
    def test_a_connection_becomes_active_and_its_credentials_work(self):
        connection = self.active_connection()
        self.assertEqual(connection["proof"], "proved")
        self.assertEqual(connection["account_id"], "222222222222")
        got = self.deputy.must("POST", f"/v1/connections/{connection['id']}/credentials", {"reason": "test"}, self.workload_key())
        self.assertTrue(got["access_key_id"].startswith("ASIA"))
        three_values = (got["access_key_id"], got["secret_access_key"], got["session_token"])
        buckets = self.sandbox.client("s3", credentials=three_values).list_buckets()["Buckets"]
        self.assertEqual([bucket["Name"] for bucket in buckets], ["acme-assets", "acme-invoices"])
        events = self.sandbox.client("logs", credentials=three_values).filter_log_events(logGroupName="/acme/webshop")["events"]
        self.assertEqual([event["message"] for event in events], ["GET /cart 200"])
        issuances = self.deputy.must("GET", f"/v1/connections/{connection['id']}/issuances")["items"]
        self.assertEqual([issuance["access_key_id"] for issuance in issuances], [got["access_key_id"]])

    def test_a_role_without_the_condition_is_rejected_with_what_to_do(self):
        connection = self.connect()
        self.give_role(connection, self.make_role("open", trust()))
        self.wait_for_state(connection, "rejected")
        failed = [check for check in self.verification(connection)["checks"] if check["result"] == "failed"]
        self.assertEqual([check["name"] for check in failed], ["external_id_required"])
        self.assertIn(connection["external_id"], failed[0]["mend"])
        refused = self.deputy.call("POST", f"/v1/connections/{connection['id']}/credentials", {})
        self.assertEqual((refused.status, refused.body["code"]), (409, "connection_not_active"))

    def test_a_wildcard_in_the_condition_is_rejected(self):
        connection = self.connect()
        policy = json.loads(trust(connection["external_id"]))
        policy["Statement"][0]["Condition"] = {"StringLike": {"sts:ExternalId": connection["external_id"][:8] + "*"}}
        self.give_role(connection, self.make_role("prefix", json.dumps(policy)))
        self.wait_for_state(connection, "rejected")

    def test_drift_suspends_and_repair_resumes(self):
        connection = self.connect()
        self.give_role(connection, self.make_role("reader", trust(connection["external_id"])))
        self.wait_for_state(connection, "active")
        iam = self.sandbox.client("iam")
        iam.update_assume_role_policy(RoleName="reader", PolicyDocument=trust())
        self.assertEqual(self.verify(connection)["outcome"], "failed")
        self.assertEqual(self.state(connection), "suspended")
        refused = self.deputy.call("POST", f"/v1/connections/{connection['id']}/credentials", {})
        self.assertEqual(refused.body["code"], "connection_not_active")
        iam.update_assume_role_policy(RoleName="reader", PolicyDocument=trust(connection["external_id"]))
        self.assertEqual(self.verify(connection)["outcome"], "passed")
        self.assertEqual(self.state(connection), "active")

    def test_rotation_has_no_moment_without_access(self):
        connection = self.connect()
        old = connection["external_id"]
        self.give_role(connection, self.make_role("reader", trust(old)))
        self.wait_for_state(connection, "active")
        path = f"/v1/connections/{connection['id']}"
        iam = self.sandbox.client("iam")

        def works():
            self.deputy.must("POST", path + "/credentials", {})

        begun = self.deputy.must("POST", path + "/external-id/rotation")
        new = begun["rotation"]["next_external_id"]
        self.assertNotEqual(new, old)
        works()
        self.assertEqual(self.deputy.call("POST", path + "/external-id/rotation/promotion").status, 409)
        iam.update_assume_role_policy(RoleName="reader", PolicyDocument=trust(old, new))
        self.assertEqual(self.verify(connection)["outcome"], "passed")
        works()
        promoted = self.deputy.must("POST", path + "/external-id/rotation/promotion")
        self.assertEqual((promoted["external_id"], promoted["rotation"]["state"]), (new, "retiring"))
        works()
        iam.update_assume_role_policy(RoleName="reader", PolicyDocument=trust(new))
        self.assertEqual(self.verify(connection)["outcome"], "passed")
        self.assertIsNone(self.deputy.must("GET", path)["rotation"])
        works()

    def test_mallory_does_not_learn_whether_acmes_role_exists(self):
        acme = self.active_connection()
        mallory = self.connect("Mallory")

        def answer_to(role_arn):
            self.give_role(mallory, role_arn)
            self.wait_for_state(mallory, "rejected")
            return [(check["name"], check["result"], check["message"], check["mend"]) for check in self.verification(mallory)["checks"]]

        self.assertEqual(answer_to(acme["role_arn"]), answer_to("arn:aws:iam::222222222222:role/no-such-role"))

    def test_mallory_does_not_learn_that_acmes_account_has_an_open_role(self):
        self.active_connection()
        mallory = self.connect("Mallory")
        open_role = self.make_role("open", trust())

        def answer_to(role_arn):
            self.give_role(mallory, role_arn)
            self.wait_for_state(mallory, "rejected")
            return [(check["name"], check["result"], check["message"], check["mend"]) for check in self.verification(mallory)["checks"]]

        self.assertEqual(answer_to(open_role), answer_to("arn:aws:iam::222222222222:role/no-such-role"))

    def test_an_account_that_is_another_tenants_goes_to_review(self):
        self.active_connection()
        other = self.connect("Other")
        self.give_role(other, self.make_role("second", trust(other["external_id"])))
        self.wait_for_state(other, "in_review")
        self.assertEqual(self.deputy.call("POST", f"/v1/connections/{other['id']}/credentials", {}).status, 409)
        self.deputy.must("POST", f"/v1/connections/{other['id']}/release")
        self.assertEqual(self.state(other), "active")

    def test_disconnecting_ends_it(self):
        connection = self.active_connection()
        path = f"/v1/connections/{connection['id']}"
        self.deputy.must("POST", path + "/credentials", {})
        self.assertEqual(self.deputy.call("DELETE", path).status, 204)
        self.assertEqual(self.deputy.call("DELETE", path).status, 204)
        for method, rest, body in (("POST", "/credentials", {}), ("PUT", "/role", {"role_arn": connection["role_arn"]}),
                                   ("GET", "/template?format=cloudformation", None), ("POST", "/verifications", None)):
            answer = self.deputy.call(method, path + rest, body)
            self.assertEqual((answer.status, answer.body["code"]), (409, "connection_disconnected"), method + rest)

    def test_the_three_templates_make_roles_that_pass(self):
        connection = self.connect()
        script = self.deputy.call("GET", f"/v1/connections/{connection['id']}/template?format=aws-cli").text
        admin = {"AWS_ACCESS_KEY_ID": "AKIATEST222222222222", "AWS_SECRET_ACCESS_KEY": "secret-of-the-administrator-of-222222222222",
                 "AWS_DEFAULT_REGION": harness.REGION}
        # Debian's AWS CLI does not know AWS_ENDPOINT_URL: a function of the same name gives it the sandbox.
        wrapped = f'aws() {{ /usr/bin/aws --endpoint-url {self.sandbox.url} "$@"; }}\n' + script
        made = subprocess.run(["sh"], input=wrapped, env=self.deputy.environment(**admin), capture_output=True, text=True, timeout=120)
        self.assertEqual(made.returncode, 0, made.stderr)
        self.give_role(connection, made.stdout.strip().splitlines()[-1])
        self.wait_for_state(connection, "active")

    def test_the_partners_own_account_is_refused(self):
        connection = self.connect()
        answer = self.deputy.call("PUT", f"/v1/connections/{connection['id']}/role", {"role_arn": PARTNER_ROLE})
        self.assertEqual((answer.status, answer.body["code"]), (400, "role_arn_forbidden"))

    def test_the_container_protocol_serves_the_aws_cli(self):
        connection = self.active_connection()
        environment = self.deputy.environment(AWS_CONTAINER_CREDENTIALS_FULL_URI=f"{self.deputy.url}/v1/credentials/{connection['id']}",
                                              AWS_CONTAINER_AUTHORIZATION_TOKEN=self.workload_key(), AWS_DEFAULT_REGION=harness.REGION)
        listed = subprocess.run(["/usr/bin/aws", "--endpoint-url", self.sandbox.url, "s3api", "list-buckets", "--query", "Buckets[].Name", "--output", "json"],
                                env=environment, capture_output=True, text=True, timeout=60)
        self.assertEqual(listed.returncode, 0, listed.stderr)
        self.assertEqual(json.loads(listed.stdout), ["acme-assets", "acme-invoices"])


if __name__ == "__main__":
    unittest.main()

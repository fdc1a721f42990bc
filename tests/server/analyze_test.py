"""`deputy analyze`, as a person at a terminal and a program in a pipeline use it. No server, no AWS."""

import json
import os
import subprocess
import tempfile
import unittest
import urllib.parse

BINARY = os.environ["DEPUTY_BINARY"]
CORPUS = os.path.join(os.path.dirname(__file__), "..", "..", "corpus", "trust-policies")
ID = "4f6c1b1e-2a7d-4c55-9b0e-7d1f0a3c9e42"
PRINCIPAL = "arn:aws:iam::111111111111:role/deputy-broker"


def trust(condition, principal=PRINCIPAL):
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole", "Condition": condition}]}


EXACT = trust({"StringEquals": {"sts:ExternalId": ID}})
PREFIX = trust({"StringLike": {"sts:ExternalId": "4f6c1b1e*"}})


def analyze(text, *arguments, file="-"):
    if not isinstance(text, str):
        text = json.dumps(text)
    return subprocess.run([BINARY, "analyze", file, "--external-id", ID, "--principal", PRINCIPAL, *arguments],
                          input=text.encode("utf-8", "surrogateescape"), capture_output=True, timeout=60, env={"PATH": os.environ["PATH"]})


def analyze_json(text, *arguments):
    done = analyze(text, "--output", "json", *arguments)
    return done.returncode, json.loads(done.stdout)


class Analyze(unittest.TestCase):
    def test_the_whole_corpus(self):
        corpus = {"cases": []}
        for name in ("cases.json", "adversarial.json"):
            with open(os.path.join(CORPUS, name), encoding="utf-8") as file:
                read = json.load(file)
            corpus = {**read, "cases": corpus["cases"] + read["cases"]}
        for case in corpus["cases"]:
            with self.subTest(case["id"]):
                status, found = analyze_json(case.get("text", case.get("policy")), "--account", corpus["customer_account"])
                self.assertIn(found["verdict"], [case["verdict"], *case.get("also_accepted", [])])
                self.assertEqual(status, 0 if found["verdict"] == "safe" else 1)
                if found["verdict"] == "unsafe":
                    self.assertTrue(found["witness"] or case["verdict"] != "unsafe", "what is open can be shown")
                else:
                    self.assertIsNone(found["witness"])
                if found["mend"] is None:
                    self.assertIn(case["id"] if found["verdict"] == "invalid" else found["verdict"], ("not-json", "safe"))
                else:
                    self.assertEqual(analyze_json(found["mend"], "--account", corpus["customer_account"])[1]["verdict"], "safe")

    def test_what_json_holds(self):
        status, found = analyze_json(PREFIX)
        self.assertEqual(status, 1)
        self.assertEqual(list(found), ["verdict", "findings", "witness", "mend", "mend_removed"])
        self.assertEqual({key: found["findings"][0][key] for key in ("code", "weight", "statement")},
                         {"code": "external_id_not_exact", "weight": "unsafe", "statement": 1})
        witness = found["witness"]
        self.assertEqual(list(witness), ["principal", "action", "context"])
        self.assertEqual(witness["principal"], "arn:aws:sts::111111111111:assumed-role/deputy-broker/any-session")
        self.assertEqual((witness["action"], witness["context"]["sts:ExternalId"]), ("sts:AssumeRole", ["4f6c1b1e"]))
        self.assertEqual(json.loads(found["mend"])["Statement"][0]["Condition"], {"StringEquals": {"sts:ExternalId": ID}})
        self.assertEqual(analyze_json(EXACT), (0, {"verdict": "safe", "findings": [], "witness": None, "mend": None, "mend_removed": []}))

    def test_text_for_people(self):
        shown = analyze(PREFIX).stdout.decode("ascii")
        self.assertTrue(shown.startswith("unsafe: "), shown)
        for part in ("external_id_not_exact", "This request is accepted and should not be:", "    sts:ExternalId  4f6c1b1e\n", '"StringEquals": {'):
            self.assertIn(part, shown)
        mend = shown[shown.index("\n{\n"):]
        self.assertEqual(analyze(mend).returncode, 0, "the mend can be pasted")
        strangers = analyze({**EXACT, "Statement": [{**EXACT["Statement"][0], "Sid": "Ci", "Principal": {"AWS": ["999999999999", PRINCIPAL]}}]})
        self.assertIn("  statement 1 (`Ci`) for `999999999999`\n", strangers.stdout.decode("ascii"))
        self.assertIn("could not be read as the trust policy of one role", analyze("Statement: []").stdout.decode("ascii"))
        self.assertIn("replaces everything else", analyze("{}").stdout.decode("ascii"))
        self.assertIn("(none)", analyze(trust({})).stdout.decode("ascii"))

    def test_files_and_other_tools(self):
        role = {"Role": {"RoleName": "x", "Arn": "arn:aws:iam::222222222222:role/x", "AssumeRolePolicyDocument": EXACT}}
        state = {"values": {"root_module": {"resources": [{"address": "aws_iam_role.x", "type": "aws_iam_role", "values": {"assume_role_policy": json.dumps(EXACT)}}]}}}
        template = {"Resources": {"X": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": EXACT}}}}
        for text in (role, state, template, "\ufeff" + json.dumps(role)):
            self.assertEqual(analyze(text).returncode, 0)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "policy.json")
            with open(path, "w") as file:
                json.dump(EXACT, file)
            self.assertEqual(analyze("", file=path).returncode, 0)
        state["values"]["root_module"]["resources"] *= 2
        status, found = analyze_json(state)
        self.assertEqual((status, found["verdict"]), (1, "invalid"))
        self.assertIn("`aws_iam_role.x`", found["findings"][0]["message"])

    def test_a_rotation(self):
        both = trust({"StringEquals": {"sts:ExternalId": [ID, "next-one"]}})
        self.assertEqual(analyze_json(both)[1]["verdict"], "unsafe")
        self.assertEqual(analyze_json(both, "--next-external-id", "next-one")[1]["verdict"], "safe")
        self.assertEqual(analyze_json(EXACT, "--next-external-id", "next-one")[1]["verdict"], "denied")

    def test_the_roles_own_account(self):
        own = {"Version": "2012-10-17", "Statement": EXACT["Statement"] + trust({}, "arn:aws:iam::222222222222:root")["Statement"]}
        self.assertEqual(analyze_json(own)[1]["verdict"], "unsafe")
        self.assertEqual(analyze_json(own, "--account", "222222222222")[1]["verdict"], "safe")

    def test_exit_status_2_is_for_use_alone(self):
        self.assertEqual(analyze("", file="/no/such/file").returncode, 2)
        self.assertEqual(analyze(EXACT, "--account", "1").returncode, 2)
        self.assertEqual(analyze(EXACT, "--next-external-id", "*").returncode, 2)
        self.assertEqual(subprocess.run([BINARY, "analyze", "-"], input=b"", capture_output=True, timeout=60).returncode, 2)
        for text in ("", "{", "\udcff\udcfe", "\0"):
            status, found = analyze_json(text)
            self.assertEqual((status, found["verdict"]), (1, "invalid"))

    def test_hostile_documents_are_answered_like_any_other(self):
        exact = json.dumps(EXACT)
        hostile = {
            "long": exact[:-1] + " " * 65536 + "}",
            "very long": " " * (17 * 1024 * 1024),
            "deep": "[" * 5000 + "]" * 5000,
            "deep in a role": '{"Role":' * 200 + exact + "}" * 200,
            "never closed": '{"a":' * 5000,
            "UTF-16": exact.encode("utf-16").decode("utf-8", "surrogateescape"),
            "byte order mark": "\ufeff" + exact,
            "NUL": exact[:20] + "\0" + exact[20:],
            "NUL at the end": exact + "\0",
            "no UTF-8": exact[:60] + "\udcff\udcfe" + exact[60:],
            "a member twice": exact.replace('"Effect": "Allow"', '"Effect": "Deny", "Effect": "Allow"'),
            "twice by an escape": exact.replace('"Effect": "Allow"', '"Effect": "Deny", "\\u0045ffect": "Allow"'),
            "half a surrogate": exact.replace("sts:ExternalId", "\\ud800"),
            "broken escape": "%7B%2",
            "encoded twice": urllib.parse.quote(urllib.parse.quote(exact)),
        }
        for name, text in hostile.items():
            with self.subTest(name):
                status, found = analyze_json(text)
                self.assertEqual((status, found["verdict"], found["witness"]), (1, "invalid", None))
                if [finding["code"] for finding in found["findings"]] == ["document_unclear"]:
                    self.assertIn(name, ("very long", "UTF-16"))
                    self.assertIsNone(found["mend"])
                    continue
                self.assertEqual([finding["code"] for finding in found["findings"]], ["policy_invalid"])
                self.assertEqual(analyze_json(found["mend"])[1]["verdict"], "safe")
        statements = {**EXACT, "Statement": EXACT["Statement"] * 200}
        self.assertEqual(analyze_json(statements)[1]["verdict"], "unsafe", "too much to prove is not called safe")

    def test_every_form_of_input(self):
        text = json.dumps(EXACT)
        role = {"RoleName": "x", "Arn": "arn:aws:iam::222222222222:role/x", "AssumeRolePolicyDocument": urllib.parse.quote(text)}
        resource = {"address": "aws_iam_role.x", "type": "aws_iam_role", "values": {"assume_role_policy": text}}
        forms = [text, urllib.parse.quote(text), json.dumps(text), {"Role": role}, role, {"Roles": [role]},
                 {"planned_values": {"root_module": {"resources": [resource]}}},
                 {"values": {"root_module": {"child_modules": [{"resources": [resource]}]}}},
                 {"version": 4, "resources": [{"type": "aws_iam_role", "instances": [{"attributes": {"assume_role_policy": text}}]}]},
                 {"Resources": {"X": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": EXACT}}}}]
        for form in forms:
            with self.subTest(str(form)[:40]):
                self.assertEqual(analyze_json(form)[1]["verdict"], "safe")

    def test_a_terminal_takes_no_command_from_a_policy(self):
        hostile = json.dumps(trust({"StringEquals": {"aws:RequestTag/\u009b2J": "\u001b[2J\u202e\u009b"}}))
        for output in ("text", "json"):
            shown = analyze(hostile, "--output", output).stdout
            self.assertTrue(all(byte == 0x0A or 0x20 <= byte < 0x7F for byte in shown), shown)
            self.assertIn(b"\\u202e", shown)


if __name__ == "__main__":
    unittest.main()

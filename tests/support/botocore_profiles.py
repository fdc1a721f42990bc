"""Reads profiles with botocore: a JSON array of cases on standard input, one outcome a line on standard output.

A case is {"config", "credentials", "profile"}: the text of both files and AWS_PROFILE. The outcome is {"error": true}, {"none": true}, or what
botocore would do: {"origin": ..., "roles": [[arn, session name, external ID, duration], ...]}, the role assumed first at the front. Nothing is
called: STS, processes and metadata are replaced by what notes how they were asked. Debian's python3-botocore.
"""
import json
import os
import sys
import tempfile

import botocore.credentials
import botocore.session
from botocore.compat import compat_shell_split

FAR = "2099-01-01T00:00:00Z"


class Sts:
    """Stands for the client: the key ID of what it returns is the way there, as JSON."""

    def __init__(self, origin):
        self.origin = origin

    def answer(self, way):
        return {"Credentials": {"AccessKeyId": json.dumps(way), "SecretAccessKey": "s", "SessionToken": "t", "Expiration": FAR}}

    def assume_role(self, RoleArn, RoleSessionName, **more):
        way = json.loads(self.origin)
        # A name that botocore made up is what we call `deputy`.
        name = "deputy" if RoleSessionName.startswith("botocore-session-") else RoleSessionName
        way["roles"].append([RoleArn, name, more.get("ExternalId"), more.get("DurationSeconds", 3600)])
        return self.answer(way)

    def assume_role_with_web_identity(self, RoleArn, RoleSessionName, WebIdentityToken):
        name = "deputy" if RoleSessionName.startswith("botocore-session-") else RoleSessionName
        return self.answer({"origin": ["web_identity", RoleArn, name, WebIdentityToken], "roles": []})


def way_of_keys(access_key, secret_key, token):
    return json.dumps({"origin": ["keys", access_key, secret_key, token or ""], "roles": []})


class FakeProcess:
    returncode = 0

    def __init__(self, words, **_):
        self.words = words

    def communicate(self):
        way = json.dumps({"origin": ["process", *self.words], "roles": []})
        return json.dumps({"Version": 1, "AccessKeyId": way, "SecretAccessKey": "s"}).encode(), b""


def client_creator(*_):
    def create(_service, aws_access_key_id=None, aws_secret_access_key=None, aws_session_token=None, **_more):
        if aws_access_key_id is None:
            return Sts(None)
        known = aws_access_key_id.startswith("{")
        return Sts(aws_access_key_id if known else way_of_keys(aws_access_key_id, aws_secret_access_key, aws_session_token))
    return create


def named(name):
    class Source(botocore.credentials.CredentialProvider):
        METHOD = CANONICAL_NAME = name

        def load(self):
            return botocore.credentials.Credentials(json.dumps({"origin": ["source", name], "roles": []}), "s")
    return Source()


def outcome(case, folder):
    for file in ("config", "credentials"):
        with open(os.path.join(folder, file), "w") as out:
            out.write(case[file])
    os.environ["AWS_PROFILE"] = case["profile"]
    session = botocore.session.Session()
    name = case["profile"]
    builder = botocore.credentials.ProfileProviderBuilder(session, cache={})
    botocore.credentials._get_client_creator = client_creator
    assume = botocore.credentials.AssumeRoleProvider(
        load_config=lambda: session.full_config, client_creator=client_creator(), cache={}, profile_name=name,
        credential_sourcer=botocore.credentials.CanonicalNameCredentialSourcer(
            [named("Environment"), named("EcsContainer"), named("Ec2InstanceMetadata")]),
        profile_provider_builder=builder)
    try:
        found = botocore.credentials.CredentialResolver([assume, *builder.providers(name)]).load_credentials()
        if found is None:
            return {"none": True}
        keys = found.get_frozen_credentials()
    except Exception:  # noqa: BLE001 - what kind does not matter
        return {"error": True}
    return json.loads(keys.access_key if keys.access_key.startswith("{") else way_of_keys(keys.access_key, keys.secret_key, keys.token))


def main():
    botocore.credentials.ProcessProvider.__init__.__defaults__ = (FakeProcess,)
    for name in [variable for variable in os.environ if variable.startswith("AWS_")]:
        del os.environ[name]
    with tempfile.TemporaryDirectory() as folder:
        os.environ["AWS_CONFIG_FILE"] = os.path.join(folder, "config")
        os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.path.join(folder, "credentials")
        with open(os.path.join(folder, "token"), "w") as out:
            out.write("web-token")
        for case in json.load(sys.stdin):
            case = {name: text.replace("TOKEN_FILE", os.path.join(folder, "token")) for name, text in case.items()}
            print(json.dumps(outcome(case, folder)))


main()

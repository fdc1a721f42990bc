"""Signs random requests with botocore and prints one JSON object a line: the request, and botocore's Authorization header.

Usage: botocore_signer.py COUNT SEED. Debian's python3-botocore.
"""
import datetime
import json
import random
import sys
from urllib.parse import quote

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

ODD = "aZ09-._~!$'()*,;:@&=+ %\"<>[]^`{|}\\/é ሴ😀\x01\x7f"
VISIBLE = "".join(chr(c) for c in range(0x21, 0x7f)) + "é"


def text(rng, alphabet, most, least=0):
    return "".join(rng.choice(alphabet) for _ in range(rng.randint(least, most)))


def path(rng):
    segments = [rng.choice([text(rng, ODD, 12), "", ".", "..", text(rng, "abc", 3)]) for _ in range(rng.randint(0, 5))]
    encoded = [s if rng.random() < 0.2 and not set(s) & set("?#\x01 ") else quote(s, safe="-._~") for s in segments]
    # urlsplit would read `//host` at the beginning as the authority.
    return "/" + "/".join(encoded).lstrip("/") if rng.random() < 0.95 else ""


def query(rng):
    names = [text(rng, ODD, 6, 1) for _ in range(rng.randint(0, 5))]
    names += rng.choices(names, k=rng.randint(0, 2)) if names else []
    pairs = [quote(n, safe="-._~") + ("=" + quote(text(rng, ODD, 8), safe="-._~") if rng.random() < 0.9 else "") for n in names]
    return "&".join(pairs)


def headers(rng):
    white = [" ", "  ", "\t", " \t "]
    names = [rng.choice("XYZxyz") + "-" + text(rng, "abcABC-09", 8, 1) for _ in range(rng.randint(0, 5))]
    names += rng.choices(names, k=rng.randint(0, 2)) if names else []
    fields = []
    for name in names:
        words = [text(rng, VISIBLE, 6) for _ in range(rng.randint(0, 4))]
        fields.append([name, rng.choice([""] + white) + rng.choice(white).join(words) + rng.choice([""] + white)])
    return fields


def signed(rng):
    service = rng.choice(["sts", "iam", "logs", "s3", "cloudformation"])
    region = rng.choice(["us-east-1", "eu-central-1", "cn-north-1", "us-gov-west-1"])
    moment = datetime.datetime(2015, 1, 1) + datetime.timedelta(seconds=rng.randrange(20 * 365 * 86400))
    case = {
        "method": rng.choice(["GET", "POST", "PUT", "DELETE", "HEAD"]), "path": path(rng), "query": query(rng),
        "headers": [["Host", service + "." + region + ".amazonaws.com"]] + headers(rng),
        "body": rng.randbytes(rng.choice([0, 1, 63, 64, 65, 300])).hex(),
        "service": service, "region": region, "time": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "access_key_id": "AKIA" + text(rng, "ABCDEFGH234567", 16, 16),
        "secret_access_key": text(rng, "abcXYZ019+/", 64, 1), "session_token": text(rng, "abcXYZ019+/=", 200) if rng.random() < 0.5 else "",
    }
    if service == "s3" and not case["path"]:
        case["path"] = "/"  # what goes out for it; this signer alone would sign the empty text
    url = "https://" + case["headers"][0][1] + case["path"] + ("?" + case["query"] if case["query"] else "")
    request = AWSRequest(method=case["method"], url=url, data=bytes.fromhex(case["body"]))
    for name, value in case["headers"]:
        request.headers[name] = value
    request.context["timestamp"] = moment.strftime("%Y%m%dT%H%M%SZ")
    credentials = Credentials(case["access_key_id"], case["secret_access_key"], case["session_token"] or None)
    signer = (S3SigV4Auth if service == "s3" else SigV4Auth)(credentials, service, region)
    # The phases of add_auth, which would take the time from the clock.
    signer._modify_request_before_signing(request)
    canonical = signer.canonical_request(request)
    signer._inject_signature_to_request(request, signer.signature(signer.string_to_sign(request, canonical), request))
    return {**case, "canonical_request": canonical, "authorization": request.headers["Authorization"]}


def main():
    rng = random.Random(int(sys.argv[2]))
    for _ in range(int(sys.argv[1])):
        print(json.dumps(signed(rng)))


main()

"""Verifies documents of SNS as their documentation says, with the openssl command.

Reads {"documents": {name: text}, "ca": file, "connect": "host:port"} and prints
{name: true or a reason}.
"""
import base64, functools, http.client, json, socket, ssl, subprocess, sys, tempfile, urllib.parse


@functools.cache
def key_of(url, ca, connect):
    certificate = file(fetch(url, ca, connect))
    return file(subprocess.check_output(["openssl", "x509", "-in", certificate.name, "-pubkey", "-noout"]))


def fetch(url, ca, connect):
    u = urllib.parse.urlsplit(url)
    host, _, port = connect.rpartition(":")
    context = ssl.create_default_context(cafile=ca)
    connection = http.client.HTTPSConnection(u.hostname, context=context)
    connection.sock = context.wrap_socket(socket.create_connection((host, int(port))), server_hostname=u.hostname)
    connection.request("GET", u.path)
    response = connection.getresponse()
    assert response.status == 200, response.status
    return response.read()


def file(content):
    f = tempfile.NamedTemporaryFile()
    f.write(content)
    f.flush()
    return f


def verify(text, ca, connect):
    document = json.loads(text)
    if "Records" in document:
        document = document["Records"][0]["Sns"]
    url = document.get("SigningCertURL") or document["SigningCertUrl"]
    names = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]
    if document["Type"] != "Notification":
        names = ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
    signed = "".join(f"{name}\n{document[name]}\n" for name in names if document.get(name) is not None)
    key = key_of(url, ca, connect)
    signature = file(base64.b64decode(document["Signature"], validate=True))
    digest = {"1": "-sha1", "2": "-sha256"}[document["SignatureVersion"]]
    done = subprocess.run(
        ["openssl", "dgst", digest, "-verify", key.name, "-signature", signature.name],
        input=signed.encode(), capture_output=True,
    )
    return True if done.returncode == 0 else (done.stdout + done.stderr).decode()


task = json.load(sys.stdin)
json.dump({name: verify(text, task["ca"], task["connect"]) for name, text in task["documents"].items()}, sys.stdout)

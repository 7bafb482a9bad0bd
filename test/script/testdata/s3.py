# Moves objects with boto3 and its transfer manager, and checks what comes back.
import hashlib
import io
import os
import urllib.error
import urllib.request

import boto3
import botocore
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

MB = 1 << 20
client = dict(endpoint_url=os.environ["ENDPOINT"], region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test")
s3, kms = boto3.client("s3", **client), boto3.client("kms", **client)
at_eight = TransferConfig(multipart_threshold=8 * MB, multipart_chunksize=8 * MB, max_concurrency=4)
big = os.urandom(20_000_000)
with open("big", "wb") as f:
    f.write(big)


def refused(code, status, call, **kwargs):
    try:
        answer = call(**kwargs)
    except ClientError as e:
        assert e.response["Error"]["Code"] == code and e.response["ResponseMetadata"]["HTTPStatusCode"] == status, e.response
        return
    raise AssertionError(f"{code} expected, got {answer}")


s3.create_bucket(Bucket="mill")
refused("NoSuchBucket", 404, s3.get_object, Bucket="none", Key="k")
refused("NoSuchKey", 404, s3.get_object, Bucket="mill", Key="k")
refused("404", 404, s3.head_object, Bucket="mill", Key="k")
refused("NotImplemented", 501, s3.get_object_torrent, Bucket="mill", Key="k")

# Up, down and across, in parts.
s3.upload_file("big", "mill", "big", ExtraArgs={"Metadata": {"kind": "mill"}, "ContentType": "text/x-mill"}, Config=at_eight)
head = s3.head_object(Bucket="mill", Key="big", ChecksumMode="ENABLED")
assert head["ContentLength"] == len(big) and head["Metadata"] == {"kind": "mill"} and head["ContentType"] == "text/x-mill", head
parts = [hashlib.md5(big[i : i + 8 * MB]).digest() for i in range(0, len(big), 8 * MB)]
assert head["ETag"] == f'"{hashlib.md5(b"".join(parts)).hexdigest()}-3"', head["ETag"]
s3.download_file("mill", "big", "back", Config=at_eight)
assert open("back", "rb").read() == big
s3.copy({"Bucket": "mill", "Key": "big"}, "mill", "copied", Config=at_eight)
copied = io.BytesIO()
s3.download_fileobj("mill", "copied", copied, Config=at_eight)
assert copied.getvalue() == big
s3.copy_object(CopySource={"Bucket": "mill", "Key": "big"}, Bucket="mill", Key="whole")
whole = s3.get_object(Bucket="mill", Key="whole", Range="bytes=-3")
assert whole["Body"].read() == big[-3:] and whole["Metadata"] == {"kind": "mill"}, whole

# A stream whose length is not known.
s3.upload_fileobj(io.BytesIO(b"small"), "mill", "small")
assert s3.get_object(Bucket="mill", Key="small")["Body"].read() == b"small"
answer = boto3.resource("s3", **client).Object("mill", "keys/ä +%2F?&#\\").put(Body=b"")
assert [o["Key"] for o in s3.list_objects_v2(Bucket="mill", Prefix="keys/")["Contents"]] == ["keys/ä +%2F?&#\\"], answer

# Every algorithm of checksums that this boto3 can compute. Before December 2024 it had
# none that S3 adds by itself.
known = tuple(int(n) for n in botocore.__version__.split(".")[:2]) >= (1, 36)
for algorithm in ["CRC32", "SHA1", "SHA256"] + ["CRC32C", "CRC64NVME"] * (hasattr(botocore.httpchecksum, "CrtCrc32cChecksum") and botocore.compat.HAS_CRT):
    put = s3.put_object(Bucket="mill", Key=algorithm, Body=b"hello", ChecksumAlgorithm=algorithm)
    got = s3.get_object(Bucket="mill", Key=algorithm, ChecksumMode="ENABLED")
    assert got["Body"].read() == b"hello" and got["Checksum" + algorithm] == put["Checksum" + algorithm], (algorithm, put, got)
    s3.upload_file("big", "mill", algorithm, ExtraArgs={"ChecksumAlgorithm": algorithm}, Config=at_eight)
    found = s3.get_object_attributes(Bucket="mill", Key=algorithm, ObjectAttributes=["Checksum", "ObjectParts", "ObjectSize"])
    assert "Checksum" + algorithm in found["Checksum"] and found["ObjectParts"]["TotalPartsCount"] == 3 and found["ObjectSize"] == len(big), found
    s3.download_file("mill", algorithm, "back", Config=at_eight)
    assert open("back", "rb").read() == big
if known:
    answer = s3.put_object(Bucket="mill", Key="default", Body=b"hello")
    assert answer["ChecksumCRC32"] == "NhCmhg==" and answer["ChecksumType"] == "FULL_OBJECT", answer

# Encrypted under a key of KMS.
key = kms.create_key()["KeyMetadata"]
s3.upload_file("big", "mill", "sealed", ExtraArgs={"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key["KeyId"]}, Config=at_eight)
head = s3.head_object(Bucket="mill", Key="sealed")
assert head["ServerSideEncryption"] == "aws:kms" and head["SSEKMSKeyId"] == key["Arn"], head
s3.download_file("mill", "sealed", "back", Config=at_eight)
assert open("back", "rb").read() == big
kms.disable_key(KeyId=key["KeyId"])
refused("KMS.DisabledException", 400, s3.get_object, Bucket="mill", Key="sealed")


def call(method, url, body=None, headers={}):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, headers, method=method)) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as e:
        return e.code, e.read()


# Presigned, in both forms of signatures.
for version in "s3v4", "s3":
    signer = boto3.client("s3", config=botocore.config.Config(signature_version=version), **client)
    put = signer.generate_presigned_url("put_object", Params={"Bucket": "mill", "Key": "signed"})
    status, body = call("PUT", put, b"presigned", {"Content-Type": ""})
    assert status == 200, (version, status, body)
    get = signer.generate_presigned_url("get_object", Params={"Bucket": "mill", "Key": "signed", "ResponseContentType": "text/x-mill"})
    assert call("GET", get) == (200, b"presigned"), version
form = s3.generate_presigned_post("mill", "posted")
assert call("POST", form["url"], b"--b--", {"Content-Type": "multipart/form-data; boundary=b"})[0] == 501

objects = [{"Key": o["Key"]} for page in s3.get_paginator("list_objects_v2").paginate(Bucket="mill", PaginationConfig={"PageSize": 3}) for o in page["Contents"]]
deleted = s3.delete_objects(Bucket="mill", Delete={"Objects": objects})["Deleted"]
assert len(deleted) == len(objects), deleted
s3.delete_bucket(Bucket="mill")
assert s3.list_buckets()["Buckets"] == []

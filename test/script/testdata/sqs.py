# Does every operation of SQS with boto3 and checks the answers. At its end it
# prints the names of the operations that it sent, sorted.
import hashlib
import json
import os
import time

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

ENDPOINT = os.environ["ENDPOINT"]
ACCOUNT, FRIEND = "000000000000", "222222222222"


def arn(name):
    return f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}"


def client(key, secret="test", **more):
    return boto3.client("sqs", endpoint_url=ENDPOINT, region_name="us-east-1", aws_access_key_id=key, aws_secret_access_key=secret, **more)


def refused(code, call, *args, **kwargs):
    try:
        answer = call(*args, **kwargs)
    except ClientError as e:
        assert e.response["Error"]["Code"] == code, e
        return
    raise AssertionError(f"{code} expected, got {answer}")


def eventually(what, check):
    until = time.monotonic() + 30
    while not check():
        assert time.monotonic() < until, what
        time.sleep(0.1)


sqs, friend = client("test"), client(FRIEND)
sent = set()
sqs.meta.events.register("before-call.sqs", lambda model, **_: sent.add(model.name))

# Queues and their attributes.
jobs = sqs.create_queue(QueueName="jobs", Attributes={"VisibilityTimeout": "45"}, tags={"team": "mill"})["QueueUrl"]
assert sqs.create_queue(QueueName="jobs", Attributes={"VisibilityTimeout": "45"})["QueueUrl"] == jobs
refused("QueueAlreadyExists", sqs.create_queue, QueueName="jobs", Attributes={"VisibilityTimeout": "46"})
assert sqs.get_queue_url(QueueName="jobs")["QueueUrl"] == jobs
refused("AWS.SimpleQueueService.NonExistentQueue", sqs.get_queue_url, QueueName="nowhere")
sqs.set_queue_attributes(QueueUrl=jobs, Attributes={"VisibilityTimeout": "0", "DelaySeconds": "0"})
attributes = sqs.get_queue_attributes(QueueUrl=jobs, AttributeNames=["All"])["Attributes"]
assert attributes["VisibilityTimeout"] == "0" and attributes["QueueArn"] == arn("jobs"), attributes
assert attributes["MaximumMessageSize"] == "1048576" and attributes["SqsManagedSseEnabled"] == "true", attributes
refused("InvalidAttributeValue", sqs.set_queue_attributes, QueueUrl=jobs, Attributes={"VisibilityTimeout": "43201"})

names = [f"many-{i}" for i in range(3)]
for name in names:
    sqs.create_queue(QueueName=name)
pages = list(sqs.get_paginator("list_queues").paginate(QueueNamePrefix="many-", PaginationConfig={"PageSize": 2}))
assert [len(p["QueueUrls"]) for p in pages] == [2, 1], pages
assert [u.split("/")[-1] for p in pages for u in p["QueueUrls"]] == names, pages
for name in names:
    sqs.delete_queue(QueueUrl=name)
assert "QueueUrls" not in sqs.list_queues(QueueNamePrefix="many-")

# Tags.
sqs.tag_queue(QueueUrl=jobs, Tags={"stage": "test"})
assert sqs.list_queue_tags(QueueUrl=jobs)["Tags"] == {"team": "mill", "stage": "test"}
sqs.untag_queue(QueueUrl=jobs, TagKeys=["stage"])
assert sqs.list_queue_tags(QueueUrl=jobs)["Tags"] == {"team": "mill"}

# One message. boto3 checks the MD5s of what it sent and received.
body = "a body\r\n& <more>"
receipt = sqs.send_message(
    QueueUrl=jobs, MessageBody=body,
    MessageAttributes={
        "Text": {"DataType": "String", "StringValue": "t"},
        "Number": {"DataType": "Number.int", "StringValue": "7"},
        "Binary": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
    },
    MessageSystemAttributes={"AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1-5759e988-bd862e3fe1be46a994272793"}},
)
assert receipt["MD5OfMessageBody"] == hashlib.md5(body.encode()).hexdigest(), receipt
[message] = sqs.receive_message(
    QueueUrl=jobs, WaitTimeSeconds=5, AttributeNames=["All"], MessageAttributeNames=["All"], VisibilityTimeout=30,
)["Messages"]
assert message["MessageId"] == receipt["MessageId"] and message["Body"] == body, message
assert message["Attributes"]["ApproximateReceiveCount"] == "1", message
assert message["Attributes"]["AWSTraceHeader"].startswith("Root="), message
assert message["MessageAttributes"]["Binary"]["BinaryValue"] == b"\x00\xff", message
assert message["MessageAttributes"]["Number"] == {"DataType": "Number.int", "StringValue": "7"}, message
assert "Messages" not in sqs.receive_message(QueueUrl=jobs)
sqs.change_message_visibility(QueueUrl=jobs, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0)
[message] = sqs.receive_message(QueueUrl=jobs, VisibilityTimeout=30)["Messages"]
assert "Attributes" not in message and "MessageAttributes" not in message, message
sqs.delete_message(QueueUrl=jobs, ReceiptHandle=message["ReceiptHandle"])
refused("InvalidParameterValue", sqs.send_message, QueueUrl=jobs, MessageBody="late", DelaySeconds=901)

# Batches.
batch = sqs.send_message_batch(QueueUrl=jobs, Entries=[
    {"Id": "a", "MessageBody": "one"}, {"Id": "b", "MessageBody": "two"}, {"Id": "c", "MessageBody": "late", "DelaySeconds": 901},
])
assert [e["Id"] for e in batch["Successful"]] == ["a", "b"], batch
assert [(e["Id"], e["Code"], e["SenderFault"]) for e in batch["Failed"]] == [("c", "InvalidParameterValue", True)], batch
refused("AWS.SimpleQueueService.BatchEntryIdsNotDistinct", sqs.send_message_batch, QueueUrl=jobs,
        Entries=[{"Id": "a", "MessageBody": "1"}, {"Id": "a", "MessageBody": "2"}])
messages = sqs.receive_message(QueueUrl=jobs, MaxNumberOfMessages=10, VisibilityTimeout=30)["Messages"]
assert sorted(m["Body"] for m in messages) == ["one", "two"], messages
entries = [{"Id": str(i), "ReceiptHandle": m["ReceiptHandle"]} for i, m in enumerate(messages)]
changed = sqs.change_message_visibility_batch(QueueUrl=jobs, Entries=[{**e, "VisibilityTimeout": 60} for e in entries])
assert [e["Id"] for e in changed["Successful"]] == ["0", "1"] and "Failed" not in changed, changed
deleted = sqs.delete_message_batch(QueueUrl=jobs, Entries=entries + [{"Id": "x", "ReceiptHandle": "none"}])
assert [e["Id"] for e in deleted["Successful"]] == ["0", "1"], deleted
assert [(e["Id"], e["Code"]) for e in deleted["Failed"]] == [("x", "ReceiptHandleIsInvalid")], deleted
sqs.send_message(QueueUrl=jobs, MessageBody="x")
sqs.purge_queue(QueueUrl=jobs)
counts = sqs.get_queue_attributes(QueueUrl=jobs, AttributeNames=["ApproximateNumberOfMessages"])["Attributes"]
assert counts == {"ApproximateNumberOfMessages": "0"}, counts

# FIFO: the order of a group, and duplicates.
orders = sqs.create_queue(QueueName="orders.fifo", Attributes={"FifoQueue": "true", "ContentBasedDeduplication": "true"})["QueueUrl"]
first = sqs.send_message(QueueUrl=orders, MessageBody="1", MessageGroupId="g")
again = sqs.send_message(QueueUrl=orders, MessageBody="1", MessageGroupId="g")
assert again["MessageId"] == first["MessageId"] and again["SequenceNumber"] == first["SequenceNumber"], (first, again)
for body in "2", "3":
    sqs.send_message(QueueUrl=orders, MessageBody=body, MessageGroupId="g")
got = sqs.receive_message(QueueUrl=orders, MaxNumberOfMessages=10, AttributeNames=["All"])["Messages"]
assert [m["Body"] for m in got] == ["1", "2", "3"], got
assert [m["Attributes"]["MessageGroupId"] for m in got] == ["g"] * 3, got
sequence = [m["Attributes"]["SequenceNumber"] for m in got]
assert sequence == sorted(sequence) and sequence[0] == first["SequenceNumber"], sequence
assert "Messages" not in sqs.receive_message(QueueUrl=orders), "the group is in flight"
refused("MissingParameter", sqs.send_message, QueueUrl=orders, MessageBody="4")

# Dead letters, and their way back.
dead = sqs.create_queue(QueueName="dead", Attributes={"VisibilityTimeout": "0"})["QueueUrl"]
sqs.set_queue_attributes(QueueUrl=jobs, Attributes={
    "RedrivePolicy": json.dumps({"deadLetterTargetArn": arn("dead"), "maxReceiveCount": 1})})
sources = sqs.list_dead_letter_source_queues(QueueUrl=dead)
assert sources["queueUrls"] == [jobs], sources
poisoned = sqs.send_message(QueueUrl=jobs, MessageBody="poisoned")
sqs.receive_message(QueueUrl=jobs)
assert "Messages" not in sqs.receive_message(QueueUrl=jobs)
[message] = sqs.receive_message(QueueUrl=dead, AttributeNames=["All"])["Messages"]
assert message["MessageId"] == poisoned["MessageId"], message
assert message["Attributes"]["DeadLetterQueueSourceArn"] == arn("jobs"), message
sqs.start_message_move_task(SourceArn=arn("dead"))


def last_task():
    return sqs.list_message_move_tasks(SourceArn=arn("dead"))["Results"][0]


eventually("the task completes", lambda: last_task()["Status"] == "COMPLETED")
assert last_task()["ApproximateNumberOfMessagesMoved"] == 1, last_task()
[message] = sqs.receive_message(QueueUrl=jobs)["Messages"]
assert message["Body"] == "poisoned", message
for _ in range(2):
    sqs.send_message_batch(QueueUrl=dead, Entries=[{"Id": str(i), "MessageBody": "m"} for i in range(10)])
task = sqs.start_message_move_task(SourceArn=arn("dead"), DestinationArn=arn("jobs"), MaxNumberOfMessagesPerSecond=1)
refused("InvalidParameterValue", sqs.start_message_move_task, SourceArn=arn("dead"))
assert last_task()["Status"] == "RUNNING" and last_task()["MaxNumberOfMessagesPerSecond"] == 1, last_task()
moved = sqs.cancel_message_move_task(TaskHandle=task["TaskHandle"])["ApproximateNumberOfMessagesMoved"]
assert moved < 20, moved
eventually("the task is cancelled", lambda: last_task()["Status"] == "CANCELLED")
refused("InvalidParameterValue", sqs.cancel_message_move_task, TaskHandle="none")

# Permissions.
refused("AccessDenied", friend.send_message, QueueUrl=dead, MessageBody="let me in")
sqs.add_permission(QueueUrl=dead, Label="friends", AWSAccountIds=[FRIEND], Actions=["SendMessage", "GetQueueUrl"])
friend.send_message(QueueUrl=dead, MessageBody="let me in")
assert friend.get_queue_url(QueueName="dead", QueueOwnerAWSAccountId=ACCOUNT)["QueueUrl"] == dead
refused("AccessDenied", friend.receive_message, QueueUrl=dead)
refused("AccessDenied", friend.delete_queue, QueueUrl=dead)
policy = json.loads(sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["Policy"])["Attributes"]["Policy"])
assert [s["Sid"] for s in policy["Statement"]] == ["friends"], policy
sqs.remove_permission(QueueUrl=dead, Label="friends")
assert "Attributes" not in sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["Policy"])
refused("AccessDenied", friend.send_message, QueueUrl=dead, MessageBody="let me in")
refused("InvalidParameterValue", sqs.remove_permission, QueueUrl=dead, Label="friends")

# Policies: for the sessions of one role, against everybody else of its account,
# and for those who sign nothing.
def assume(name):
    sts = boto3.client("sts", endpoint_url=ENDPOINT, region_name="us-east-1", aws_access_key_id=FRIEND, aws_secret_access_key="test")
    lent = sts.assume_role(RoleArn=f"arn:aws:iam::{FRIEND}:role/team/{name}", RoleSessionName="monday")["Credentials"]
    return client(lent["AccessKeyId"], lent["SecretAccessKey"], aws_session_token=lent["SessionToken"])


def let(*statements):
    statements = [{"Action": "sqs:SendMessage", "Resource": arn("dead"), **s} for s in statements]
    sqs.set_queue_attributes(QueueUrl=dead, Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": statements})})


def send(by):
    return by.send_message(QueueUrl=dead, MessageBody="let me in")


worker, idler, nobody = assume("worker"), assume("idler"), client(None, None, config=Config(signature_version=UNSIGNED))
role = f"arn:aws:iam::{FRIEND}:role/team/worker"
let({"Effect": "Allow", "Principal": {"AWS": role}})
send(worker)
for stranger in friend, idler, nobody:
    refused("AccessDenied", send, by=stranger)
let({"Effect": "Allow", "Principal": "*"}, {"Effect": "Deny", "Principal": "*", "Condition": {"ArnEquals": {"aws:PrincipalArn": role}}})
for stranger in friend, idler, nobody:
    send(stranger)
refused("AccessDenied", send, by=worker)
let({"Effect": "Allow", "Principal": "*", "Condition": {"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}, "Bool": {"aws:SecureTransport": "true"}}})
send(nobody)
let({"Effect": "Allow", "Principal": "*", "Condition": {"NotIpAddress": {"aws:SourceIp": "127.0.0.0/8"}}})
refused("AccessDenied", send, by=nobody)
send(sqs)
refused("InvalidAttributeValue", let, {"Effect": "Allow", "Principal": "*", "Condition": {"StringResembles": {"aws:UserAgent": "x"}}})

sqs.delete_queue(QueueUrl=orders)
refused("AWS.SimpleQueueService.NonExistentQueue", sqs.send_message, QueueUrl=orders, MessageBody="x", MessageGroupId="g")

print("\n".join(sorted(sent)))

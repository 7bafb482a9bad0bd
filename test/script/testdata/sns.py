# Does every operation of SNS with boto3 and checks the answers. At its end it prints
# the names of the operations that it sent, sorted.
import json
import os
import queue
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import boto3
from botocore.exceptions import ClientError

ENDPOINT = os.environ["ENDPOINT"]
ACCOUNT, FRIEND = "000000000000", "222222222222"
PREFIX = f"arn:aws:sns:us-east-1:{ACCOUNT}:"
QUEUES = f"arn:aws:sqs:us-east-1:{ACCOUNT}:"


def client(service, key="test"):
    return boto3.client(service, endpoint_url=ENDPOINT, region_name="us-east-1", aws_access_key_id=key, aws_secret_access_key="test")


def refused(code, call, **kwargs):
    try:
        answer = call(**kwargs)
    except ClientError as e:
        assert e.response["Error"]["Code"] == code, e
        return e.response["Error"]["Message"]
    raise AssertionError(f"{code} expected, got {answer}")


class Site(BaseHTTPRequestHandler):
    got = queue.Queue()

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()
        self.got.put((self.headers, body.decode()))

    def log_message(self, *_):
        pass


site = ThreadingHTTPServer(("127.0.0.1", 0), Site)
threading.Thread(target=site.serve_forever, daemon=True).start()

sns, friend, sqs = client("sns"), client("sns", FRIEND), client("sqs")
sent = set()
sns.meta.events.register("before-call.sns", lambda model, **_: sent.add(model.name))


def feed(name, topic, **more):
    """A queue that a topic may send to, and its subscription."""
    attributes = {"Policy": json.dumps({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": QUEUES + name,
        "Condition": {"ArnEquals": {"aws:SourceArn": topic}}}]})}
    if name.endswith(".fifo"):
        attributes["FifoQueue"] = "true"
    url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    return url, sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=QUEUES + name, Attributes=more)["SubscriptionArn"]


def receive(url):
    message = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20, MessageAttributeNames=["All"])["Messages"][0]
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return message


# Topics, their attributes, tags and permissions.
orders = sns.create_topic(Name="orders", Attributes={"DisplayName": "Orders"}, Tags=[{"Key": "team", "Value": "mill"}])["TopicArn"]
assert orders == PREFIX + "orders"
assert sns.create_topic(Name="orders")["TopicArn"] == orders
refused("InvalidParameter", sns.create_topic, Name="orders", Attributes={"DisplayName": "Others"})
sns.set_topic_attributes(TopicArn=orders, AttributeName="SignatureVersion", AttributeValue="2")
attributes = sns.get_topic_attributes(TopicArn=orders)["Attributes"]
assert attributes["SignatureVersion"] == "2" and attributes["DisplayName"] == "Orders" and attributes["Owner"] == ACCOUNT, attributes
refused("NotFound", sns.get_topic_attributes, TopicArn=PREFIX + "nowhere")
sns.tag_resource(ResourceArn=orders, Tags=[{"Key": "stage", "Value": "test"}])
sns.untag_resource(ResourceArn=orders, TagKeys=["team"])
assert sns.list_tags_for_resource(ResourceArn=orders)["Tags"] == [{"Key": "stage", "Value": "test"}]
refused("AuthorizationError", friend.publish, TopicArn=orders, Message="x")
sns.add_permission(TopicArn=orders, Label="friend", AWSAccountId=[FRIEND], ActionName=["Publish"])
friend.publish(TopicArn=orders, Message="nobody listens yet")
sns.remove_permission(TopicArn=orders, Label="friend")
refused("AuthorizationError", friend.publish, TopicArn=orders, Message="x")
policy = json.dumps({"Name": "p", "Version": "2021-06-01", "Statement": [{"DataDirection": "Inbound", "Principal": ["*"],
                     "DataIdentifier": ["arn:aws:dataprotection::aws:data-identifier/EmailAddress"], "Operation": {"Deny": {}}}]})
sns.put_data_protection_policy(ResourceArn=orders, DataProtectionPolicy=policy)
assert sns.get_data_protection_policy(ResourceArn=orders)["DataProtectionPolicy"] == policy
sns.put_data_protection_policy(ResourceArn=orders, DataProtectionPolicy="")
for i in range(101):
    sns.create_topic(Name=f"many-{i:03}")
pages = list(sns.get_paginator("list_topics").paginate())
assert [len(p["Topics"]) for p in pages] == [100, 2], pages

# Queues: envelopes, raw delivery, filters, batches.
wrapped, subscription = feed("wrapped", orders)
raw, _ = feed("raw", orders, RawMessageDelivery="true", FilterPolicy='{"kind":["mill"]}')
message = sns.publish(TopicArn=orders, Message="hello", Subject="s", MessageAttributes={
    "kind": {"DataType": "String", "StringValue": "mill"}, "b": {"DataType": "Binary", "BinaryValue": b"\xff"}})["MessageId"]
notification = json.loads(receive(wrapped)["Body"])
assert notification["MessageId"] == message and notification["Message"] == "hello" and notification["Subject"] == "s", notification
assert notification["MessageAttributes"]["b"] == {"Type": "Binary", "Value": "/w=="}, notification
direct = receive(raw)
assert direct["Body"] == "hello" and direct["MessageAttributes"]["b"]["BinaryValue"] == b"\xff", direct
sns.set_subscription_attributes(SubscriptionArn=subscription, AttributeName="FilterPolicy", AttributeValue='{"order":[{"exists":true}]}')
sns.set_subscription_attributes(SubscriptionArn=subscription, AttributeName="FilterPolicyScope", AttributeValue="MessageBody")
attributes = sns.get_subscription_attributes(SubscriptionArn=subscription)["Attributes"]
assert attributes["FilterPolicyScope"] == "MessageBody" and attributes["PendingConfirmation"] == "false", attributes
batch = sns.publish_batch(TopicArn=orders, PublishBatchRequestEntries=[
    {"Id": "a", "Message": '{"order":1}'}, {"Id": "b", "Message": ""}, {"Id": "c", "Message": '{"default":"{\\"order\\":2}"}', "MessageStructure": "json"}])
assert [e["Id"] for e in batch["Successful"]] == ["a", "c"] and batch["Failed"][0]["Code"] == "InvalidParameter", batch
assert json.loads(receive(wrapped)["Body"])["Message"] == '{"order":1}'
assert refused("InvalidParameter", sns.publish, TopicArn=orders, Message="") == "Invalid parameter: Empty message"
refused("BatchEntryIdsNotDistinct", sns.publish_batch, TopicArn=orders, PublishBatchRequestEntries=[{"Id": "a", "Message": "x"}, {"Id": "a", "Message": "y"}])

# FIFO topics.
fifo = sns.create_topic(Name="orders.fifo", Attributes={"FifoTopic": "true"})["TopicArn"]
ordered, _ = feed("ordered.fifo", fifo)
first = sns.publish(TopicArn=fifo, Message="one", MessageGroupId="g", MessageDeduplicationId="d")
again = sns.publish(TopicArn=fifo, Message="two", MessageGroupId="g", MessageDeduplicationId="d")
assert len(first["SequenceNumber"]) == 20 and again["SequenceNumber"] == first["SequenceNumber"] and again["MessageId"] == first["MessageId"], (first, again)
assert json.loads(receive(ordered)["Body"])["SequenceNumber"] == first["SequenceNumber"]

# A web server confirms, and leaves.
url = f"http://127.0.0.1:{site.server_port}/hook"
assert sns.subscribe(TopicArn=orders, Protocol="http", Endpoint=url)["SubscriptionArn"] == "pending confirmation"
headers, body = Site.got.get(timeout=60)
assert headers["x-amz-sns-message-type"] == "SubscriptionConfirmation", headers
hook = sns.confirm_subscription(TopicArn=orders, Token=json.loads(body)["Token"])["SubscriptionArn"]
sns.publish(TopicArn=orders, Message="over http")
headers, body = Site.got.get(timeout=60)
assert headers["x-amz-sns-subscription-arn"] == hook and json.loads(body)["Message"] == "over http", (headers, body)
listed = [s["SubscriptionArn"] for s in sns.list_subscriptions_by_topic(TopicArn=orders)["Subscriptions"]]
assert len(listed) == 3 and hook in listed, listed
assert len(sns.list_subscriptions()["Subscriptions"]) == 4
sns.unsubscribe(SubscriptionArn=hook)
headers, body = Site.got.get(timeout=60)
assert headers["x-amz-sns-message-type"] == "UnsubscribeConfirmation", headers

# Text messages and mobile push, in an account that has neither.
assert sns.publish(PhoneNumber="+4930123456", Message="a text")["MessageId"]
with urllib.request.urlopen(ENDPOINT + "/_runtime/sns/outbox") as answer:
    assert "a text" in answer.read().decode()
sns.set_sms_attributes(attributes={"DefaultSMSType": "Transactional"})
assert sns.get_sms_attributes()["attributes"] == {"MonthlySpendLimit": "1", "DefaultSMSType": "Transactional"}
assert sns.check_if_phone_number_is_opted_out(phoneNumber="+4930123456")["isOptedOut"] is False
assert sns.list_phone_numbers_opted_out()["phoneNumbers"] == []
sns.opt_in_phone_number(phoneNumber="+4930123456")
assert sns.get_sms_sandbox_account_status()["IsInSandbox"] is True
assert sns.list_sms_sandbox_phone_numbers()["PhoneNumbers"] == []
assert sns.list_origination_numbers()["PhoneNumbers"] == []
refused("UserError", sns.create_sms_sandbox_phone_number, PhoneNumber="+4930123456")
refused("ResourceNotFound", sns.verify_sms_sandbox_phone_number, PhoneNumber="+4930123456", OneTimePassword="123456")
refused("ResourceNotFound", sns.delete_sms_sandbox_phone_number, PhoneNumber="+4930123456")
application = PREFIX + "app/GCM/shop"
refused("InvalidParameter", sns.create_platform_application, Name="shop", Platform="GCM", Attributes={"PlatformCredential": "x"})
assert sns.list_platform_applications()["PlatformApplications"] == []
refused("NotFound", sns.get_platform_application_attributes, PlatformApplicationArn=application)
refused("NotFound", sns.set_platform_application_attributes, PlatformApplicationArn=application, Attributes={"Enabled": "true"})
refused("NotFound", sns.create_platform_endpoint, PlatformApplicationArn=application, Token="t")
refused("NotFound", sns.list_endpoints_by_platform_application, PlatformApplicationArn=application)
sns.delete_platform_application(PlatformApplicationArn=application)
endpoint = PREFIX + "endpoint/GCM/shop/5e3e9847-3183-3f18-a7e8-671c3a57d4b3"
refused("NotFound", sns.get_endpoint_attributes, EndpointArn=endpoint)
refused("NotFound", sns.set_endpoint_attributes, EndpointArn=endpoint, Attributes={"Enabled": "true"})
refused("InvalidParameter", sns.publish, TargetArn=endpoint, Message="x")
sns.delete_endpoint(EndpointArn=endpoint)

sns.delete_topic(TopicArn=orders)
sns.delete_topic(TopicArn=orders)
assert len(sns.list_subscriptions()["Subscriptions"]) == 1
print(*sorted(sent))

// Does every operation of SNS with the JavaScript SDK and checks the answers. At its end
// it prints the names of the operations that it sent, sorted.
import assert from "node:assert/strict";
import { once, EventEmitter } from "node:events";
import http from "node:http";
import * as sns from "@aws-sdk/client-sns";
import * as sqs from "@aws-sdk/client-sqs";

const endpoint = process.env.ENDPOINT;
const prefix = "arn:aws:sns:us-east-1:000000000000:";
const queues = "arn:aws:sqs:us-east-1:000000000000:";
const config = { endpoint, region: "us-east-1", credentials: { accessKeyId: "test", secretAccessKey: "test" } };
const [topics, sender] = [new sns.SNSClient(config), new sqs.SQSClient(config)];
const sent = new Set();

const call = (name, input = {}) => {
  sent.add(name);
  return topics.send(new sns[name + "Command"](input));
};
const refused = (code, name, input) => assert.rejects(call(name, input), (e) => (assert.equal(e.name, code + "Exception"), true));

const TopicArn = (await call("CreateTopic", { Name: "orders", Tags: [{ Key: "team", Value: "mill" }] })).TopicArn;
assert.equal(TopicArn, prefix + "orders");
await call("SetTopicAttributes", { TopicArn, AttributeName: "DisplayName", AttributeValue: "Orders" });
assert.equal((await call("GetTopicAttributes", { TopicArn })).Attributes.DisplayName, "Orders");
assert.deepEqual((await call("ListTopics")).Topics, [{ TopicArn }]);
await call("TagResource", { ResourceArn: TopicArn, Tags: [{ Key: "stage", Value: "test" }] });
await call("UntagResource", { ResourceArn: TopicArn, TagKeys: ["team"] });
assert.deepEqual((await call("ListTagsForResource", { ResourceArn: TopicArn })).Tags, [{ Key: "stage", Value: "test" }]);
await call("AddPermission", { TopicArn, Label: "friend", AWSAccountId: ["222222222222"], ActionName: ["Publish"] });
await call("RemovePermission", { TopicArn, Label: "friend" });
await call("PutDataProtectionPolicy", { ResourceArn: TopicArn, DataProtectionPolicy: "{}" });
assert.equal((await call("GetDataProtectionPolicy", { ResourceArn: TopicArn })).DataProtectionPolicy, "{}");

const Policy = JSON.stringify({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Principal: { Service: "sns.amazonaws.com" }, Action: "sqs:SendMessage", Resource: queues + "q" }],
});
const { QueueUrl } = await sender.send(new sqs.CreateQueueCommand({ QueueName: "q", Attributes: { Policy } }));
const { SubscriptionArn } = await call("Subscribe", { TopicArn, Protocol: "sqs", Endpoint: queues + "q" });
await call("SetSubscriptionAttributes", { SubscriptionArn, AttributeName: "FilterPolicy", AttributeValue: '{"n":[{"numeric":[">",1]}]}' });
assert.equal((await call("GetSubscriptionAttributes", { SubscriptionArn })).Attributes.FilterPolicyScope, "MessageAttributes");
const attributes = (n) => ({ n: { DataType: "Number", StringValue: n }, b: { DataType: "Binary", BinaryValue: new Uint8Array([255]) } });
await call("Publish", { TopicArn, Message: "one", MessageAttributes: attributes("1") });
const { MessageId } = await call("Publish", { TopicArn, Message: "two", MessageAttributes: attributes("2") });
const received = await sender.send(new sqs.ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 20 }));
const notification = JSON.parse(received.Messages[0].Body);
assert.equal(notification.MessageId + notification.Message, MessageId + "two");
assert.deepEqual(notification.MessageAttributes.b, { Type: "Binary", Value: "/w==" });
const batch = await call("PublishBatch", { TopicArn, PublishBatchRequestEntries: [{ Id: "a", Message: "x" }, { Id: "b", Message: "y", Subject: "two\nlines" }] });
assert.deepEqual([batch.Successful.map((e) => e.Id), batch.Failed.map((e) => e.Id)], [["a"], ["b"]]);
await refused("InvalidParameter", "Publish", { TopicArn, Message: "" });

const posts = new EventEmitter();
const site = http.createServer((request, response) => {
  let body = "";
  request.on("data", (part) => (body += part));
  request.on("end", () => (response.end(), posts.emit("post", request.headers, body)));
});
await new Promise((listening) => site.listen(0, "127.0.0.1", listening));
const post = async (during) => {
  const [[headers, body]] = await Promise.all([once(posts, "post"), during()]);
  return { headers, ...JSON.parse(body) };
};
const { Token } = await post(() => call("Subscribe", { TopicArn, Protocol: "http", Endpoint: `http://127.0.0.1:${site.address().port}/` }));
const hook = (await call("ConfirmSubscription", { TopicArn, Token })).SubscriptionArn;
const told = await post(() => call("Publish", { TopicArn, Message: "over http" }));
assert.deepEqual([told.Message, told.headers["x-amz-sns-subscription-arn"]], ["over http", hook]);
assert.equal((await call("ListSubscriptionsByTopic", { TopicArn })).Subscriptions.length, 2);
assert.equal((await post(() => call("Unsubscribe", { SubscriptionArn: hook }))).Type, "UnsubscribeConfirmation");
assert.equal((await call("ListSubscriptions")).Subscriptions.length, 1);
site.close();
site.closeAllConnections();

const phoneNumber = "+4930123456";
assert.ok((await call("Publish", { PhoneNumber: phoneNumber, Message: "a text" })).MessageId);
await call("SetSMSAttributes", { attributes: { DefaultSMSType: "Promotional" } });
assert.deepEqual((await call("GetSMSAttributes")).attributes, { MonthlySpendLimit: "1", DefaultSMSType: "Promotional" });
assert.equal((await call("CheckIfPhoneNumberIsOptedOut", { phoneNumber })).isOptedOut, false);
assert.deepEqual((await call("ListPhoneNumbersOptedOut")).phoneNumbers, []);
await call("OptInPhoneNumber", { phoneNumber });
assert.equal((await call("GetSMSSandboxAccountStatus")).IsInSandbox, true);
assert.deepEqual((await call("ListSMSSandboxPhoneNumbers")).PhoneNumbers, []);
assert.deepEqual((await call("ListOriginationNumbers")).PhoneNumbers, []);
await refused("UserError", "CreateSMSSandboxPhoneNumber", { PhoneNumber: phoneNumber });
await refused("ResourceNotFound", "VerifySMSSandboxPhoneNumber", { PhoneNumber: phoneNumber, OneTimePassword: "123456" });
await refused("ResourceNotFound", "DeleteSMSSandboxPhoneNumber", { PhoneNumber: phoneNumber });
const PlatformApplicationArn = prefix + "app/GCM/shop";
const EndpointArn = prefix + "endpoint/GCM/shop/5e3e9847-3183-3f18-a7e8-671c3a57d4b3";
await refused("InvalidParameter", "CreatePlatformApplication", { Name: "shop", Platform: "GCM", Attributes: { PlatformCredential: "x" } });
assert.deepEqual((await call("ListPlatformApplications")).PlatformApplications, []);
await refused("NotFound", "GetPlatformApplicationAttributes", { PlatformApplicationArn });
await refused("NotFound", "SetPlatformApplicationAttributes", { PlatformApplicationArn, Attributes: { Enabled: "true" } });
await refused("NotFound", "CreatePlatformEndpoint", { PlatformApplicationArn, Token: "t" });
await refused("NotFound", "ListEndpointsByPlatformApplication", { PlatformApplicationArn });
await call("DeletePlatformApplication", { PlatformApplicationArn });
await refused("NotFound", "GetEndpointAttributes", { EndpointArn });
await refused("NotFound", "SetEndpointAttributes", { EndpointArn, Attributes: { Enabled: "true" } });
await call("DeleteEndpoint", { EndpointArn });
await call("DeleteTopic", { TopicArn });
console.log([...sent].sort().join(" "));

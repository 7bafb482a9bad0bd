# What boto3 makes of a broker that runs, and of what it takes and refuses.
import base64
import os

import boto3
from botocore.exceptions import ClientError

mq = boto3.client("mq", endpoint_url=os.environ["ENDPOINT"], region_name="us-east-1",
                  aws_access_key_id="test", aws_secret_access_key="test")

(summary,) = list(mq.get_paginator("list_brokers").paginate(PaginationConfig={"PageSize": 5}))[0]["BrokerSummaries"]
broker = mq.describe_broker(BrokerId=summary["BrokerId"])
print(broker["BrokerState"], broker["EngineType"], broker["EngineVersion"], broker["BrokerInstances"][0]["Endpoints"])
print(broker["Created"].tzinfo is not None, broker["Users"], broker["Tags"]["millrace:engine"])

made = mq.create_configuration(Name="slow", EngineType="RABBITMQ", EngineVersion="3.13")
data = base64.b64encode(b"consumer_timeout = 60000\n").decode()
updated = mq.update_configuration(ConfigurationId=made["Id"], Data=data)
read = mq.describe_configuration_revision(ConfigurationId=made["Id"], ConfigurationRevision="2")
print(updated["LatestRevision"]["Revision"], updated.get("Warnings"), base64.b64decode(read["Data"]).decode().strip())

mq.update_broker(BrokerId=broker["BrokerId"], Configuration={"Id": made["Id"], "Revision": 2})
print(mq.describe_broker(BrokerId=broker["BrokerId"])["Configurations"]["Pending"] == {"Id": made["Id"], "Revision": 2})

mq.create_tags(ResourceArn=broker["BrokerArn"], Tags={"team": "mill"})
mq.delete_tags(ResourceArn=broker["BrokerArn"], TagKeys=["team", "other"])
print(sorted(mq.list_tags(ResourceArn=broker["BrokerArn"])["Tags"]))

for call in (lambda: mq.describe_broker(BrokerId="b-none"),
             lambda: mq.create_user(BrokerId=broker["BrokerId"], Username="ada", Password="millstones-grind")):
    try:
        call()
    except ClientError as e:
        print(e.response["Error"]["Code"], e.response["ResponseMetadata"]["HTTPStatusCode"])

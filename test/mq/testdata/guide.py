# The clients of the Amazon MQ Developer Guide, "Using Python Pika with Amazon MQ for
# RabbitMQ", with the verification of what they connect to.
import os, ssl, urllib.parse
import pika

ssl_context = ssl.SSLContext(ssl.PROTOCOL_TLSv1_2)
ssl_context.set_ciphers('ECDHE+AESGCM:!ECDSA')
ssl_context.verify_mode = ssl.CERT_REQUIRED
ssl_context.check_hostname = True
ssl_context.load_verify_locations(os.environ["CA"])
user, password = (urllib.parse.quote(os.environ[n], safe="") for n in ("RABBITMQ_USER", "RABBITMQ_PASSWORD"))
parameters = pika.URLParameters(f"amqps://{user}:{password}@{os.environ['HOST']}:{os.environ['PORT']}")
parameters.ssl_options = pika.SSLOptions(context=ssl_context)
connection = pika.BlockingConnection(parameters)
channel = connection.channel()

queue = "hello world queue"
channel.queue_declare(queue=queue, durable=True)
channel.basic_publish(exchange="", routing_key=queue, body=b"Hello World!")
method, _, body = channel.basic_get(queue)
print("got", body.decode())
channel.basic_ack(method.delivery_tag)

def consume(ch, method, _, body):
    print("consumed", body.decode())
    ch.basic_ack(method.delivery_tag)
    ch.stop_consuming()

channel.basic_publish(exchange="", routing_key=queue, body=b"Hello again!")
channel.basic_consume(queue=queue, on_message_callback=consume)
channel.start_consuming()
connection.close()

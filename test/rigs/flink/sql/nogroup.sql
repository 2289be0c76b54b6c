-- no properties.group.id: KafkaSource commits nothing; idle-topic.v1 has no records, so its gauges stay at their sentinel
SET 'pipeline.name' = 'no-group';
SET 'parallelism.default' = '1';
CREATE TABLE orders (id STRING) WITH ('connector'='${CONNECTOR}', 'topic'='ods.orders-v1;idle-topic.v1', 'properties.bootstrap.servers'='${KAFKA}', 'scan.startup.mode'='earliest-offset', 'format'='csv');
CREATE TABLE counts (id STRING, n BIGINT) WITH ('connector'='blackhole');
INSERT INTO counts SELECT id, COUNT(*) FROM orders GROUP BY id;

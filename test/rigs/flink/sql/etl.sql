-- one source with a group, two subtasks over three partitions
SET 'pipeline.name' = 'orders.etl-v1';
SET 'parallelism.default' = '2';
CREATE TABLE orders (id STRING) WITH ('connector'='${CONNECTOR}', 'topic'='ods.orders-v1', 'properties.bootstrap.servers'='${KAFKA}', 'properties.group.id'='etl-orders', 'scan.startup.mode'='earliest-offset', 'format'='csv');
CREATE TABLE void (id STRING) WITH ('connector'='blackhole');
INSERT INTO void SELECT id FROM orders WHERE id <> 'none';

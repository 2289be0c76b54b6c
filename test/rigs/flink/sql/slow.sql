-- 20 ms for each record behind an unchained operator: back-pressure on the source, whose lag grows. Records are small, so
-- that ten thousand of them lie in buffers before it shows
SET 'pipeline.name' = 'slow-orders';
SET 'parallelism.default' = '1';
-- of 2.x, and of 1.x
SET 'pipeline.operator-chaining.enabled' = 'false';
SET 'pipeline.operator-chaining' = 'false';
CREATE TABLE orders (id STRING) WITH ('connector'='${CONNECTOR}', 'topic'='load.big-v1', 'properties.bootstrap.servers'='${KAFKA}', 'properties.group.id'='slow', 'scan.startup.mode'='earliest-offset', 'format'='csv');
CREATE TABLE void (id STRING) WITH ('connector'='blackhole');
CREATE TEMPORARY FUNCTION slow AS 'rig.Slow';
INSERT INTO void SELECT slow(id, 20) FROM orders;

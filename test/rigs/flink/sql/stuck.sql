-- an hour for each record, chained: the source hands on one record and stands still, and no checkpoint is ever complete
SET 'pipeline.name' = 'stuck';
SET 'parallelism.default' = '1';
CREATE TABLE pay (id STRING) WITH ('connector'='${CONNECTOR}', 'topic'='pay.events', 'properties.bootstrap.servers'='${KAFKA}', 'properties.group.id'='stuck', 'scan.startup.mode'='earliest-offset', 'format'='csv');
CREATE TABLE void (id STRING) WITH ('connector'='blackhole');
CREATE TEMPORARY FUNCTION slow AS 'rig.Slow';
INSERT INTO void SELECT slow(id, 3600000) FROM pay;

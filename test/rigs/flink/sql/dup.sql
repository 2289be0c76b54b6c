-- one job: pay.events read twice through two tables, and a datagen part without any connection to the rest
SET 'pipeline.name' = 'dup+disconnected';
SET 'parallelism.default' = '1';
CREATE TABLE pay_a (id STRING) WITH ('connector'='${CONNECTOR}', 'topic'='pay.events', 'properties.bootstrap.servers'='${KAFKA}', 'properties.group.id'='dup', 'scan.startup.mode'='earliest-offset', 'format'='csv');
CREATE TABLE pay_b (id STRING) WITH ('connector'='${CONNECTOR}', 'topic'='pay.events', 'properties.bootstrap.servers'='${KAFKA}', 'properties.group.id'='dup', 'scan.startup.mode'='earliest-offset', 'format'='csv');
CREATE TABLE gen (x INT) WITH ('connector'='datagen', 'rows-per-second'='5');
CREATE TABLE v1 (id STRING) WITH ('connector'='blackhole');
CREATE TABLE v2 (id STRING, n BIGINT) WITH ('connector'='blackhole');
CREATE TABLE v3 (x INT) WITH ('connector'='blackhole');
BEGIN STATEMENT SET;
INSERT INTO v1 SELECT id FROM pay_a WHERE id <> 'none';
INSERT INTO v2 SELECT id, COUNT(*) FROM pay_b GROUP BY id;
INSERT INTO v3 SELECT x FROM gen;
END;

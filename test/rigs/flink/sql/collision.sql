-- two topics whose names differ only by characters that the reporter's filter of label values replaces
SET 'pipeline.name' = 'collision';
SET 'parallelism.default' = '1';
CREATE TABLE t (id STRING) WITH ('connector'='${CONNECTOR}', 'topic'='col.a-v1;col_a_v1', 'properties.bootstrap.servers'='${KAFKA}', 'properties.group.id'='collision', 'scan.startup.mode'='earliest-offset', 'format'='csv');
CREATE TABLE void (id STRING) WITH ('connector'='blackhole');
INSERT INTO void SELECT id FROM t;

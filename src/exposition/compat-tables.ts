import type { ConsumerKind } from '../model/consumer.ts'
import { kafkaExporterFamilies as exporter, kafkaLagExporterFamilies as lagExporter } from './compat-families.ts'
import { brokerInfoAs, brokersAs, leaderAs, maxLagAs, ofKinds, positionSumAs, topicSizeAs } from './compat-lines.ts'
import { membersAs, totalRecordsLagAs } from './consumer-lines.ts'
import { logEndAs, logStartAs, positionAs, recordsLagAs } from './partition-lines.ts'
import type { TableRow } from './table.ts'
import { topicRecordsLagAs } from './topic-lines.ts'

/** The sets of names of other exporters that can be printed beside our own. */
export const compatNames = ['kafka_exporter', 'kafka_lag_exporter'] as const
export type CompatName = (typeof compatNames)[number]

/** kafka_exporter has consumers of ZooKeeper's days under a name of their own, and only there. */
const isOld = (kind: ConsumerKind): boolean => kind === 'zookeeper'
const isNew = (kind: ConsumerKind): boolean => kind !== 'zookeeper'

export const compatTables: Readonly<Record<CompatName, readonly TableRow[]>> = {
  kafka_exporter: [
    [exporter.brokers, brokersAs(exporter.brokers)],
    [exporter.brokerInfo, brokerInfoAs(exporter.brokerInfo)],
    [exporter.topicPartitions, topicSizeAs(exporter.topicPartitions), 'log'],
    [exporter.currentOffset, logEndAs(exporter.currentOffset), 'log'],
    [exporter.oldestOffset, logStartAs(exporter.oldestOffset), 'log'],
    [exporter.leader, leaderAs(exporter.leader), 'log'],
    [exporter.groupOffset, ofKinds(isNew, positionAs(exporter.groupOffset))],
    [exporter.groupOffsetSum, ofKinds(isNew, positionSumAs(exporter.groupOffsetSum))],
    [exporter.groupLag, ofKinds(isNew, recordsLagAs(exporter.groupLag))],
    [exporter.groupLagSum, ofKinds(isNew, topicRecordsLagAs(exporter.groupLagSum))],
    [exporter.zookeeperLag, ofKinds(isOld, recordsLagAs(exporter.zookeeperLag))],
    [exporter.members, membersAs(exporter.members)],
  ],
  kafka_lag_exporter: [
    [lagExporter.latestOffset, logEndAs(lagExporter.latestOffset), 'log'],
    [lagExporter.earliestOffset, logStartAs(lagExporter.earliestOffset), 'log'],
    [lagExporter.groupOffset, positionAs(lagExporter.groupOffset)],
    [lagExporter.groupLag, recordsLagAs(lagExporter.groupLag)],
    [lagExporter.groupTopicSumLag, topicRecordsLagAs(lagExporter.groupTopicSumLag)],
    [lagExporter.groupMaxLag, maxLagAs(lagExporter.groupMaxLag)],
    [lagExporter.groupSumLag, totalRecordsLagAs(lagExporter.groupSumLag)],
  ],
}

/** What a job is made of, as its author submits it. */
export interface JobPlan {
  readonly name: string
  readonly vertices: readonly VertexPlan[]
  /** Absent: checkpoints are off, and nothing is ever committed. */
  readonly checkpointSeconds?: number
  /** `flink.disable-metrics`: no gauges of its sources. */
  readonly disablesMetrics?: true
}

/** One vertex: what is chained together. */
export interface VertexPlan {
  readonly name: string
  /** As the plan shows it, lines ending in `\n`. */
  readonly description: string
  readonly parallelism: number
  /** Indexes of the vertices that it reads from. */
  readonly inputs: readonly number[]
  readonly source?: SourcePlan
}

/** A KafkaSource at the head of a vertex. */
export interface SourcePlan {
  /** Name of the operator, such as `Source: orders[1]`. */
  readonly operator: string
  readonly topics: readonly string[]
  /** Absent: it commits nothing. */
  readonly group?: string
  /** Records that it can emit of one partition in a second; default: as many as there are. */
  readonly recordsPerSecond?: number
  /** Records of each partition that it is behind when it starts without an offset of its group; default: all. */
  readonly startsBehind?: number
  /** Partitions of each topic that were there when it started, with the discovery of partitions off. */
  readonly partitions?: number
}

/** A table on Kafka, and what a query does with it. */
export interface PipelinePlan extends Omit<SourcePlan, 'operator'> {
  readonly table: string
  readonly sink: string
  readonly parallelism?: number
  /** With an aggregate, which is a vertex of its own; without one source and sink are chained. */
  readonly groupBy?: string
}

/**
 * The vertices that Flink SQL makes of INSERTs, one for each pipeline: they have nothing to do with each other, but the
 * job. Texts are those of 1.15 to 2.x with a sink that forgets its catalog.
 */
export function sqlVertices(...pipelines: readonly PipelinePlan[]): readonly VertexPlan[] {
  const vertices: VertexPlan[] = []
  let node = 0
  for (const { table, sink, parallelism = 1, groupBy, ...source } of pipelines) {
    const scan = `${table}[${++node}]`
    const scanNode = node
    const calc = ++node
    const operator = `Source: ${scan}`
    const head = `[${scanNode}]:TableSourceScan(table=[[default_catalog, default_database, ${table}]], fields=[id, amount, city, ts])\n+- [${calc}]:Calc(select=[${groupBy ?? 'id'}], where=[(amount > 3)])\n`
    if (groupBy === undefined) {
      const writer = `${sink}[${++node}]: Writer`
      vertices.push({
        name: `${operator} -> Calc[${calc}] -> ${writer}`,
        description: `${head}   +- ${writer}\n`,
        parallelism,
        inputs: [],
        source: { ...source, operator },
      })
      continue
    }
    const aggregate = ++node
    const writer = `${sink}[${++node}]: Writer`
    vertices.push(
      {
        name: `${operator} -> Calc[${calc}]`,
        description: head,
        parallelism,
        inputs: [],
        source: { ...source, operator },
      },
      {
        name: `GroupAggregate[${aggregate}] -> ${writer}`,
        description: `[${aggregate}]:GroupAggregate(groupBy=[${groupBy}], select=[${groupBy}, COUNT(*) AS EXPR$1])\n+- ${writer}\n`,
        parallelism,
        inputs: [vertices.length],
      },
    )
  }
  return vertices
}

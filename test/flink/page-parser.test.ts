import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createPageParser, type ParseLimits } from '../../src/flink/parse-page.ts'
import { captured, parsePage } from './captured-pages.ts'

const job = 'flink_taskmanager_job_task_'
const operator = `${job}operator_`
const current = `${operator}KafkaSourceReader_topic_partition_currentOffset`
const legacyCurrent = `${operator}KafkaConsumer_topic_partition_currentOffsets`
const whose = {
  job_id: 'j1',
  job_name: 'etl',
  task_id: 't1',
  operator_id: 'o1',
  operator_name: 'Source:_a',
  tm_id: 'tm1',
}
const which = { subtask_index: '0', task_attempt_num: '0' }
const part = { topic: 'a', partition: '3' }

function line(family: string, labels: Readonly<Record<string, string>>, value: string): string {
  const pairs = Object.entries(labels).map(([name, text]) => `${name}="${text}",`)
  return `${family}{${pairs.join('')}} ${value}\n`
}

function offset(value: string, labels: Readonly<Record<string, string>> = {}, family = current): string {
  return line(family, { ...whose, ...which, ...part, ...labels }, value)
}

function parse(text: string, limits: ParseLimits = {}) {
  const parser = createPageParser((one) => one, limits)
  parser.push(Buffer.from(text))
  return parser.end()
}

describe('createPageParser()', () => {
  it('reads both offsets of a partition, and whose they are, into one reading', () => {
    const page = parse(offset('41.0') + offset('40.0', {}, current.replace('current', 'committed')))

    expect(page).toEqual({
      tmId: 'tm1',
      partitions: [
        {
          operator: {
            jobId: 'j1',
            jobName: 'etl',
            taskId: 't1',
            operatorId: 'o1',
            operatorName: 'Source:_a',
            subtask: 0,
            attempt: 0,
          },
          generation: 'source',
          topic: 'a',
          partition: 3,
          current: 41,
          committed: 40,
        },
      ],
      operators: [expect.objectContaining({ operator: expect.objectContaining({ operatorId: 'o1' }) })],
      topicNames: new Map(),
      bytes: expect.any(Number),
      badLines: 0,
    })
  })

  it.each([
    ['0.0', 0],
    ['-0.0', 0],
    ['-1.0', -1],
    ['1.23456789E8', 123_456_789],
    ['-9.15623761773E11', -915_623_761_773],
    ['9.007199254740991E15', Number.MAX_SAFE_INTEGER],
    ['17', 17],
    ['41.0 1700000000000', 41],
    ['41.0  ', 41],
  ])('reads the offset %s as %d', (text, expected) => {
    const page = parse(offset(text))

    expect(page.partitions.map((one) => one.current)).toEqual([expected])
    expect(page.badLines).toBe(0)
  })

  it.each([
    '9.007199254740993E15',
    '9007199254740993',
    '1.5',
    'NaN',
    '-Inf',
    '+Inf',
    '',
    '0x10',
    '1e',
    'forty',
    '1 2 3',
  ])('counts an offset of "%s" as a bad line, and has no reading of it', (text) => {
    expect(parse(offset(text))).toMatchObject({ partitions: [], badLines: 1 })
  })

  it.each<[string, Readonly<Record<string, string>>]>([
    ['no job', { job_id: '' }],
    ['no topic', { topic: '' }],
    ['no partition', { partition: '' }],
    ['a negative partition', { partition: '-1' }],
    ['a partition beyond 31 bits', { partition: '2147483648' }],
    ['a subtask that is no number', { subtask_index: 'x' }],
    ['another process than the first line', { tm_id: 'tm2' }],
  ])('counts a line with %s as a bad one', (_, labels) => {
    const page = parse(offset('1.0', { partition: '0' }) + offset('2.0', labels))

    expect(page.badLines).toBe(1)
    expect(page.partitions).toHaveLength(1)
  })

  it('keeps both attempts of a subtask, and both subtasks', () => {
    const page = parse(offset('1.0') + offset('2.0', { task_attempt_num: '1' }) + offset('3.0', { subtask_index: '1' }))

    expect(page.partitions.map((one) => [one.operator.subtask, one.operator.attempt, one.current])).toEqual([
      [0, 0, 1],
      [0, 1, 2],
      [1, 0, 3],
    ])
  })

  it('reads pages whose reporter leaves out the subtask and the attempt', () => {
    const page = parse(line(current, { ...whose, ...part }, '5.0'))

    expect(page.partitions[0]).toMatchObject({ current: 5, operator: { subtask: 0, attempt: 0 } })
  })

  it('believes neither more when a series stands on the page twice with different values', () => {
    const page = parse(offset('5.0') + offset('6.0') + offset('5.0'))

    expect(page).toMatchObject({ partitions: [{ partition: 3 }], badLines: 2 })
    expect(page.partitions[0]?.current).toBeUndefined()
  })

  it('tells clusters of a DynamicKafkaSource apart, and adds up what is pending in them', () => {
    const family = current.replace('KafkaSourceReader', 'DynamicKafkaSource_kafkaCluster_KafkaSourceReader')
    const pending = `${operator}DynamicKafkaSource_kafkaCluster_pendingRecords`
    const page = parse(
      offset('5.0', { kafkaCluster: 'east' }, family) +
        offset('6.0', { kafkaCluster: 'west' }, family) +
        line(pending, { ...whose, ...which, kafkaCluster: 'east' }, '3.0') +
        line(pending, { ...whose, ...which, kafkaCluster: 'west' }, '4.0'),
    )

    expect(page.partitions.map((one) => [one.kafkaCluster, one.generation, one.current])).toEqual([
      ['east', 'source', 5],
      ['west', 'source', 6],
    ])
    expect(page.operators).toMatchObject([{ pendingRecords: 7 }])
  })

  it('reads what Flink says of an operator beside its offsets, and the back-pressure of its task', () => {
    const labels = { ...whose, ...which }
    const { operator_id: _, operator_name: __, ...task } = labels
    const page = parse(
      line(`${job}backPressuredTimeMsPerSecond`, task, '250.0') +
        line(`${job}isBackPressured`, task, '1.0') +
        line(`${operator}pendingRecords`, labels, '1542.0') +
        line(`${operator}KafkaConsumer_records_lag_max`, labels, '7.0') +
        line(`${operator}records_lag_max`, labels, '7.0') +
        line(`${operator}watermarkLag`, labels, '1200.0') +
        line(`${operator}currentEmitEventTimeLag`, labels, '30.0'),
    )

    expect(page.operators).toEqual([
      {
        operator: expect.objectContaining({ taskId: 't1', operatorId: 'o1' }),
        pendingRecords: 1542,
        recordsLagMax: 7,
        backPressure: 0.25,
        watermarkLagMs: 1200,
        emitEventTimeLagMs: 30,
      },
    ])
  })

  it('takes whether it is back-pressured where Flink is too old to say how much', () => {
    const labels = { ...whose, ...which }
    const page = parse(line(`${job}isBackPressured`, labels, '1.0') + line(`${operator}pendingRecords`, labels, '0.0'))

    expect(page.operators).toMatchObject([{ pendingRecords: 0, backPressure: 1 }])
  })

  it.each(['NaN', '-Inf', 'Infinity', '-1.0', '-9.223372036854776E18'])(
    'leaves a figure of %s out: it is not known, and no bad line',
    (text) => {
      const page = parse(line(`${operator}records_lag_max`, { ...whose, ...which }, text))

      expect(page.operators).toEqual([{ operator: expect.anything() }])
      expect(page.badLines).toBe(0)
    },
  )

  it('undoes escapes in labels that are as they are, and says so', () => {
    const page = parse(
      offset('1.0', { topic: String.raw`a"b\c`.replaceAll(/[\\"]/g, '\\$&'), job_name: '1\\n2, ä=\\"}' }),
    )

    expect(page.partitions).toMatchObject([{ topic: 'a"b\\c', operator: { jobName: '1\n2, ä="}' } }])
    expect(page.hasTrueLabels).toBe(true)
  })

  it('takes labels in any order, unknown ones, blanks, carriage returns, and no comma behind the last', () => {
    const labels = Object.entries({ ...part, host: 'x="y,}', ...which, ...whose, zone: '' }).reverse()
    const pairs = labels.map(([name, text]) => ` ${name} = "${text.replaceAll('"', '\\"')}"`).join(' ,')

    expect(parse(`${current}{${pairs} }  12.0\r\n`)).toMatchObject({ partitions: [{ current: 12 }], badLines: 0 })
  })

  it.each([
    `${current}{job_id="j1`,
    `${current}{job_id="j1"`,
    `${current}{job_id=j1} 1.0`,
    `${current}{job_id="j1" topic="a"} 1.0`,
    `${current}{job_id} 1.0`,
    `${current}{job_id="j1\\"} 1.0`,
    `${current}{`,
  ])('counts %s as a bad line and reads on', (bad) => {
    const page = parse(`${offset('1.0')}${bad}\n${offset('2.0', { partition: '4' })}`)

    expect(page).toMatchObject({ partitions: [{ current: 1 }, { current: 2 }], badLines: 1 })
  })

  it('knows the process by any line of a TaskManager that comes first', () => {
    expect(parse('flink_taskmanager_Status_JVM_CPU_Load{host="h",tm_id="tm9",} 0.5\n').tmId).toBe('tm9')
    expect(parse('flink_jobmanager_x{tm_id="tm9"} 1\nother{tm_id="tm9"} 1\n').tmId).toBeUndefined()
  })

  it('has no use for a last line that has no end', () => {
    const parser = createPageParser((one) => one)
    parser.push(Buffer.from(offset('1.0') + offset('23', { partition: '4' }).trimEnd()))

    expect(parser.isWithinLine()).toBe(true)
    expect(parser.end().partitions).toMatchObject([{ current: 1 }])
  })

  it.each([
    ['ods_orders_v1_0 ods.orders-v1-0 (scope: taskmanager_job)', ['ods.orders-v1']],
    ['a_0 a-0 (scope: x)', ['a']],
    ['a_0 b-0 (scope: x)', undefined],
    ['a_0 a-0', undefined],
    ['a_0 a (scope: x)', undefined],
    ['a_1 a-0 (scope: x)', undefined],
  ])('makes of the HELP line "%s" the topics %j', (help, expected) => {
    const page = parse(`# HELP ${operator}KafkaConsumer_current_offsets_${help}\n`)

    expect([...page.topicNames.values()].map((names) => [...names])).toEqual(expected === undefined ? [] : [expected])
  })

  it('keeps all names behind one that is shown', () => {
    const help = (topic: string, partition: number) =>
      `# HELP ${operator}KafkaConsumer_committed_offsets_a_b_${partition} ${topic}-${partition} (scope: x)\n`

    expect(parse(help('a.b', 0) + help('a-b', 1) + help('a.b', 2)).topicNames).toEqual(
      new Map([['a_b', new Set(['a.b', 'a-b'])]]),
    )
  })

  it('passes over lines above the cap, and counts those of ours', () => {
    const long = 'x'.repeat(2_000)
    const text = `${offset('1.0')}${offset('2.0', { more: long })}${line(`${job}other`, { a: long }, '1')}${offset('3.0', { partition: '4' })}`

    for (const chunkBytes of [1, 100, 5_000]) {
      const parser = createPageParser((one) => one, { mostLineBytes: 1_000 })
      const bytes = Buffer.from(text)
      for (let at = 0; at < bytes.length; at += chunkBytes) parser.push(bytes.subarray(at, at + chunkBytes))
      expect(parser.end()).toMatchObject({ partitions: [{ current: 1 }, { current: 3 }], badLines: 1 })
    }
  })

  it('says when a page has more than is kept, and keeps no more', () => {
    const parser = createPageParser((one) => one, { mostReadings: 100 })
    for (let partition = 0; partition < 10_000; partition++)
      parser.push(Buffer.from(offset('1.0', { partition: String(partition) })))

    expect(parser.isTooMuch()).toBe(true)
    expect(parser.end().partitions.length).toBeLessThan(110)
  })

  it('says when names take more than is kept', () => {
    const parser = createPageParser((one) => one, { mostText: 10_000 })
    for (let index = 0; index < 100; index++)
      parser.push(Buffer.from(offset('1.0', { job_id: `${index}`.padEnd(500) })))

    expect(parser.isTooMuch()).toBe(true)
  })

  const page = captured('1.13.6/02-running/taskmanager-1').subarray(0, 40_000)
  const crlf = Buffer.from(captured('1.20.5/06-unfiltered-labels/taskmanager-1').toString().replaceAll('\n', '\r\n'))

  it('gives the same page however its bytes are cut', () => {
    const expected = [parsePage(page), parsePage(crlf)]
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 20_000 }), { minLength: 1, maxLength: 40 }), (sizes) => {
        for (const [index, bytes] of [page, crlf].entries()) {
          const parser = createPageParser((one) => one)
          let at = 0
          for (let turn = 0; at < bytes.length; turn++) {
            // Written over afterwards, as the memory of a socket is.
            const chunk = Buffer.from(bytes.subarray(at, at + sizes[turn % sizes.length]!))
            parser.push(chunk)
            at += chunk.length
            chunk.fill(10)
          }
          expect(parser.end()).toEqual(expected[index])
        }
      }),
      { numRuns: 50 },
    )
    expect(parsePage(page, 1)).toEqual(expected[0])
  })

  it('ends well, and reads what is whole, on whatever bytes', () => {
    const pieces = fc.oneof(
      fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
      fc
        .constantFrom(...[current, legacyCurrent, '{job_id="', '",', '\\', '"', '}', '\n', '\r\n', '# HELP '])
        .map(Buffer.from),
      fc.nat(39_000).map((at) => page.subarray(at, at + 500)),
    )
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 60 }), (chunks) => {
        const parser = createPageParser((one) => one)
        for (const chunk of chunks) parser.push(chunk)
        parser.push(Buffer.from('\n'))
        parser.push(Buffer.from(offset('7.0', { job_id: 'whole', tm_id: parser.tmId() ?? 'tm1' })))
        const { partitions } = parser.end()
        expect(partitions.filter(({ operator: { jobId } }) => jobId === 'whole')).toMatchObject([{ current: 7 }])
        for (const one of partitions) expect(Number.isSafeInteger(one.current ?? one.committed)).toBe(true)
      }),
      { numRuns: 300 },
    )
  })

  it('takes 100 MB without a line end in little time, and keeps nothing of it', () => {
    const parser = createPageParser((one) => one)
    const before = process.memoryUsage()
    const cpu = process.cpuUsage()
    for (const beginning of ['flink_taskmanager_job_task_operator_', 'x', '# HELP flink_', '\0']) {
      parser.push(Buffer.from(beginning))
      const chunk = Buffer.alloc(65_536, 'y')
      for (let sent = 0; sent < 25e6; sent += chunk.length) parser.push(chunk)
      parser.push(Buffer.from('\n'))
    }
    // A chunk at a time: the processor time of all is a bound for each.
    expect(process.cpuUsage(cpu).user / 1_000 / (100e6 / 65_536)).toBeLessThan(1)
    expect(process.memoryUsage().external - before.external).toBeLessThan(20e6)
    expect(parser.end()).toMatchObject({ partitions: [], badLines: 0 })
  })
})

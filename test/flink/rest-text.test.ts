import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { filterLabel, filterRestName } from '../../src/flink/filter-label.ts'
import { parseJson } from '../../src/flink/json-in-steps.ts'
import { planText } from '../../src/flink/plan-text.ts'
import { createLogScanner } from '../../src/flink/reporter-log.ts'
import { parseReporterPorts } from '../../src/flink/reporter-ports.ts'
import { reporterSettings } from '../../src/flink/reporter-settings.ts'
import { metricPaths } from '../../src/flink/rest-metrics.ts'

describe('Flink filters', () => {
  // As pages of 1.11.4 and 2.2.1 have them, beside the names over REST.
  it.each([
    ['orders.etl-v1', 'orders_etl_v1'],
    ['dup+disconnected', 'dup_disconnected'],
    ['ods.orders-v1', 'ods_orders_v1'],
    ['127.0.0.1:20131-921450', '127_0_0_1:20131_921450'],
    ['container_1795530000000_0001_01_000002', 'container_1795530000000_0001_01_000002'],
    ['Source: orders[1] -> Calc[2] -> void[3]: Writer', 'Source:_orders_1_____Calc_2_____void_3_:_Writer'],
    [
      'GroupAggregate(groupBy=[city], select=[city, COUNT(*) AS EXPR$1]) -> Sink: Sink(table=[default_catalog.default_database.v2], fields=[city, n])',
      'GroupAggregate_groupBy__city___select__city__COUNT____AS_EXPR_1______Sink:_Sink_table__default_catalog_default_database_v2___fields__city__n__',
    ],
    ['zähler 😀', 'z_hler___'],
  ])('label value %j', (raw, shown) => {
    expect(filterLabel(raw)).toBe(shown)
  })

  it.each([
    ['ods.orders-v1', 'ods_orders-v1'],
    ['Source: orders[1]', 'Source__orders[1]'],
    [
      'Source: TableSourceScan(table=[[default_catalog, default_database, orders]], fie',
      'Source__TableSourceScan(table=[[default_catalog__default_database__orders]]__fie',
    ],
  ])('part of a metric id over REST %j', (raw, shown) => {
    expect(filterRestName(raw)).toBe(shown)
  })
})

describe('ports of a reporter', () => {
  it.each([
    ['9249', [9249]],
    ['9250-9253', [9250, 9251, 9252, 9253]],
    [' 9249, 9260 - 9261 ,9250', [9249, 9260, 9261, 9250]],
    ['9250-9252,9251-9253', [9250, 9251, 9252, 9253]],
    ['65535', [65_535]],
  ])('%j', (text, ports) => {
    expect(parseReporterPorts(text)).toEqual(ports)
  })

  it.each([
    '',
    ',',
    '0',
    '65536',
    '9260-9250',
    '9250-',
    '-9250',
    '9250,,9251',
    '92 50',
    '1-65535',
    '1-999,2000-2999',
    '9e3',
  ])('%j is none', (text) => {
    expect(parseReporterPorts(text)).toBeUndefined()
  })
})

it('the text of a plan is what it was before Flink made HTML of it', () => {
  expect(planText('[1]:Calc(where=[(a &gt; 1)], b=[&quot;x&quot;])<br/>+- C:&#92;d &amp;lt; &#x27;&apos;<BR />')).toBe(
    '[1]:Calc(where=[(a > 1)], b=["x"])\n+- C:\\d &lt; \'\'\n',
  )
  expect(planText('&lt;br/&gt; &unknown; &#9999999; & ; <b>')).toBe('<br/> &unknown; &#9999999; & ; <b>')
})

describe('reporters in the settings of Flink', () => {
  const factory = 'org.apache.flink.metrics.prometheus.PrometheusReporterFactory'

  it('are all of Prometheus, however they are named', () => {
    const settings = reporterSettings(
      new Map([
        ['metrics.reporter.prom.factory.class', factory],
        ['metrics.reporter.prom.port', '9250-9260'],
        ['metrics.reporter.old.class', 'org.apache.flink.metrics.prometheus.PrometheusReporter'],
        ['metrics.reporter.old.filterLabelValueCharacters', 'False'],
        [
          'metrics.reporter.push.factory.class',
          'org.apache.flink.metrics.prometheus.PrometheusPushGatewayReporterFactory',
        ],
        ['metrics.reporter.jmx.factory.class', 'org.apache.flink.metrics.jmx.JMXReporterFactory'],
        ['metrics.reporter.jmx.port', '8789'],
        ['rest.port', '8081'],
      ]),
    )

    expect(settings).toEqual([
      { name: 'prom', configuredBy: 'factory', port: '9250-9260', filtersLabels: true },
      { name: 'old', configuredBy: 'class', filtersLabels: false },
    ])
  })

  it.each([
    ['a', ['a']],
    ['a, b', ['a', 'b']],
    ["['a', 'b']", ['a', 'b']],
    ['a;b', ['a', 'b']],
    ['jmx', []],
    ['', ['a', 'b']],
  ])('are only those in the list %j', (list, names) => {
    const settings = reporterSettings(
      new Map([
        ['metrics.reporters', list],
        ['metrics.reporter.a.factory.class', factory],
        ['metrics.reporter.b.factory.class', `"${factory}"`],
      ]),
    )

    expect(settings.map(({ name }) => name)).toEqual(names)
  })
})

describe('JSON in steps', () => {
  it('is what JSON.parse makes of it, long or short', async () => {
    await fc.assert(
      fc.asyncProperty(fc.json({ maxDepth: 4 }), fc.nat(3), async (json, depth) => {
        // Long enough to be cut, with the drawn value at its beginning, in its middle and at its end.
        const filler = JSON.stringify('x\\"]}[{,'.repeat(5_000))
        let text = `[${json},${filler},${filler}, ${json} ,${filler},${filler},${json}]`
        for (let level = 0; level < depth; level++)
          text = ` {"a":1, "b\\"" : ${text} ,"__proto__":[${json}],"a":${json}}\n`

        expect(text.length).toBeGreaterThan(128 * 1024)
        expect(await parseJson(text)).toEqual(JSON.parse(text))
      }),
      { numRuns: 40 },
    )
  })

  it.each([
    ['two commas', (long: string) => `[${long},,${long}]`],
    ['a comma at the end', (long: string) => `[${long},${long},]`],
    ['a comma at the start', (long: string) => `[,${long},${long}]`],
    ['the wrong bracket', (long: string) => `[${long},${long}}`],
    ['more behind the end', (long: string) => `[${long},${long}]]`],
    ['no end', (long: string) => `[${long},${long}`],
    ['a text without end', (long: string) => `[${long},"${long.slice(1, -1)}`],
    ['a key that is none', (long: string) => `{1:[${long},${long}]}`],
    ['no value', (long: string) => `{"a"${long},"b":${long}}`],
    ['no JSON', (long: string) => `x${long}${long}`],
  ])('is refused with %s', async (_, make) => {
    const text = make(JSON.stringify('y'.repeat(140_000)))

    expect(() => JSON.parse(text)).toThrow(SyntaxError)
    await expect(parseJson(text)).rejects.toThrow(SyntaxError)
  })

  it('has limits to depth and number, so that little text cannot become much work', async () => {
    const long = `"${'y'.repeat(140_000)}"`
    const deep = `${'['.repeat(40)}${long}${']'.repeat(40)}`

    await expect(parseJson(deep)).rejects.toThrow('nested deeper than 32')
    await expect(parseJson(`[${'{},'.repeat(1e6)}1]`)).rejects.toThrow('more than 800000 values')
    await expect(parseJson('['.repeat(4e6))).rejects.toThrow(SyntaxError)
  })
})

it('paths for metrics hold as many ids as fit, and none that cannot be asked for', () => {
  const paths = metricPaths('/m', [
    'a b',
    'x,y',
    '\ud800',
    'z'.repeat(4_000),
    ...Array.from({ length: 40 }, () => '['.repeat(100)),
  ])

  expect(paths[0]?.startsWith('/m?get=a%20b,%5B')).toBe(true)
  expect(paths.map((path) => path.split(',').length)).toEqual([12, 11, 11, 7])
  expect(Math.max(...paths.map((path) => path.length))).toBeLessThanOrEqual(3_500)
  expect(metricPaths('/m', [])).toEqual([])
})

it('a log is scanned in pieces of any size', () => {
  const log = `a\nStarted PrometheusReporter HTTP server on port 9250.\nStarting TaskManager with ResourceID: container_1(node:1)\n${'z'.repeat(9_000)}\nStarted PrometheusReporter HTTP server on port 9251.`
  for (const size of [1, 7, 64, 5_000, 100_000]) {
    const scanner = createLogScanner()
    for (let at = 0; at < log.length; at += size) scanner.push(log.slice(at, at + size))

    expect(scanner.end()).toEqual([{ port: 9250, process: 'container_1' }, { port: 9251 }])
  }
})

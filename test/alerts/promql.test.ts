import { describe, expect, it } from 'vitest'
import { readExpression, unknownNames } from './promql.ts'

describe('readExpression()', () => {
  it.each([
    ['up == 0', ['up']],
    ['time() - max without (instance, pod) (a_seconds) > 600', ['a_seconds']],
    ['sum by (state) (a{b!~"c|d", e="x_y{z}"}) or 0 * sum(f)', ['a', 'f']],
    ['max(min_over_time(a[10m] offset 5m)) > bool ignoring (x) group_right () b', ['a', 'b']],
    ['a:b_c:d{e="f"} - max(g:h:i) or j', ['a:b_c:d', 'g:h:i', 'j']],
    ['a and topk(20, rate(b{c=~"$c"}[$__rate_interval] @ end()))', ['a', 'b']],
  ])('finds the metrics of %s', (expression, metrics) => {
    const found = readExpression(expression)

    expect(found.metrics).toEqual(metrics)
  })
})

describe('unknownNames()', () => {
  it('knows a label that the expression itself makes', () => {
    expect(unknownNames('max without (as) (label_replace(up, "as", "x", "", ""))')).toEqual([])
  })

  it.each([
    ['a metric that nobody prints', 'stream_consumer_lag > 1', ['stream_consumer_lag']],
    ['a label that the metric has not', 'lagkeeper_targets{topic="a"}', ['lagkeeper_targets{topic}']],
    ['a group by an unknown label', 'sum by (cluster) (lagkeeper_targets)', ['cluster']],
    ['a rate of a gauge', 'rate(lagkeeper_targets[5m])', ['rate(lagkeeper_targets) of a gauge']],
    [
      'a deriv of a counter',
      'deriv(lagkeeper_kafka_requests_total[5m])',
      ['deriv(lagkeeper_kafka_requests_total) of a counter'],
    ],
  ])('finds %s', (_, expression, wrong) => {
    expect(unknownNames(expression)).toEqual(wrong)
  })
})

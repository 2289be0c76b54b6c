import { describe, expect, it } from 'vitest'
import { kafkaFilters } from '../../src/app/kafka-filters.ts'
import { configSchema } from '../../src/app/schema.ts'
import { loadConfig } from '../../src/config/load.ts'

function filters(options: string) {
  const text = `kafka: [ { name: a, bootstrap: "b:1", ${options} } ]`
  const [cluster] = loadConfig(configSchema, { text, env: {} }).kafka
  if (cluster === undefined) throw new Error('no cluster')
  return kafkaFilters(cluster)
}

describe('kafkaFilters()', () => {
  it('keep everything but internal topics by default', () => {
    const { keepConsumer, keepTopic, noPosition } = filters('')

    expect([keepConsumer('a'), keepConsumer('(empty)'), keepTopic('orders'), keepTopic('__mine')]).toEqual([
      true,
      true,
      true,
      true,
    ])
    expect(['__consumer_offsets', '__transaction_state', '__share_group_state'].map(keepTopic)).toEqual([
      false,
      false,
      false,
    ])
    expect(noPosition('a')).toBe('ignore')
  })

  it('take the first consumer rule that matches, and leave out a consumer without one', () => {
    const { keepConsumer, noPosition } = filters(
      'consumers: [ { match: "a.*", no_position: start }, { match: "ab|c", no_position: void } ]',
    )

    expect(['a', 'ab', 'c', 'd'].map(keepConsumer)).toEqual([true, true, true, false])
    expect(['a', 'ab', 'c'].map(noPosition)).toEqual(['start', 'start', 'void'])
  })

  it('let exclude win over include', () => {
    const { keepTopic } = filters('topics: { include: [ "a.*", b ], exclude: [ "ax.*" ] }')

    expect(['a', 'b', 'ax1', 'c'].map(keepTopic)).toEqual([true, true, false, false])
  })

  it('keep internal topics when asked to', () => {
    expect(filters('internal_topics: true').keepTopic('__consumer_offsets')).toBe(true)
  })
})

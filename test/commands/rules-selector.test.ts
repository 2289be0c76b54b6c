import { describe, expect, it } from 'vitest'
import { configSchema } from '../../src/app/schema.ts'
import { quoted, select } from '../../src/commands/rules-selector.ts'

/** `consumer topic` of each rule; the last one is asked about. */
function selected(rules: readonly string[], cluster?: string): ReturnType<typeof select> {
  const { objectives } = configSchema.parse({
    objectives: rules.map((text) => {
      const [consumer, topic = '.*'] = text.split(' ')
      return { consumer, topic, records: 1, owner: 'o' }
    }),
  })
  const rule = objectives.at(-1)
  if (rule === undefined) throw new Error('No rule')
  return select(rule, objectives.slice(0, -1), cluster)
}

describe('select()', () => {
  it.each([
    ['everything', ['.*'], ''],
    ['a name', ['orders-etl'], 'consumer="orders-etl"'],
    ['patterns', ['orders.* audit-\\d+'], 'consumer=~"orders.*", topic=~"audit-\\\\d+"'],
    ['an earlier name', ['orders-etl', 'orders.*'], 'consumer=~"orders.*", consumer!="orders-etl"'],
    ['an earlier pattern', ['orders.*', '.*'], 'consumer!~"orders.*"'],
    ['two earlier patterns', ['a.*', 'b.*', '.* t'], 'topic="t", consumer!~"a.*", consumer!~"b.*"'],
    ['an earlier topic', ['.* t.*', 'c.*'], 'consumer=~"c.*", topic!~"t.*"'],
    ['the same consumers on a topic', ['c.* t', 'c.*'], 'consumer=~"c.*", topic!="t"'],
    ['another name', ['a', 'b'], 'consumer="b"'],
    ['a name that the earlier pattern does not match', ['a.*', 'b'], 'consumer="b"'],
    ['a topic that the earlier pattern does not match', ['.* a.*', '.* b'], 'topic="b"'],
    ['what an earlier one says already', ['orders-etl t', 'orders.*', '.*'], 'consumer!~"orders.*"'],
    ['the same twice', ['a.*', 'a.*', '.*'], 'consumer!~"a.*"'],
  ])('matches %s', (_, rules, matchers) => {
    expect(selected(rules)).toEqual({ matchers, unless: [] })
  })

  it('takes the series of earlier ones away where matchers cannot: a pattern of consumers on some topics', () => {
    expect(selected(['a.* t', 'b u.*', '.*'], 'main')).toEqual({
      matchers: 'kafka_cluster="main"',
      unless: ['kafka_cluster="main", consumer=~"a.*", topic="t"', 'kafka_cluster="main", consumer="b", topic=~"u.*"'],
    })
  })

  it.each([[['.*', 'a']], [['a.*', 'a.* t']], [['a.* t.*', 'ab tc']]])(
    'finds nothing left of the last of %j',
    (rules) => {
      expect(selected(rules)).toBeUndefined()
    },
  )
})

describe('quoted()', () => {
  it('writes what PromQL and YAML both read as the text', () => {
    expect(quoted('a"b\\d\n\x7f\x85é')).toBe('"a\\"b\\\\d\\n\\u007f\\u0085é"')
  })
})

import { describe, expect, it } from 'vitest'
import type { Answer } from './answers.ts'
import { everything, substitute } from './answers.ts'
import { type Panel, panelsOf, readDashboards } from './dashboard-file.ts'
import { draw } from './draw.ts'

const [fleet] = readDashboards()
const span = { from: 0, to: 7_200 }

describe('a preview', () => {
  it('says that it is none of Grafana', () => {
    expect(picture(() => [])).toContain("Preview drawn from the dashboard's queries")
    expect(picture(() => [])).toContain('not Grafana')
  })

  it('shows that there is no data, never a zero', () => {
    const empty = picture(() => [])

    expect(empty.match(/No data/g)).toHaveLength(
      panelsOf(fleet!.dashboard).filter(({ type }) => type === 'timeseries').length,
    )
    expect(empty).toContain('>no objective<')
  })

  it('lets a line stop where samples are missing', () => {
    const values = [0, 60, 3_600, 3_660].map((time) => [time, 1] as const)
    const text = picture(({ title }) => (title === 'Records lag, by consumer' ? [answer({}, values)] : []))

    expect(text.match(/stroke-width="1.3"/g)).toHaveLength(2)
  })

  it('merges the columns of a table by the labels they share, the worst row first', () => {
    const ofTable: readonly Answer[] = [
      { ...answer({ consumer: 'fine' }, [[0, 0]]), refId: 'A' },
      { ...answer({ consumer: 'worst' }, [[0, 5]]), refId: 'A' },
      { ...answer({ consumer: 'fine' }, [[0, 7]]), refId: 'D' },
    ]
    const text = picture(({ title }) => (title === 'Consumers, worst first' ? ofTable : []))
    const words = [...text.matchAll(/>(fine|worst|ok|stopped|7 s|–)</g)].map(([, word]) => word)

    expect(words.filter((word) => word === '–')).toHaveLength(1)
    expect(words.join(' ')).toContain('worst fine')
    expect(words).toContain('7 s')
  })

  it('keeps names from being markup', () => {
    const text = picture(({ title }) =>
      title === 'Records lag, by consumer' ? [{ ...answer({}, [[0, 1]]), name: '<b>&"' }] : [],
    )

    expect(text).toContain('&lt;b>&amp;&quot;')
  })
})

describe('substitute', () => {
  it('fills in variables and macros, with a format or without', () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of Grafana
    const query = 'a{b=~"$topic", c="${consumer:regex}"}[$__rate_interval]'

    expect(substitute(query, everything)).toBe('a{b=~".+", c=".+"}[4m]')
    expect(() => substitute('a{b="$nobody"}', everything)).toThrow('Fill in "a{b="$nobody"}": no value for "$nobody"')
  })
})

function picture(answers: (panel: Panel) => readonly Answer[]): string {
  return draw(fleet!.dashboard, answers, span)
}

function answer(labels: Readonly<Record<string, string>>, values: Answer['values']): Answer {
  return { refId: 'A', name: 'some', labels, values }
}

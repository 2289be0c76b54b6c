import { expect, it } from 'vitest'
import { compatibilityPage, writtenCompatibility } from '../matrix/compatibility.ts'
import { readResults } from '../matrix/compatibility-results.ts'
import { kafkaMatrix, matrixName } from '../matrix/kafka-versions.ts'

it('docs/compatibility.md is what the results say (else run `npx tsx test/matrix/compatibility.ts --write`)', () => {
  expect(writtenCompatibility()).toBe(compatibilityPage(readResults()))
})

it('the results are of rows that the matrix has, in its order', () => {
  const order = kafkaMatrix.map(matrixName)
  const names = readResults().versions.map(({ name }) => name)

  expect(names).toEqual(order.filter((name) => names.includes(name)))
})

it('the page says of a row that was not measured that it was not, and counts what was', () => {
  const page = compatibilityPage({
    versions: [
      {
        name: '3.9.2, KRaft',
        consumers: 77,
        compared: 51_734,
        wrong: 0,
        unknown: { no_position: 3, position_beyond_end: 5 },
        missing: {},
        byTools: 2_000,
        requests: { ListGroups: 1, ListOffsets: 1.5 },
      },
    ],
    faults: [{ name: 'a frozen broker', cycles: 5, compared: 40, wrong: 1, unknown: {}, missing: { end_unknown: 9 } }],
  })

  expect(page).toContain(
    '| 3.9.2, KRaft | 77 | 51,734 | 0 | 0 | 3 no_position, 5 position_beyond_end | 2.5 (ListGroups 1, ListOffsets 1.5) | 2,000 |',
  )
  expect(page).toContain('| 3.9.1, KRaft | not measured |')
  expect(page).toContain('| a frozen broker | 5 | 40 | 1 | 9 end_unknown |')
  expect(page).toContain('51,774 rows of a consumer and a partition')
  expect(page).toContain('**1 were wrong**')
})

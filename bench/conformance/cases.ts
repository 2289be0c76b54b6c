import type { TruthRow } from './truth.ts'

/** One way in which lag exporters differ. */
export interface Case {
  readonly id: string
  /** In words, for the table of docs/conformance.md. */
  readonly what: string
  readonly truth: string
  readonly holds: (row: TruthRow) => boolean
  /** What is true too under a definition that the offsets alone do not show. */
  readonly alsoRight?: readonly bigint[]
}

/** In this order: a row belongs to the first that holds. Names are those of `test/loads/edge-load.ts` and `load.ts`. */
export const cases: readonly Case[] = [
  {
    id: 'plain',
    what: 'ordinary commits: ten groups on up to 200 topics',
    truth: 'end − position',
    holds: ({ group, isCommitted }) => isCommitted && (group.startsWith('wide-') || group === 'dots'),
  },
  {
    id: 'caught-up',
    what: 'caught up; and an empty partition with commit 0',
    truth: '0',
    holds: ({ group, isCommitted }) => isCommitted && (group === 'half' || group === 'nothing-there'),
  },
  {
    id: 'beyond',
    what: 'commit 190, end 100; commit 5 on an empty partition',
    truth: 'no lag',
    holds: ({ group, why }) => group === 'beyond' && why === 'position_beyond_end',
  },
  {
    id: 'beside-beyond',
    what: 'the next partition of the same group: commit 3, end 7',
    truth: '4',
    holds: ({ group, isCommitted }) => group === 'beyond' && isCommitted,
  },
  {
    id: 'recreated',
    what: 'topic deleted and created again: commit 40, end 5',
    truth: 'no lag',
    holds: ({ group, isCommitted }) => group === 'of-the-reborn' && isCommitted,
  },
  {
    id: 'below',
    what: 'commit 20, log start 60, end 80',
    truth: '20 are still there; 60 by offsets',
    holds: ({ topic, partition, isCommitted }) => topic === 'trimmed' && partition === 0 && isCommitted,
  },
  {
    id: 'above-start',
    what: 'commit 70, log start 60, end 80',
    truth: '10',
    holds: ({ topic, isCommitted }) => topic === 'trimmed' && isCommitted,
  },
  {
    id: 'marker',
    what: '5 records of a committed transaction, commit 5, end 6: the marker is left',
    truth: '1 by offsets; 0 records',
    holds: ({ topic, partition, isCommitted }) => topic === 'transactions' && partition === 0 && isCommitted,
    alsoRight: [0n],
  },
  {
    id: 'aborted',
    what: '5 records aborted, their marker, 4 more; commit 6',
    truth: '4',
    holds: ({ topic, partition, isCommitted }) => topic === 'transactions' && partition === 1 && isCommitted,
  },
  {
    id: 'open',
    what: '4 records of an open transaction, commit 0',
    truth: '4; 0 of them may be read by read_committed',
    holds: ({ topic, partition, isCommitted }) => topic === 'transactions' && partition === 2 && isCommitted,
  },
  {
    id: 'part',
    what: 'partitions without a commit of topics on which the group has one',
    truth: 'nothing; 0 when empty',
    holds: ({ group, isCommitted }) => !isCommitted && group !== 'live',
  },
  {
    id: 'assigned',
    what: 'a member without any commit',
    truth: 'nothing; 0 when empty',
    holds: ({ group }) => group === 'live',
  },
  {
    id: 'deleted',
    what: 'topic deleted, two commits left on it',
    truth: 'no lag',
    holds: ({ why }) => why === 'topic_deleted',
  },
  {
    id: 'survivors',
    what: 'other topics of groups that had a deleted one',
    truth: '40; 6',
    holds: ({ group }) => group === 'of-the-gone' || group === 'of-the-doomed',
  },
  {
    id: 'empty-id',
    what: 'empty group id',
    truth: '43',
    holds: ({ group }) => group === '',
  },
  {
    id: 'nul-id',
    what: 'group id with a NUL byte',
    truth: '43',
    holds: ({ group }) => group.includes('\u0000'),
  },
  {
    id: 'odd-ids',
    what: 'group ids with quotes, newline, CR LF, backslash, tab, blanks, braces, comma and colon, Cyrillic and Han, emoji, and 200 characters',
    truth: '43 each',
    holds: ({ topic, partition }) => topic === 'orders' && partition === 0,
  },
]

/** The truth with what is true of each case besides. @throws Error when a case has no row, or a row no case */
export function withCases(truth: readonly TruthRow[]): readonly TruthRow[] {
  const empty = new Set(cases.map(({ id }) => id))
  const rows = truth.map((row) => {
    const { id, alsoRight = [] } = caseOf(row)
    empty.delete(id)
    return { ...row, lags: [...new Set([...row.lags, ...alsoRight])] }
  })
  for (const id of empty) throw new Error(`Case "${id}": the load has no row for it`)
  return rows
}

/** @throws Error when the row belongs to none */
export function caseOf(row: TruthRow): Case {
  const found = cases.find(({ holds }) => holds(row))
  if (found === undefined)
    throw new Error(`Sort row of group "${row.group}" on ${row.topic}/${row.partition}: it belongs to no case`)
  return found
}

import { expect, it } from 'vitest'
import { parseGroupRows } from './kafka-tool.ts'

const row = { group: 'g', topic: 't', partition: 1, current: 12n, end: 20n, lag: 8n }

it.each([
  [
    '0.8.2, ConsumerOffsetChecker',
    `Group           Topic                          Pid Offset          logSize         Lag             Owner
g               t                              1   12              20              8               none
`,
  ],
  [
    '0.9, which parts columns by commas',
    `GROUP, TOPIC, PARTITION, CURRENT OFFSET, LOG END OFFSET, LAG, OWNER
g, t, 1, 12, 20, 8, consumer-1_/127.0.0.1
`,
  ],
  [
    '1.1, without the group',
    `Note: This will not show information about old Zookeeper-based consumers.

TOPIC                          PARTITION  CURRENT-OFFSET  LOG-END-OFFSET  LAG        CONSUMER-ID   HOST    CLIENT-ID
t                              1          12              20              8          -             -       -
`,
  ],
  [
    '3.9',
    `
GROUP           TOPIC           PARTITION  CURRENT-OFFSET  LOG-END-OFFSET  LAG             CONSUMER-ID     HOST            CLIENT-ID
g               t               1          12              20              8               -               -               -
`,
  ],
  [
    '4.1, with a leader epoch',
    `
GROUP           TOPIC           PARTITION  LEADER-EPOCH  CURRENT-OFFSET  LOG-END-OFFSET  LAG  CONSUMER-ID  HOST  CLIENT-ID
g               t               1          -             12              20              8    -            -     -
`,
  ],
])('The group tool of %s is read', (_, output) => {
  expect(parseGroupRows(output, 'g')).toEqual([row])
})

it('What a tool does not know is absent', () => {
  const old = parseGroupRows(
    'GROUP, TOPIC, PARTITION, CURRENT OFFSET, LOG END OFFSET, LAG, OWNER\ng, t, 1, unknown, 20, unknown, c_/h\n',
  )
  const now = parseGroupRows(
    'GROUP TOPIC PARTITION CURRENT-OFFSET LOG-END-OFFSET LAG CONSUMER-ID HOST CLIENT-ID\ng t 1 - 20 - c /h c\ng - - - - - - - -\n',
  )

  expect(old).toEqual([{ ...row, current: undefined, lag: undefined }])
  expect(now).toEqual(old)
})

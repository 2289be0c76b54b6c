import { describe, expect, it } from 'vitest'
import { bigCluster } from '../../src/simulator/load.ts'
import { askCommits, askMetadata, askOffset } from './ask.ts'

const shape = { brokers: 1, topics: 3, partitionsPerTopic: 4, groups: 4, partitionsPerGroup: 5 }

describe('bigCluster()', () => {
  it('makes logs in all partitions and groups that go round over them', async () => {
    await using cluster = await bigCluster(shape)
    const [address = ''] = cluster.bootstrap

    const { topics } = await askMetadata(address)
    const commits = await Promise.all(['group-00000', 'group-00002'].map((group) => askCommits(address, group)))

    expect(topics.map(({ name, partitions }) => [name, partitions.length])).toEqual([
      ['topic-00000', 4],
      ['topic-00001', 4],
      ['topic-00002', 4],
    ])
    expect(await askOffset(address, 'topic-00002', 3)).toBeGreaterThan(0n)
    expect(commits.map((of) => Object.keys(of))).toEqual([
      ['topic-00000-0', 'topic-00000-1', 'topic-00000-2', 'topic-00000-3', 'topic-00001-0'],
      ['topic-00002-2', 'topic-00002-3', 'topic-00000-0', 'topic-00000-1', 'topic-00000-2'],
    ])
  })

  it('moves everything when told to', async () => {
    await using cluster = await bigCluster(shape)
    const [address = ''] = cluster.bootstrap
    const before = await askOffset(address, 'topic-00001', 2)

    await cluster.advance()

    const after = await askOffset(address, 'topic-00001', 2)
    expect(Number(after)).toBeGreaterThan(Number(before))
  })
})

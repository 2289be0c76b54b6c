import { z } from 'zod'
import { besideOthers, distinct, member, onlyTogether } from '../config/rules.ts'
import { text } from '../config/text-options.ts'
import { mostShards } from '../targets/slice.ts'

const file = z
  .strictObject({
    path: text('the path of a file that ends in .json', /.\.json$/s).describe(
      'File for `file_sd_configs`; its directory must exist. Relative to the directory the daemon is started in.',
    ),
    namespace: text('a namespace').optional().describe('Only targets of this namespace.'),
    kind: text('a kind, such as flink').optional().describe('Only targets of this kind.'),
    flink_cluster: text('the name of a Flink cluster').optional().describe('Only targets of this Flink cluster.'),
    shard: z.int().min(0).optional().describe('Only one part of the targets, counted from 0; needs `of`.'),
    of: z.int().min(1).max(mostShards).optional().describe('How many parts there are; needs `shard`.'),
  })
  .superRefine(onlyTogether('shard', 'of'), besideOthers)
  .superRefine(shardBelow, besideOthers)

/** Target lists as files, for a Prometheus that cannot ask over HTTP. */
export const fileSdSchema = file.array().superRefine(distinct('path'), besideOthers)

export type FileSdConfig = Readonly<z.output<typeof file>>

function shardBelow(value: unknown, context: z.core.$RefinementCtx): void {
  const [shard, of] = [member(value, 'shard'), member(value, 'of')]
  if (typeof shard === 'number' && typeof of === 'number' && shard >= of)
    context.addIssue({ code: 'custom', path: ['shard'], message: 'expected less than "of"' })
}

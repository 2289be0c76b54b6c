import { z } from 'zod'
import { text } from '../config/text-options.ts'
import { foreignFormatNames } from '../discovery/foreign-formats.ts'
import { isValidPath } from '../zookeeper/paths.ts'

/** `zookeeper.foreign`: members that others write in the same ZooKeeper. */
export const foreignSchema = z
  .strictObject({
    path: text('an absolute path of a znode such as /services', {
      test: (path) => path !== '/' && isValidPath(path),
    }).describe('Where they are, counted from the root of ZooKeeper: the path in `connect` is not put before it.'),
    format: z.enum(foreignFormatNames).describe('What their documents look like.'),
    namespace: text('1 to 63 letters, digits, ".", "_" or "-"', /^[a-zA-Z0-9][a-zA-Z0-9._-]{0,62}$/).describe(
      'Namespace under which they are listed.',
    ),
    endpoint: text('the name of an endpoint', /^[^\p{Cc}\p{Cs}]{1,63}$/u)
      .optional()
      .describe('Which of several endpoints has the metrics: a key of `additionalEndpoints`, or `ssl` for Curator.'),
  })
  .array()
  .prefault([])
  .describe('Znodes of others that are served to Prometheus too.')

export type ForeignConfig = z.output<typeof foreignSchema>

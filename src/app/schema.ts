import { z } from 'zod'
import { listenAddress } from '../config/address.ts'
import { duration } from '../config/duration.ts'
import { besideOthers, member } from '../config/rules.ts'
import { file, secret, text } from '../config/text-options.ts'
import { logFormats, logLevels } from '../runtime/logger.ts'
import { cidrRule, isCidr, privateNetworks } from '../targets/address-guard.ts'
import { expositionSchema } from './exposition-schema.ts'
import { fileSdSchema } from './file-sd-schema.ts'
import { flinkClustersFit, flinkSchema } from './flink-schema.ts'
import { kafkaSchema } from './kafka-schema.ts'
import { objectiveSchema } from './objectives-schema.ts'
import { advertiseUrl, replicasSchema, sharingNeedsZookeeper } from './replicas-schema.ts'
import { tokenList } from './token-schema.ts'
import { yarnSchema } from './yarn-schema.ts'
import { zookeeperSchema } from './zookeeper-schema.ts'

const web = z.strictObject({
  listen_address: listenAddress()
    .prefault(':10390')
    .describe('Address and port for HTTP; without a host every address of the machine, with port 0 any free port.'),
  advertise_url: advertiseUrl()
    .optional()
    .describe(
      'Where other replicas reach this one; without it the host of `listen_address`, or else the name of this machine.',
    ),
  config_file: file()
    .optional()
    .describe(
      "File with TLS, client certificates and users, in the format of Prometheus' `--web.config.file`; read again when it changes.",
    ),
})

const storage = z.strictObject({
  path: text('a directory')
    .prefault('./data')
    .describe('Directory for what must survive a restart; relative to the directory the daemon is started in.'),
})

const registration = z.strictObject({
  allowed_cidrs: text(cidrRule, { test: isCidr })
    .array()
    .prefault([...privateNetworks])
    .describe('Networks in which registered addresses may lie.'),
  token: secret()
    .optional()
    .describe(
      'One token that may do everything, for a single team; without it and `tokens` only this machine may register.',
    ),
  tokens: tokenList.describe('Tokens with limits; several are good at once.'),
  audit_file: text('the path of a file')
    .optional()
    .describe(
      'File for one JSON line per change, relative to where the daemon is started; without it they are in the log.',
    ),
  default_lease: duration('5s', '1h')
    .prefault('30s')
    .describe('How long a registration lives without a heartbeat when it does not say so itself.'),
})

const log = z.strictObject({
  level: z.enum(logLevels).prefault('info').describe('Least important lines that are written.'),
  format: z
    .enum(logFormats)
    .prefault('auto')
    .describe('Form of the lines on standard error. `auto` is text on a terminal and JSON elsewhere.'),
})

/** The whole configuration file; the docs and `config/example.yaml` are held against it. */
export const configSchema = z
  .strictObject({
    web: web.prefault({}).describe('The HTTP server.'),
    interval: duration('1s', '1h')
      .prefault('15s')
      .describe('Time between two cycles of a Kafka cluster. A scrape never causes a request to Kafka.'),
    kafka: kafkaSchema.optional().describe('Kafka clusters to watch.'),
    flink: flinkSchema
      .prefault([])
      .describe('Flink clusters whose address is known: their jobs, processes and positions.'),
    yarn: yarnSchema
      .prefault([])
      .describe('YARN clusters in which Flink applications are found; the name of each is its `flink_cluster`.'),
    status: z
      .strictObject({
        window: duration('30s', '6h')
          .prefault('10m')
          .describe('What the status of a consumer is decided over; longer for those that commit seldom.'),
      })
      .prefault({})
      .describe('How consumers are judged.'),
    exposition: expositionSchema.prefault({}).describe('What is on the page `/metrics`.'),
    storage: storage.prefault({}).describe('What is kept on disk.'),
    zookeeper: zookeeperSchema
      .optional()
      .describe('Keeps registrations in ZooKeeper and shares them between replicas; without it they are kept on disk.'),
    replicas: replicasSchema.prefault({}).describe('Several Lagkeepers side by side, which share `zookeeper`.'),
    registration: registration.prefault({}).describe('Registrations over HTTP.'),
    service_discovery: z
      .strictObject({ files: fileSdSchema.prefault([]).describe('Target lists as files, for `file_sd_configs`.') })
      .prefault({})
      .describe('Ways to the target list besides HTTP.'),
    objectives: objectiveSchema
      .array()
      .prefault([])
      .describe('Lags that somebody promised; the first rule per severity counts.'),
    log: log.prefault({}).describe('The log.'),
    demo: z
      .boolean()
      .optional()
      .describe(
        '`true`: watch a simulated cluster named `demo`; `false`: never do so. Without a file the demo runs when there is neither `kafka` nor `zookeeper`.',
      ),
  })
  .superRefine(demoAlone, besideOthers)
  .superRefine(sharingNeedsZookeeper, besideOthers)
  .superRefine(flinkClustersFit, besideOthers)
  .transform(({ kafka = [], ...rest }) => ({
    ...rest,
    kafka: kafka.map((cluster) => ({ ...cluster, interval: cluster.interval ?? rest.interval })),
  }))

/** The configuration with every default filled in. Durations are milliseconds. */
export type Config = z.output<typeof configSchema>

function demoAlone(value: unknown, context: z.core.$RefinementCtx): void {
  if (member(value, 'demo') === true && member(value, 'kafka') !== undefined)
    context.addIssue({
      code: 'custom',
      path: ['demo'],
      message: 'expected no "kafka" beside it: the demo is not for mixing with real clusters',
    })
}

import type { Registration } from '../model/registration.ts'
import type { Registry } from '../registry/registry.ts'
import type { Clock } from '../runtime/clock.ts'
import { describeError } from '../runtime/errors.ts'
import type { Logger } from '../runtime/logger.ts'
import { poll } from '../runtime/poll.ts'
import type { Service } from '../runtime/service.ts'
import { createDemo, type DemoReporter } from '../simulator/demo.ts'
import { type Config, configSchema } from './schema.ts'

/** The demo as the rest of the daemon sees it: a Kafka cluster to watch, a YARN to look into, promises about both. */
export interface DemoParts {
  readonly kafka: Config['kafka']
  readonly objectives: Config['objectives']
  readonly status: Config['status']
  /** The simulated YARN in which its Flink jobs are found. */
  readonly yarn: Config['yarn']
  /** The simulated world, and the side of those who register themselves. */
  services(registry: Registry): readonly Service[]
}

const LEASE_SECONDS = 30
const HEARTBEAT_MS = 10_000

/** Starts listening on loopback; everything moves while its services run. */
export async function createDemoParts(deps: { readonly clock: Clock; readonly logger: Logger }): Promise<DemoParts> {
  const demo = await createDemo(deps)
  const { kafka, yarn, objectives, status } = configSchema.parse({
    kafka: [{ name: 'demo', bootstrap: [...demo.bootstrap], interval: '5s' }],
    yarn: [
      {
        name: 'demo',
        resource_managers: [...demo.resourceManagers],
        interval: '5s',
        // Nobody can see the group of a job without gauges: that of these two is told.
        jobs: [
          { match: 'inventory-forecast', group: 'inventory-forecast' },
          { match: 'catalog-loader', group: 'catalog-loader' },
        ],
        expected_jobs: ['nightly-report'],
      },
    ],
    // What they are judged over is shorter here: nobody looks at a demo for ten minutes before it says something.
    status: { window: '60s' },
    // Not for all: what is thought of a consumer to which nobody has promised anything is to be seen too.
    objectives: [
      {
        consumer: 'demo/.*|order-status|invoice-export',
        records: 5_000,
        seconds: 120,
        owner: 'streaming',
        severity: 'warning',
      },
      { consumer: 'demo/.*|invoice-export', records: 100_000, seconds: 900, owner: 'streaming', severity: 'critical' },
    ],
  })
  const registrations = demo.reporters.map(asRegistration)
  return {
    kafka,
    objectives,
    status,
    yarn,
    services: (registry) => [demo, registrant(registry, registrations, deps)],
  }
}

/** Does for a simulated process what it would do for itself: registers, and says every ten seconds that it lives. */
function registrant(
  registry: Registry,
  registrations: readonly Registration[],
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
): Service {
  return {
    name: 'demo registrations',
    run: async (signal) => {
      // The registry starts together with us: the first try may come too early.
      let intervalMs = 250
      let isRegistered = false
      while (!isRegistered && !signal.aborted) {
        try {
          await registry.put(registrations, signal)
          isRegistered = true
        } catch (error) {
          logger.debug({ error: describeError(error) }, 'Demo registrations wait for the registry')
          await clock.sleep(intervalMs, signal)
          intervalMs *= 2
        }
      }
      await poll({ intervalMs: HEARTBEAT_MS, clock }, signal, async () => {
        await registry.renew(registrations, signal)
      })
    },
  }
}

function asRegistration({ namespace, app, role, instance, address, kind, labels }: DemoReporter): Registration {
  return {
    namespace,
    app,
    role,
    instance,
    id: `${namespace}/${app}/${role}/${instance}`,
    address,
    zone: 'default',
    scheme: 'http',
    metricsPath: '/metrics',
    params: {},
    facts: { kind },
    incarnation: '1',
    superseded: [],
    labels,
    leaseSeconds: LEASE_SECONDS,
  }
}

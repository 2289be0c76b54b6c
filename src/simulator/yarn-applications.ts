/** An application as its ResourceManager knows it. */
export interface YarnApplication {
  /** `application_<cluster timestamp>_<number>`. */
  readonly id: string
  readonly plan: ApplicationPlan
  state: 'ACCEPTED' | 'RUNNING' | 'FINISHED' | 'FAILED' | 'KILLED'
  /** Milliseconds since 1970, as all times here. */
  readonly startedAt: number
  finishedAt?: number
  diagnostics: string
  /** The newest last. */
  readonly attempts: YarnAttempt[]
}

export interface ApplicationPlan {
  readonly name: string
  readonly user: string
  readonly queue: string
  /** Lower case, as YARN makes them. */
  readonly tags: readonly string[]
  readonly type: string
  /** Attempts in all. */
  readonly attempts: number
  readonly ageSeconds?: number
}

/** One life of an ApplicationMaster. */
export interface YarnAttempt {
  /** 1 for the first. */
  readonly number: number
  readonly startedAt: number
  finishedAt?: number
  /** The first is the ApplicationMaster's. */
  readonly containers: YarnContainer[]
  /** Where the ApplicationMaster can be asked, once it is ready to register. */
  master: (() => string | undefined) | undefined
  /** The address as it was registered. */
  rpcAddress?: string
  /** It has died, and the ResourceManager has not noticed yet: seconds until then. */
  noticedIn?: number
}

interface YarnContainer {
  /** `container_<cluster timestamp>_<number>_<attempt>_<number>`. */
  readonly id: string
  isRunning: boolean
}

/** Applications of a YARN cluster with one node. */
export interface YarnApplications {
  /** Part of all ids. */
  readonly clusterTimestamp: number
  /** In the order of their submission. */
  readonly all: readonly YarnApplication[]
  /** ACCEPTED, with a container for its ApplicationMaster; `onAttempt` starts each one. */
  submit(
    plan: ApplicationPlan,
    onAttempt: (application: YarnApplication, attempt: YarnAttempt) => void,
  ): YarnApplication
  addContainer(application: YarnApplication): YarnContainer
  /** SIGKILL of the ApplicationMaster: noticed seconds later; then the next attempt, or FAILED when that was the last. */
  killMaster(application: YarnApplication): void
  end(application: YarnApplication, state: 'FINISHED' | 'FAILED' | 'KILLED', diagnostics?: string): void
  /** Lets a second pass. */
  tick(): void
}

const noticedAfter = 2

export function createYarnApplications(now: () => number): YarnApplications {
  const clusterTimestamp = now() - 86_400_000
  const all: YarnApplication[] = []
  const starters = new Map<string, (application: YarnApplication, attempt: YarnAttempt) => void>()

  function begin(application: YarnApplication, startedAt: number): void {
    const attempt: YarnAttempt = {
      number: application.attempts.length + 1,
      startedAt,
      containers: [],
      master: undefined,
    }
    application.attempts.push(attempt)
    application.state = 'ACCEPTED'
    application.diagnostics = 'AM container is launched, waiting for AM container to Register with RM'
    addContainer(application)
    starters.get(application.id)?.(application, attempt)
  }

  function addContainer({ id, attempts }: YarnApplication): YarnContainer {
    const { number, containers } = attempts.at(-1)!
    const parts = [String(number).padStart(2, '0'), String(containers.length + 1).padStart(6, '0')]
    const container = { id: `${id.replace('application', 'container')}_${parts.join('_')}`, isRunning: true }
    containers.push(container)
    return container
  }

  function endAttempt({ attempts }: YarnApplication): void {
    const attempt = attempts.at(-1)!
    attempt.finishedAt = now()
    attempt.master = undefined
    delete attempt.noticedIn
    for (const container of attempt.containers) container.isRunning = false
  }

  function end(application: YarnApplication, state: 'FINISHED' | 'FAILED' | 'KILLED', diagnostics = ''): void {
    if (application.finishedAt !== undefined) return
    endAttempt(application)
    Object.assign(application, { state, diagnostics, finishedAt: now() })
    starters.delete(application.id)
  }

  function died(application: YarnApplication): void {
    const { id, attempts, plan } = application
    const { number } = attempts.at(-1)!
    const why = `AM Container for ${id.replace('application', 'appattempt')}_${String(number).padStart(6, '0')} exited with  exitCode: 137`
    if (number >= plan.attempts) {
      end(application, 'FAILED', `Application ${id} failed ${number} times due to ${why}. Failing the application.`)
      return
    }
    endAttempt(application)
    begin(application, now())
  }

  return {
    clusterTimestamp,
    all,
    submit(plan, onAttempt) {
      const id = `application_${clusterTimestamp}_${String(all.length + 1).padStart(4, '0')}`
      const startedAt = now() - (plan.ageSeconds ?? 0) * 1_000
      const application: YarnApplication = { id, plan, state: 'ACCEPTED', startedAt, diagnostics: '', attempts: [] }
      all.push(application)
      starters.set(id, onAttempt)
      begin(application, startedAt)
      return application
    },
    addContainer,
    killMaster(application) {
      const attempt = application.attempts.at(-1)!
      if (application.finishedAt === undefined) attempt.noticedIn ??= noticedAfter
    },
    end,
    tick() {
      for (const application of all) {
        const attempt = application.attempts.at(-1)!
        if (attempt.noticedIn !== undefined) {
          attempt.noticedIn--
          if (attempt.noticedIn <= 0) died(application)
          continue
        }
        const address = application.state === 'ACCEPTED' ? attempt.master?.() : undefined
        if (address === undefined) continue
        attempt.rpcAddress = address
        application.state = 'RUNNING'
        application.diagnostics = ''
      }
    },
  }
}

const answerWithinMs = 15_000

/** Flink's REST as the rig itself needs it: nothing of `src` has a part in it. */
export interface FlinkApi {
  get(path: string): Promise<unknown>
  /** Of all jobs that it knows, ended ones too. */
  jobIds(): Promise<readonly string[]>
  /** State of a job, such as `RUNNING`; undefined when the JobManager does not know it. */
  jobState(jobId: string): Promise<string | undefined>
  /** Tasks of a job that run, and all; with these all running it is at work. */
  tasks(jobId: string): Promise<{ readonly running: number; readonly total: number }>
  /** As the JobManager lists them, dead ones included until it notices. */
  taskManagerIds(): Promise<readonly string[]>
  /** Milliseconds since 1970 at which the last complete checkpoint began. */
  lastCheckpoint(jobId: string): Promise<number | undefined>
  cancel(jobId: string): Promise<void>
  uploadJar(file: Blob): Promise<string>
  /** Runs the main method inside the JobManager, which costs no JVM of its own. Returns the job's id. */
  runJar(jar: string, mainClass: string, args: readonly string[]): Promise<string>
}

export function createFlinkApi(url: string): FlinkApi {
  async function request(path: string, init: RequestInit = {}, withinMs = answerWithinMs): Promise<unknown> {
    const response = await fetch(`${url}${path}`, { ...init, signal: AbortSignal.timeout(withinMs) })
    const text = await response.text()
    if (!response.ok) throw new Error(`Ask Flink "${path}": status ${response.status}\n${readable(text)}`)
    return JSON.parse(text === '' ? '{}' : text)
  }
  const jobs = async () => listIn(await request('/jobs/overview'), 'jobs')
  return {
    get: (path) => request(path),
    jobIds: async () => (await jobs()).flatMap((job) => textIn(job, 'jid') ?? []),
    jobState: async (jobId) =>
      textIn(
        (await jobs()).find((job) => textIn(job, 'jid') === jobId),
        'state',
      ),
    tasks: async (jobId) => {
      const tasks = fieldIn(
        (await jobs()).find((job) => textIn(job, 'jid') === jobId),
        'tasks',
      )
      return { running: Number(fieldIn(tasks, 'running') ?? 0), total: Number(fieldIn(tasks, 'total') ?? 0) }
    },
    taskManagerIds: async () => {
      const listed = listIn(await request('/taskmanagers'), 'taskmanagers')
      return listed.map((taskManager) => textIn(taskManager, 'id') ?? '')
    },
    lastCheckpoint: async (jobId) => {
      const latest = fieldIn(await request(`/jobs/${jobId}/checkpoints`), 'latest')
      const began = fieldIn(fieldIn(latest, 'completed'), 'trigger_timestamp')
      return typeof began === 'number' ? began : undefined
    },
    cancel: async (jobId) => {
      await request(`/jobs/${jobId}`, { method: 'PATCH' })
    },
    uploadJar: async (file) => {
      const body = new FormData()
      body.append('jarfile', file, 'jobs.jar')
      const answer = await request('/jars/upload', { method: 'POST', body })
      return (textIn(answer, 'filename') ?? '').split('/').at(-1) ?? ''
    },
    runJar: async (jar, mainClass, args) => {
      const body = JSON.stringify({ entryClass: mainClass, programArgsList: args })
      const headers = { 'content-type': 'application/json' }
      const answer = await request(`/jars/${jar}/run`, { method: 'POST', headers, body }, 120_000)
      const jobId = textIn(answer, 'jobid')
      if (jobId === undefined) throw new Error(`Run "${mainClass}": no job id in ${JSON.stringify(answer)}`)
      return jobId
    },
  }
}

/** The value of one field of whatever was answered. */
function fieldIn(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null
    ? Object.entries(value).find(([name]) => name === key)?.[1]
    : undefined
}

function textIn(value: unknown, key: string): string | undefined {
  const field = fieldIn(value, key)
  return typeof field === 'string' ? field : undefined
}

function listIn(value: unknown, key: string): readonly unknown[] {
  const field = fieldIn(value, key)
  return Array.isArray(field) ? field : []
}

/** The beginning of an answer with Java's stack traces, whose line ends are escaped in JSON, as lines. */
export function readable(text: string): string {
  return text.slice(0, 8_000).replaceAll('\\n', '\n').replaceAll('\\t', '  ')
}

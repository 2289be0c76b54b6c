import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/**
 * Who may import whom inside `src`. This table is the only place that says so: the overrides in biome.json are
 * generated from it (`npm run format`), and `npm run check` fails when the two differ.
 *
 * `errors` stands for the single pure file `runtime/errors.ts`, so that a codec can throw a DecodeError.
 */
export const mayImport: Readonly<Record<string, readonly string[] | 'anything'>> = {
  model: [],
  runtime: [],
  client: [],
  lag: ['model'],
  judge: ['model'],
  targets: ['model'],
  jobs: ['model'],
  exposition: ['model'],
  compare: ['exposition', 'model'],
  console: ['model'],
  'kafka-wire': ['model', 'errors'],
  kafka: ['kafka-wire', 'model', 'runtime'],
  zookeeper: ['runtime'],
  flink: ['model', 'runtime'],
  yarn: ['model', 'runtime'],
  positions: ['kafka', 'kafka-wire', 'zookeeper', 'flink', 'model', 'runtime'],
  registry: ['zookeeper', 'targets', 'model', 'runtime'],
  discovery: ['yarn', 'flink', 'zookeeper', 'targets', 'model', 'runtime'],
  replicas: ['zookeeper', 'model', 'runtime'],
  probe: ['targets', 'model', 'runtime'],
  collect: ['positions', 'kafka', 'lag', 'judge', 'jobs', 'model', 'runtime'],
  replay: ['collect', 'compare', 'config', 'exposition', 'judge', 'lag', 'model', 'runtime'],
  http: ['exposition', 'console', 'targets', 'model', 'runtime'],
  simulator: ['kafka-wire', 'model', 'runtime'],
  config: ['runtime'],
  app: 'anything',
  commands: 'anything',
}

/** Folders whose code does no input or output: `node:*` is forbidden there. */
export const pure: readonly string[] = ['model', 'lag', 'judge', 'targets', 'jobs', 'exposition', 'compare', 'console']

/** The only places that may import these packages: each is wrapped once. */
const owners: Readonly<Record<string, readonly string[]>> = {
  axios: ['flink', 'yarn'],
  express: ['http'],
  'prom-client': ['app'],
  'node-cron': ['app'],
  pino: ['runtime'],
  yaml: ['config'],
  re2js: ['config'],
  bcryptjs: ['http'],
  aws4: ['kafka'],
  oauth4webapi: ['kafka'],
}

interface Override {
  readonly includes: readonly string[]
  readonly linter: { readonly rules: { readonly style: Readonly<Record<string, unknown>> } }
}

/** One Biome override per folder of the table: sibling folders are forbidden unless they are listed. */
export function folderOverrides(): readonly Override[] {
  return Object.entries(mayImport).map(([folder, allowed]) => {
    const folders = allowed === 'anything' ? Object.keys(mayImport).filter((name) => name !== 'commands') : allowed
    const open = folders.map((name) => (name === 'errors' ? '!../runtime/errors.ts' : `!../${name}/**`))
    const patterns: { group: string[]; message: string }[] = [
      {
        group: ['../**', ...open],
        message: `${folder}/ may import only: ${folders.join(', ') || 'nothing of ours'} (test/house/folder-rules.ts)`,
      },
    ]
    if (pure.includes(folder))
      patterns.push({ group: ['node:*'], message: `${folder}/ is pure: no input, no output, no clock` })
    const foreign = Object.keys(owners).filter((name) => !owners[name]?.includes(folder))
    patterns.push({
      group: [...foreign],
      message: 'This package is wrapped in one place only (test/house/folder-rules.ts)',
    })
    return {
      includes: [`src/${folder}/**`],
      linter: { rules: { style: { noRestrictedImports: { level: 'error', options: { patterns } } } } },
    }
  })
}

/** The whole Biome configuration with the generated overrides. */
export function biomeConfig(): string {
  const config = {
    vcs: { enabled: true, clientKind: 'git', useIgnoreFile: true },
    files: {
      includes: [
        '**',
        '!dashboards/*.json',
        '!test/fixtures',
        '!biome.json',
        '!**/*.md',
        '!**/*.yaml',
        '!**/*.yml',
        '!package-lock.json',
        '!dist',
      ],
    },
    formatter: { indentStyle: 'space', indentWidth: 2, lineWidth: 120 },
    javascript: { formatter: { quoteStyle: 'single', semicolons: 'asNeeded' } },
    linter: {
      rules: {
        correctness: { noUndeclaredDependencies: 'error', noUnusedImports: 'error', noUnusedVariables: 'error' },
        suspicious: { noImportCycles: 'error', noExplicitAny: 'error' },
        // Math.max does not take bigint.
        complexity: { useLiteralKeys: 'off', useMathMinMax: 'off' },
        style: {
          noDefaultExport: 'error',
          noEnum: 'error',
          useFilenamingConvention: { level: 'error', options: { filenameCases: ['kebab-case'] } },
          useImportType: 'error',
          useNodejsImportProtocol: 'error',
          noNonNullAssertion: 'off',
        },
        nursery: { noFloatingPromises: 'error', noMisusedPromises: 'error', useExhaustiveSwitchCases: 'error' },
      },
    },
    overrides: [
      { includes: ['vitest.config.ts'], linter: { rules: { style: { noDefaultExport: 'off' } } } },
      ...folderOverrides(),
    ],
  }
  return `${JSON.stringify(config, null, 2)}\n`
}

const target = fileURLToPath(new URL('../../biome.json', import.meta.url))

if (process.argv.includes('--write')) writeFileSync(target, biomeConfig())
if (
  process.argv.includes('--check') &&
  JSON.stringify(JSON.parse(readFileSync(target, 'utf8'))) !== JSON.stringify(JSON.parse(biomeConfig()))
) {
  process.stderr.write('biome.json differs from test/house/folder-rules.ts: run `npm run format`\n')
  process.exitCode = 1
}

import { describe, expect, it } from 'vitest'
import { configSchema } from '../../src/app/schema.ts'
import { loadConfig } from '../../src/config/load.ts'
import { ConfigError } from '../../src/runtime/errors.ts'

function problemsOf(text: string, env: Readonly<Record<string, string>>): readonly string[] {
  try {
    loadConfig(configSchema, { text, env })
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
}

describe('a secret', () => {
  const canary = 'c4n4ry'
  const sasl = (password: string): string =>
    `kafka:\n  - name: a\n    bootstrap: "b:1"\n    nope: 1\n    sasl:\n      mechanism: PLAIN\n      username: u\n      password: ${password}\n`

  it.each([
    ['as it should be', sasl(canary)],
    ['quoted', sasl(`"${canary}"`)],
    ['as a block', sasl(`|\n        ${canary}`)],
    ['that looks like an alias', sasl(`*${canary}`)],
    ['that looks like an anchor', sasl(`&${canary}`)],
    ['that looks like a tag', sasl(`!${canary}`)],
    ['with a reserved start', sasl(`@${canary}`)],
    ['with a percent sign', sasl(`%${canary}`)],
    ['with a colon', sasl(`a: ${canary}`)],
    ['with an open quote', sasl(`'${canary}`)],
    ['with a bad escape', sasl(`"\\q${canary}"`)],
    ['with an open bracket', sasl(`[${canary}`)],
    ['in a list', sasl(`[ ${canary} ]`)],
    ['in a mapping', sasl(`{ a: ${canary} }`)],
    ['with a tab', sasl(`\n\t${canary}`)],
    ['with a control character', sasl(`"\u0001${canary}"`)],
    ['twice', sasl(`${canary}\n      password: ${canary}`)],
    ['under a wrong name', sasl(canary).replace('password:', 'pasword:')],
    ['beside its file', sasl(`${canary}\n      password_file: /nowhere`)],
    ['in place of its block', `kafka: [ { name: a, bootstrap: "b:1", sasl: ${canary} } ]`],
    ['in place of all', canary],
    ['below the user name', sasl('x').replace('username: u', `username: { password: ${canary} }`)],
    ['from a variable, malformed', sasl(`"\${CANARY}\${"`)],
    ['from a variable, in a name', `kafka: [ { name: "\${CANARY} ", bootstrap: "b:1" } ]`],
    ['from a variable, in brokers', `kafka: [ { name: a, bootstrap: "\${CANARY}" } ]`],
    [
      'from a variable, in a pattern',
      `kafka: [ { name: a, bootstrap: "b:1", consumers: [ { match: "(\${CANARY}" } ] } ]`,
    ],
    ['from a variable, in a duration', `interval: "\${CANARY}"`],
    ['from a variable, in a word', `log: { level: "\${CANARY}" }`],
    ['from a variable, in a number', `objectives: [ { consumer: a, owner: o, records: "\${CANARY}" } ]`],
    ['from a variable, in a path', `kafka: [ { name: a, bootstrap: "b:1", tls: { ca_file: "/\${CANARY}" } } ]`],
    ['from a variable, in the servers', `zookeeper: { connect: "\${CANARY}:x" }`],
    ['from a variable, in a network', `registration: { allowed_cidrs: [ "\${CANARY}" ] }`],
    ['from a variable, in a truth value', `demo: "\${CANARY}"`],
  ])('%s is in no problem', (_, text) => {
    const problems = problemsOf(text, { CANARY: canary })

    expect(problems.length).toBeGreaterThan(0)
    expect(problems.join('\n')).not.toContain(canary)
  })
})

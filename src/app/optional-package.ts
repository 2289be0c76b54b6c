import { createRequire } from 'node:module'
import { ConfigError, describeError } from '../runtime/errors.ts'

const require = createRequire(import.meta.url)

/** What is wrong when an npm package is needed that is installed only where it is needed; undefined: it is there. */
export function packageProblem(name: string): string | undefined {
  try {
    require.resolve(name)
    return undefined
  } catch {
    return `expected the npm package "${name}" beside Lagkeeper: npm install ${name}`
  }
}

/**
 * Loads a package that `packageProblem` has found; what it exports is for the caller to check.
 *
 * @throws ConfigError when it is not there or cannot be loaded, such as a native part for another Node.js
 */
export function loadPackage(name: string): unknown {
  const problem = packageProblem(name)
  if (problem !== undefined) throw new ConfigError([problem])
  try {
    const loaded: unknown = require(name)
    return loaded
  } catch (error) {
    throw new ConfigError([`Load the npm package "${name}": ${describeError(error)}`], { cause: error })
  }
}

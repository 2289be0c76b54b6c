import { type ParseArgsConfig, parseArgs } from 'node:util'
import { compilePattern } from '../config/pattern.ts'
import { ConfigError, describeError } from '../runtime/errors.ts'

/** The options of a command line without anything else on it. @throws ConfigError naming what is wrong */
export function parseOptions<const T extends NonNullable<ParseArgsConfig['options']>>(
  argv: readonly string[],
  options: T,
) {
  try {
    return parseArgs({ args: [...argv], allowPositionals: false, options }).values
  } catch (error) {
    throw new ConfigError([describeError(error).replace(/ \(ERR_[A-Z_]+\)$/, '')], { cause: error })
  }
}

/** What the pattern of an option matches; everything without one. @throws ConfigError when it is no RE2 pattern */
export function parsePattern(option: string, pattern: string | undefined): (name: string) => boolean {
  if (pattern === undefined) return () => true
  try {
    return compilePattern(pattern)
  } catch (error) {
    throw new ConfigError([`${option}: "${pattern}", expected an RE2 pattern: ${describeError(error)}`], {
      cause: error,
    })
  }
}
